"""What types cannot check in a catalogue: references, doubles, unknown names, rules that do not exist."""

from collections import Counter
from collections.abc import Iterator, Mapping

from services.catalogue.complaints import Complaint, Path
from services.catalogue.expression import Expression
from services.catalogue.model import Document, Item, Levels, Route
from services.catalogue.profile import KNOWN_NAMES
from services.catalogue.rule_ids import ELSEWHERE, RULES
from services.catalogue.source import Problem, Source


def problems(document: Document, source: Source) -> tuple[Problem, ...]:
    """Every problem of the catalogue with its file, line and path; empty when it is sound."""
    found = [*_doubles(document), *_conditions(document), *_references(document), *_rules(document)]
    return tuple(_at(source, path, message) for path, message in found)


def problems_of_levels(levels: Levels, source: Source) -> tuple[Problem, ...]:
    """The same for levels and routes."""
    return tuple(_at(source, path, message) for path, message in _levels(levels))


#: Whoever writes a catalogue reads English.
Found = tuple[Path, str]


def _at(source: Source, path: Path, message: str) -> Problem:
    return source.at(Complaint(path=path, zh=message, en=message))


def _doubles(document: Document) -> Iterator[Found]:
    for key in ("id", "number"):
        counted = Counter(getattr(item, key) for item in document.items)
        for index, item in enumerate(document.items):
            if counted[getattr(item, key)] > 1:
                yield ("items", index, key), f"{getattr(item, key)!r} is used {counted[getattr(item, key)]} times"
    for group in ("paper", "templates", "interpretations"):
        counted = Counter(entry.id for entry in getattr(document, group))
        for index, entry in enumerate(getattr(document, group)):
            if counted[entry.id] > 1:
                yield (group, index, "id"), f"{entry.id!r} is used {counted[entry.id]} times"
    for index, item in enumerate(document.items):
        counted = Counter(component.id for component in item.components)
        for component, times in counted.items():
            if times > 1:
                yield ("items", index, "components"), f"{component!r} is used {times} times"


def _conditions(document: Document) -> Iterator[Found]:
    for index, item in enumerate(document.items):
        if item.reason is None and item.applies_when.text != "always":
            yield ("items", index), "a condition needs a `reason` in words"
        for path, expression in _expressions(item):
            for name in sorted(expression.names - KNOWN_NAMES):
                yield ("items", index, *path), f"unknown name {name!r}; see docs/profile.md"
        for number, component in enumerate(item.components):
            if component.required != "option" and (component.required == "when") != (component.when is not None):
                yield ("items", index, "components", number), "`required: when` needs `when`, `always` cannot have it"
    for index, paper in enumerate(document.paper):
        for name in sorted(paper.applies_when.names - KNOWN_NAMES):
            yield ("paper", index, "applies_when"), f"unknown name {name!r}; see docs/profile.md"


def _expressions(item: Item) -> Iterator[tuple[Path, Expression]]:
    yield ("applies_when",), item.applies_when
    if item.upload_optional_when is not None:
        yield ("upload_optional_when",), item.upload_optional_when
    if item.paper.checklist_when is not None:
        yield ("paper", "checklist_when"), item.paper.checklist_when
    for key in ("components", "alternatives", "seal_sign"):
        for number, part in enumerate(getattr(item, key)):
            if part.when is not None:
                yield (key, number, "when"), part.when


def _references(document: Document) -> Iterator[Found]:
    ids = {item.id for item in document.items}
    for index, item in enumerate(document.items):
        components = {component.id for component in item.components}
        if item.follows is not None and item.follows not in ids:
            yield ("items", index, "follows"), f"there is no item {item.follows!r}"
        for number, alternative in enumerate(item.alternatives):
            for missing in sorted(set(alternative.of) - components):
                yield ("items", index, "alternatives", number, "of"), f"there is no component {missing!r}"


def _rules(document: Document) -> Iterator[Found]:
    for group in ("items", "paper", "templates"):
        for index, entry in enumerate(getattr(document, group)):
            for rule in entry.rules:
                if rule not in RULES:
                    yield (group, index, "rules"), f"there is no rule {rule!r}"
    for index, reading in enumerate(document.interpretations):
        if reading.rule not in RULES:
            yield ("interpretations", index, "rule"), f"there is no rule {reading.rule!r}"


def _levels(levels: Levels) -> Iterator[Found]:
    for key in ("levels", "routes", "confirmations", "return_phrases"):
        ids = [entry.kind if isinstance(entry, Route) else entry.id for entry in getattr(levels, key)]
        for index, given in enumerate(ids):
            if ids.index(given) < index:
                yield (key, index), f"{given!r} stands here twice"
    known = [level.id for level in levels.levels]
    for index, route in enumerate(levels.routes):
        for number, level in enumerate(route.levels):
            if level not in known:
                yield ("routes", index, "levels", number), f"there is no level {level!r}"
        places = [known.index(level) for level in route.levels if level in known]
        if places != sorted(set(places)):
            yield ("routes", index, "levels"), "levels are not in order, or one stands here twice"


def coverage(document: Document) -> Mapping[str, str]:
    """Each rule of the requirements with what carries it out: an item, a paper, a template, or where in the code."""
    covered: dict[str, list[str]] = {rule: [] for rule in RULES}
    for group in (document.items, document.paper, document.templates):
        for entry in group:
            for rule in entry.rules:
                covered[rule].append(entry.id)
    return {rule: ", ".join(carriers) or ELSEWHERE.get(rule, "") for rule, carriers in covered.items()}
