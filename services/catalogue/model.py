"""The catalogue as typed, frozen records: items, components, paper, levels, routes. No rule is computed here."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.catalogue import expression
from services.catalogue.expression import Expression
from services.kernel.errors import AppError, Kind


def _expression(value: object) -> Expression:
    if isinstance(value, Expression):
        return value
    if not isinstance(value, str):
        raise ValueError("an expression is a text")
    return expression.parse(value)


When = Annotated[Expression, BeforeValidator(_expression)]
Requirement = Literal["always", "when", "option"]
SourceKind = Literal[
    "original", "online_report", "electronic", "screenshot", "stamped_copy", "original_or_electronic",
    "screenshot_or_stamped_copy", "stamped_copy_or_original", "original_with_stamped_copy",
]  # fmt: skip


class Record(BaseModel):
    """Frozen; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Limits(Record):
    """An item's limits as the notice writes them; None means that there is none (G-07, G-08, M15-2d)."""

    page_mb: float | None = None
    item_mb: float | None = None
    duration_s: float | None = None
    tolerance_s: float = 0


class Component(Record):
    """One thing that an item's PDF must or may contain."""

    id: str
    zh: str
    en: str
    required: Requirement
    when: When | None = None
    max_pages: int | None = None
    text_max_chars: int | None = None
    source: SourceKind | None = None
    interpretation: bool = False


class Alternative(Record):
    """Components of which one, or at least one, is due."""

    choose: Literal["exactly_one", "at_least_one"]
    of: tuple[str, ...]
    when: When | None = None
    rule: str


class SealSign(Record):
    """Who signs or seals the material; confirmed by people (G-14)."""

    who: str
    what: tuple[str, ...]
    when: When | None = None
    note: str = ""


class PaperDue(Record):
    """The paper copy of an item (P-03 to P-05, M15-2g)."""

    due: str
    copies: int | None = None
    form: str = ""
    checklist_when: When | None = None
    note: str = ""


class Retention(Record):
    """Evidence that is kept for inspection and not uploaded (M13-02 to M13-05)."""

    id: str
    heading: str
    zh: str
    rule: str


class Reason(Record):
    """Why an item is due, for people."""

    zh: str
    en: str


class Disc(Record):
    """What is handed in for a surgery video (M15-2g)."""

    type: str
    count: int
    label: str
    capacity_bytes: int
    only_the_video: bool


class Item(Record):
    """One entry of the notice's list."""

    id: str
    number: str
    title_zh: str
    title_en: str
    section: str
    applies_when: When
    #: The condition in words; needed wherever it is not `always`.
    reason: Reason | None = None
    #: single: one entry; per_entry: one per answer, at least one; listed: only what the profile lists.
    entries: Literal["single", "per_entry", "listed"]
    #: Due whenever that other item is listed.
    follows: str | None = None
    multiplicity: str
    #: Ways to prove the item, of which an answer names one; the first is taken when it names none.
    paths: tuple[str, ...] = ()
    #: Kinds of thing that the item is about, chosen in the same manner.
    kinds: tuple[str, ...] = ()
    #: Kind of the final material.
    media: tuple[Literal["pdf", "mp4"], ...]
    #: What its parts may be.
    part_media: tuple[str, ...]
    limits: Limits
    medical_record: bool = False
    #: Made out to the applicant: a name or an ID number on a first page is the applicant's.
    of_person: bool = False
    medical_record_note: str = ""
    source: SourceKind
    filename: str = ""
    opening: tuple[str, ...] = ()
    disc: Disc | None = None
    components: tuple[Component, ...]
    alternatives: tuple[Alternative, ...] = ()
    annotations: tuple[str, ...] = ()
    stated_by: dict[str, str] = Field(default_factory=dict)
    topics: tuple[str, ...] = ()
    retention: tuple[Retention, ...] = ()
    seal_sign: tuple[SealSign, ...] = ()
    review_duties: tuple[str, ...] = ()
    upload_optional_when: When | None = None
    paper: PaperDue
    rules: tuple[str, ...]
    notes: tuple[str, ...] = ()
    source_quote: str
    interpretation: bool = False

    @property
    def is_video(self) -> bool:
        """Whether the material is an mp4 and not a PDF."""
        return "mp4" in self.media

    def component(self, component_id: str) -> Component:
        """The component. Raises `AppError` catalogue.no-such-component."""
        for component in self.components:
            if component.id == component_id:
                return component
        raise AppError("catalogue.no-such-component", Kind.INVALID, item=self.id, allowed=self.component_ids)

    @property
    def component_ids(self) -> str:
        """The components' ids, for messages."""
        return ", ".join(component.id for component in self.components)


