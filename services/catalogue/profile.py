"""The applicant's profile: what the checklist and the comparisons need to know (`docs/profile.md`)."""

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from services.catalogue import id_number as ids
from services.catalogue import names
from services.catalogue.complaints import Complaint, complain, refusal
from services.catalogue.expression import Value
from services.catalogue.model import Catalogue
from services.catalogue.source import Source, SourceError, parse, validated

#: Categories of characters that nobody sees: controls, and marks that turn the writing round or have no width.
_INVISIBLE = frozenset({"Cc", "Cf"})


def _visible(text: str) -> str:
    for position, character in enumerate(text, 1):
        if unicodedata.category(character) in _INVISIBLE:
            raise refusal("text.invisible-character", position=position, name=f"U+{ord(character):04X}")
    return text


Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_visible)]


def _day(value: object) -> object:
    """YAML reads 20200101 as a number, which would become a moment in seconds; only texts are days."""
    if isinstance(value, date | None):
        return value
    if not isinstance(value, str):
        raise refusal("profile.day")
    return value


Day = Annotated[date, BeforeValidator(_day)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True)


class Answer(_Record):
    """What the applicant says of one entry of an item; which of these an item asks for stands in the catalogue."""

    path: str | None = None
    kind: str | None = None
    electronic: bool = False
    #: The content page shows category and level, so no cover page is needed (G-15).
    content_page_shows_category: bool = False
    surgical_department: bool = False
    temperature_abnormal: bool = False
    has_register: bool = True
    rank_unclear: bool = False
    foreign_language_journal: bool = False
    by_funding: bool = False
    excellent_years_required: bool = False
    primary_care_years_required: bool = False
    mission_ended: bool = True
    operation: Text | None = None
    operation_date: Day | None = None
    label: Text | None = None


class Profile(_Record):
    """Who applies for what. Conditions of the catalogue read these fields by name."""

    name: Text
    id_number: str
    target_level: Literal["正高级", "副高级"]
    category: Literal["医疗类", "护理类", "药学", "医学技术"]
    workload_register: Literal["clinical_dental", "public_health", "nursing", "pharmacy", "medtech"]
    specialty: Text
    employer: Text
    department: Text
    title: Text
    affiliation: Literal["省属", "市属", "县属"]
    ownership: Literal["public", "private"] = "public"
    specialty_surgical: bool = False
    has_degree: bool = True
    title_lateral_transfer: bool = False
    primary_care_title_first: bool = False
    other_title_first: bool = False
    employer_changed: bool = False
    counterpart_support_due: bool = True
    covid_frontline: bool = False
    liangshan_team: bool = False
    exceptional: bool = False
    aid_abroad: bool = False
    aid_tibet_yi: bool = False
    appointed_on: Day | None = None
    political_score: float | None = None
    answers: dict[str, tuple[Answer, ...]] = Field(default_factory=dict)

    @field_validator("answers", mode="before")
    @classmethod
    def one_answer_is_a_list_of_one(cls, value: object) -> object:
        """`advanced_study: {path: exempt}` is short for a list with that one entry."""
        if isinstance(value, Mapping):
            return {key: [entry] if isinstance(entry, Mapping) else entry for key, entry in value.items()}
        return value

    @field_validator("name")
    @classmethod
    def name_in_one_form(cls, value: str) -> str:
        """NFC, plain separators."""
        return names.normalise(value)

    @field_validator("id_number", mode="before")
    @classmethod
    def id_number_is_right(cls, value: object, info: ValidationInfo) -> str:
        """GB 11643 (C-23); says what is wrong, never the number itself."""
        if not isinstance(value, str):
            raise refusal("profile.id-number-no-text", kind_zh="数字" if isinstance(value, int) else "其他内容")
        plain = ids.normalise(value)
        if problem := ids.check_id_number(plain, (info.context or {}).get("today", date.max)):
            found = len(plain) if problem.reason == "length" else "?"
            raise refusal(
                f"profile.id-number.{problem.reason}",
                position=problem.position,
                expected=problem.expected,
                found=found,
            )
        return plain

    def names(self, answer: Answer | None = None) -> dict[str, Value]:
        """The values of every name that a condition may use, for one entry."""
        values: dict[str, Value] = {
            key: value for key, value in self if isinstance(value, str | bool | int | float) or value is None
        }
        values["study_path"] = self._path("advanced_study", "certificate")
        values["support_path"] = self._path("counterpart_support", "self_appraisal")
        values["has_surgery_video"] = bool(self.answers.get("surgery_video"))
        entry = answer or Answer()
        values.update({key: value for key, value in entry if isinstance(value, str | bool) or value is None})
        values["electronic"] = entry.electronic or entry.path == "electronic"
        return values

    def _path(self, item_id: str, default: str) -> str:
        entries = self.answers.get(item_id, ())
        return (entries[0].path if entries else None) or default


#: Every name that a condition of the catalogue may use.
KNOWN_NAMES = frozenset(
    {*Profile.model_fields, *Answer.model_fields, "study_path", "support_path", "has_surgery_video"} - {"answers"}
)


def from_yaml(text: str, name: str, catalogue: Catalogue | None = None, *, today: date = date.max) -> Profile:
    """A profile from a YAML file. Raises `SourceError`, every problem with its line.

    With a catalogue, the answers are held against the items: an answer that would be overlooked is a problem. `today`
    bounds the date of birth; what was accepted once is read again without a bound.
    """
    return _checked(parse(text, name), catalogue, today)


def from_data(data: object, catalogue: Catalogue | None = None, *, today: date = date.max) -> Profile:
    """A profile from decoded JSON, else as `from_yaml`. Raises `SourceError`, every problem with its path."""
    return _checked(Source("profile", data, None), catalogue, today)


def _checked(source: Source, catalogue: Catalogue | None, today: date) -> Profile:
    profile = validated(source, Profile, {"today": today})
    if catalogue is not None and (complaints := tuple(_overlooked(profile, catalogue))):
        raise SourceError(tuple(source.at(complaint) for complaint in complaints))
    return profile


def _overlooked(profile: Profile, catalogue: Catalogue) -> Iterator[Complaint]:
    """Answers that the checklist would not use as they are meant."""
    items = {item.id: item for item in catalogue.items}
    for item_id, answers in profile.answers.items():
        place, item = ("answers", item_id), items.get(item_id)
        if item is None:
            yield complain(place, "profile.no-such-item")
            continue
        if answers and item.entries == "listed" and not item.applies_when.holds(profile.names()):
            yield complain(place, "profile.item-not-for-you", number=item.number, condition=item.applies_when.text)
        if item.entries == "single" and len(answers) > 1:
            yield complain(place, "profile.one-entry", number=item.number, found=len(answers))
        for index, answer in enumerate(answers):
            for key, given, allowed in (("path", answer.path, item.paths), ("kind", answer.kind, item.kinds)):
                if given is None or given in allowed:
                    continue
                if allowed:
                    yield complain((*place, index, key), "profile.none-of", expected=", ".join(allowed))
                else:
                    yield complain((*place, index, key), "profile.no-choice", number=item.number, key=key)


__all__ = ["KNOWN_NAMES", "Answer", "Profile", "SourceError", "from_data", "from_yaml"]
