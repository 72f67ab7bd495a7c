"""What types cannot check in a catalogue: references, doubles, unknown names, rules that do not exist."""

from collections import Counter
from collections.abc import Iterator, Mapping

from services.catalogue.expression import Expression
from services.catalogue.model import Document, Item, Levels
from services.catalogue.profile import KNOWN_NAMES
from services.catalogue.rule_ids import ELSEWHERE, RULES
from services.catalogue.source import Path, Source


def problems(document: Document, levels: Levels, source: Source) -> tuple[str, ...]:
    """Every problem with its file, line and path; empty when the catalogue is sound."""
    found = [*_doubles(document), *_conditions(document), *_references(document), *_rules(document)]
    found += [((), f"levels.yaml: {text}") for text in _levels(levels)]
    return tuple(source.at(path, message) for path, message in found)


Problem = tuple[Path, str]


def _doubles(document: Document) -> Iterator[Problem]:
    for key in ("id", "number"):
        counted = Counter(getattr(item, key) for item in document.items)
        for index, item in enumerate(document.items):
            if counted[getattr(item, key)] > 1:
                yield ("items", index, key), f"{getattr(item, key)!r} is used {counted[getattr(item, key)]} times"
    for index, item in enumerate(document.items):
        counted = Counter(component.id for component in item.components)
        for component, times in counted.items():
            if times > 1:
                yield ("items", index, "components"), f"{component!r} is used {times} times"


def _conditions(document: Document) -> Iterator[Problem]:
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
    for key in ("components", "alternatives", "seal_sign"):
        for number, part in enumerate(getattr(item, key)):
            if part.when is not None:
                yield (key, number, "when"), part.when


def _references(document: Document) -> Iterator[Problem]:
    ids = {item.id for item in document.items}
    for index, item in enumerate(document.items):
        components = {component.id for component in item.components}
        if item.follows is not None and item.follows not in ids:
            yield ("items", index, "follows"), f"there is no item {item.follows!r}"
        for number, alternative in enumerate(item.alternatives):
            for missing in sorted(set(alternative.of) - components):
                yield ("items", index, "alternatives", number, "of"), f"there is no component {missing!r}"


def _rules(document: Document) -> Iterator[Problem]:
    for group in ("items", "paper", "templates"):
        for index, entry in enumerate(getattr(document, group)):
            for rule in entry.rules:
                if rule not in RULES:
                    yield (group, index, "rules"), f"there is no rule {rule!r}"


def _levels(levels: Levels) -> Iterator[str]:
    known = [level.id for level in levels.levels]
    for route in levels.routes:
        for level in route.levels:
            if level not in known:
                yield f"route {route.kind}: there is no level {level!r}"
        if list(route.levels) != sorted(route.levels, key=known.index):
            yield f"route {route.kind}: levels are not in order"


def coverage(document: Document) -> Mapping[str, str]:
    """Each rule of the requirements with what carries it out: an item, a paper, a template, or where in the code."""
    covered: dict[str, list[str]] = {rule: [] for rule in RULES}
    for group in (document.items, document.paper, document.templates):
        for entry in group:
            for rule in entry.rules:
                covered[rule].append(entry.id)
    return {rule: ", ".join(carriers) or ELSEWHERE.get(rule, "") for rule, carriers in covered.items()}
