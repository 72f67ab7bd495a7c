"""Which items an applicant owes, why, of what they consist, and which paper copies go with them (G-02, G-10). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.catalogue.expression import Names
from services.catalogue.findings import Finding
from services.catalogue.model import Alternative, Catalogue, Component, Item
from services.catalogue.profile import Answer, Profile


@dataclass(frozen=True, kw_only=True, slots=True)
class Owed:
    """One component of an entry; `due` is False for one of an alternative and for what is only welcome."""

    component: Component
    due: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One material that is due: the item, its ordinal (from 1) among entries of the item, and what it consists of."""

    item: Item
    ordinal: int
    answer: Answer
    components: tuple[Owed, ...]
    alternatives: tuple[Alternative, ...]
    upload_optional: bool
    reason_zh: str
    reason_en: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperLine:
    """One line of the paper set; `copies` None means that the notice does not say, `interpretation` that a person
    decides whether it is due.
    """

    id: str
    title_zh: str
    title_en: str
    copies: int | None
    form: str
    rules: tuple[str, ...]
    generated_by_system: bool
    interpretation: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Checklist:
    """Everything this applicant owes."""

    entries: tuple[Entry, ...]
    paper: tuple[PaperLine, ...]


def checklist(catalogue: Catalogue, profile: Profile) -> Checklist:
    """Work out what is due by the catalogue's conditions."""
    entries = [entry for item in catalogue.items for entry in _entries(item, profile)]
    return Checklist(entries=tuple(entries), paper=_paper(catalogue, profile))


def entry_of(catalogue: Catalogue, profile: Profile, item: Item, ordinal: int) -> Entry:
    """The entry that an added material would be, whether or not the profile lists it."""
    answers = _answers(item, profile)
    answer = answers[min(ordinal, len(answers)) - 1] if answers else _default(item)
    return _entry(catalogue.item(item.id), ordinal, answer, profile)


def _answers(item: Item, profile: Profile) -> Sequence[Answer]:
    given = profile.answers.get(item.follows or item.id, ())
    own = tuple(_with_defaults(item, answer) for answer in profile.answers.get(item.id, given))
    return own if item.entries == "listed" else own or (_default(item),)


def _default(item: Item) -> Answer:
    return _with_defaults(item, Answer())


def _with_defaults(item: Item, answer: Answer) -> Answer:
    """An answer that names no path or no kind means the item's first one."""
    path = answer.path or next(iter(item.paths), None)
    kind = answer.kind or next(iter(item.kinds), None)
    return answer.model_copy(update={"path": path, "kind": kind})


def _entries(item: Item, profile: Profile) -> list[Entry]:
    if not item.applies_when.holds(profile.names()):
        return []
    answers = _answers(item, profile)
    if item.entries == "single":
        answers = answers[:1]
    return [_entry(item, ordinal, answer, profile) for ordinal, answer in enumerate(answers, start=1)]


def _entry(item: Item, ordinal: int, answer: Answer, profile: Profile) -> Entry:
    names = profile.names(answer)
    alternatives = tuple(a for a in item.alternatives if a.when is None or a.when.holds(names))
    in_force = {component_id for alternative in alternatives for component_id in alternative.of}
    components = []
    for component in item.components:
        applies = component.when is None or component.when.holds(names)
        option = component.required == "option"
        if applies and not (option and _of_idle(item, component, in_force)):
            components.append(Owed(component=component, due=not option))
    zh, en = _reason(item)
    return Entry(
        item=item,
        ordinal=ordinal,
        answer=answer,
        components=tuple(components),
        alternatives=alternatives,
        upload_optional=item.upload_optional_when is not None and item.upload_optional_when.holds(names),
        reason_zh=zh,
        reason_en=en,
    )


def _of_idle(item: Item, component: Component, in_force: set[str]) -> bool:
    """Whether an optional component belongs only to alternatives that are not in force for this entry."""
    return component.id not in in_force and any(component.id in alternative.of for alternative in item.alternatives)


def _reason(item: Item) -> tuple[str, str]:
    if item.reason is not None:
        return item.reason.zh, item.reason.en
    if item.entries == "listed":
        return "在申报信息中选择了本项", "chosen in the profile"
    return "所有申报人员均须提交", "due from every applicant"


def surplus(entry: Entry, present: Sequence[str]) -> tuple[Finding, ...]:
    """What an entry has and nobody asked for (`item.surplus-component`): nothing that its own choices provide for."""
    asked = {owed.component.id for owed in entry.components}
    titles = {component.id: component.zh for component in entry.item.components}
    return tuple(
        Finding(code="item.surplus-component", rule_id="G-05", where=titles.get(component_id, component_id))
        for component_id in dict.fromkeys(present)
        if component_id not in asked
    )


def missing(entry: Entry, present: Sequence[str]) -> tuple[Finding, ...]:
    """What an entry still lacks, given the component of each of its files (`item.missing-component`)."""
    have = set(present)
    findings = [
        _lacks(owed.component.zh, entry) for owed in entry.components if owed.due and owed.component.id not in have
    ]
    for alternative in entry.alternatives:
        chosen = have & set(alternative.of)
        titles = " / ".join(entry.item.component(component_id).zh for component_id in alternative.of)
        if not chosen:
            findings.append(_lacks(titles, entry))
        elif alternative.choose == "exactly_one" and len(chosen) > 1:
            findings.append(
                Finding(
                    code="item.too-many-files", rule_id=alternative.rule, measured=len(chosen), limit=1, where=titles
                )
            )
    optional = entry.upload_optional and not have
    return () if optional else tuple(findings)


def _lacks(title: str, entry: Entry) -> Finding:
    return Finding(code="item.missing-component", rule_id=entry.item.rules[0], measured=0, limit=1, where=title)


def _paper(catalogue: Catalogue, profile: Profile) -> tuple[PaperLine, ...]:
    names: Names = profile.names()
    return tuple(
        PaperLine(
            id=paper.id,
            title_zh=paper.title_zh,
            title_en=paper.title_en,
            copies=paper.copies,
            form=paper.form,
            rules=paper.rules,
            generated_by_system=paper.generated_by_system,
            interpretation=paper.interpretation,
        )
        for paper in catalogue.paper
        if paper.applies_when.holds(names)
    )