class Paper(Record):
    """One paper document of the set that is handed in (G-10, P-01 to P-07)."""

    id: str
    number: str
    title_zh: str
    title_en: str
    applies_when: When
    copies: int | None
    generated_by_system: bool
    form: str
    rules: tuple[str, ...]
    notes: tuple[str, ...] = ()
    source_quote: str
    interpretation: bool = False


class Template(Record):
    """A template or register at the notice's end (T1 to T6)."""

    id: str
    number: str
    title_zh: str
    title_en: str
    layout_in_seed: bool
    rules: tuple[str, ...]
    fields: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    sign: tuple[str, ...] = ()
    code_regex: str = ""
    period: str = ""
    note: str = ""
    notes: tuple[str, ...] = ()
    addressed_to: str = ""
    fixed_text: str = ""


class Cycle(Record):
    """The year's dates; null means that the notice fixes none (configuration)."""

    year: int
    statistics_end: str
    statistics_end_binds: tuple[str, ...]
    last_assessment_year: int
    submission_deadline: str | None
    review_deadlines: dict[str, str] | None
    unit_publicity_days: int | None


class Defaults(Record):
    """Values that the notice leaves open."""

    #: MB is 2^20 bytes (G-07 does not say); configurable.
    mb_bytes: int
    duration_tolerance_s: float
    video_max_bytes: int
    document_max_bytes: int


class Level(Record):
    """One level of sign-off."""

    id: str
    zh: str
    en: str
    interpretation: bool = False


class Route(Record):
    """Which levels a dossier of this kind of unit passes, in order."""

    kind: str
    zh: str
    en: str
    levels: tuple[str, ...]


class ConfirmationKind(Record):
    """One of the things a reviewer confirms of each material (G-13)."""

    id: str
    zh: str
    en: str
    rule: str


class Phrase(Record):
    """A ready sentence for a return."""

    id: str
    zh: str
    en: str


class Levels(Record):
    """`levels.yaml`."""

    levels: tuple[Level, ...]
    routes: tuple[Route, ...]
    confirmations: tuple[ConfirmationKind, ...]
    return_phrases: tuple[Phrase, ...]

    def route(self, kind: str) -> Route:
        """The route of a kind of unit. Raises `AppError` catalogue.no-such-route."""
        for route in self.routes:
            if route.kind == kind:
                return route
        allowed = ", ".join(route.kind for route in self.routes)
        raise AppError("catalogue.no-such-route", Kind.INVALID, kind_of_unit=kind, allowed=allowed)


class Interpretation(Record):
    """How an open sentence of the notice is read."""

    id: str
    rule: str
    zh: str
    en: str


class Document(Record):
    """`sichuan-2023.yaml`."""

    version: str
    cycle: Cycle
    defaults: Defaults
    #: Media that the merge takes today.
    mergeable: tuple[str, ...]
    items: tuple[Item, ...]
    paper: tuple[Paper, ...]
    templates: tuple[Template, ...]
    forms_named_but_not_in_notice: tuple[str, ...]
    interpretations: tuple[Interpretation, ...]
    vocabulary: dict[str, tuple[str, ...]]


class Catalogue(Document):
    """The document with its levels and the hash of the data: what confirmations are bound to."""

    sha256: str
    sign_off: Levels

    def item(self, id_or_number: str) -> Item:
        """By id ("surgery_video") or number ("15.2a"). Raises `AppError` catalogue.no-such-item."""
        for item in self.items:
            if id_or_number in (item.id, item.number):
                return item
        raise AppError(
            "catalogue.no-such-item", Kind.INVALID, given=id_or_number[:40], allowed="shenbao catalogue list"
        )

    def page_bytes(self, item: Item) -> int | None:
        """Most bytes of one page (G-07); None when pages do not count."""
        return None if item.limits.page_mb is None else int(item.limits.page_mb * self.defaults.mb_bytes)

    def item_bytes(self, item: Item) -> int | None:
        """Most bytes of the item's final PDF (G-08); None for medical records."""
        return None if item.limits.item_mb is None else int(item.limits.item_mb * self.defaults.mb_bytes)

    def duration_limit_s(self, item: Item) -> float | None:
        """Longest duration with the tolerance, inclusive (M15-2d)."""
        return None if item.limits.duration_s is None else item.limits.duration_s + item.limits.tolerance_s

    @property
    def generic(self) -> "Item":
        """An item without conditions, for documents that belong to none: the general limits G-07 and G-08."""
        return next(item for item in self.items if item.id == "exceptional")
