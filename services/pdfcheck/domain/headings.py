"""Which component a page belongs to, by what stands at its head: a suggestion that a person takes or leaves. Pure.

A heading is a short line with the component's title, or with one of the names that such papers bear in practice
(`catalogue/headings.yaml`). Reading a scan makes mistakes, so what is nearly the name counts too, for less. A page
without a heading goes on with the component of the page before it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from services.catalogue import headings
from services.catalogue.model import Component, Item

#: Below this nothing is suggested.
LEAST_CONFIDENCE = 0.55
#: How sure a page without a heading is of the one before.
_FOLLOWING = 0.5
#: A line may hold so many characters beside the name and still be a heading: a hospital's name, a number.
_BESIDE = 12
_LEAST_LIKE = 0.75
_IGNORED = re.compile(r"[^\w]|_", re.UNICODE)
_ASIDE = re.compile(r"（[^）]*）|\([^)]*\)")
_PARTED = re.compile(r"[/、]|以及|及|和|或")


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadLine:
    """A line from the upper part of a page. `height` is its share of the page's height, `confidence` the reader's."""

    text: str
    confidence: float = 1.0
    height: float = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """`component_id` "" suggests nothing. `heading` is what was read, "" for a page that follows another."""

    page: int
    component_id: str
    confidence: float
    heading: str = ""


def plain(text: str) -> str:
    """Without spaces and signs, in small letters."""
    return _IGNORED.sub("", text).lower()


def names_of(item: Item, component: Component) -> tuple[str, ...]:
    """What may stand at the head of its pages, plain; at least two characters each."""
    title = _ASIDE.sub("", component.zh)
    known = [
        *headings.names().get(item.id, {}).get(component.id, ()),
        *headings.names()[headings.ANY].get(component.id, ()),
        title,
        *_PARTED.split(title),
    ]
    return tuple(name for name in dict.fromkeys(map(plain, known)) if len(name) >= 2)


def suggest(item: Item, pages: Sequence[Sequence[HeadLine]]) -> tuple[Suggestion, ...]:
    """One suggestion per page, in order, for a file of `item`."""
    names = [(component.id, name) for component in item.components for name in names_of(item, component)]
    found: list[Suggestion] = []
    before = ""
    for number, lines in enumerate(pages, start=1):
        best = _best(names, lines)
        if best is not None:
            component_id, confidence, heading = best
            found.append(Suggestion(page=number, component_id=component_id, confidence=confidence, heading=heading))
            before = component_id
        else:
            found.append(Suggestion(page=number, component_id=before, confidence=_FOLLOWING if before else 0.0))
    return tuple(found)


def _best(names: Sequence[tuple[str, str]], lines: Sequence[HeadLine]) -> tuple[str, float, str] | None:
    """The component whose name a line is most like; of equally good ones the earlier line, the longer name."""
    ranked = []
    largest = max((line.height for line in lines), default=0.0)
    for place, line in enumerate(lines):
        text = plain(line.text)
        for component_id, name in names:
            like = _likeness(name, text)
            if like:
                # A larger letter is more of a heading than a smaller one; a line further down is less of one.
                size = 0.85 + 0.15 * (line.height / largest if largest else 1)
                confidence = like * line.confidence * size * (1 - 0.02 * min(place, 10))
                ranked.append((confidence, len(name), component_id, line.text))
    if not ranked:
        return None
    confidence, _, component_id, heading = max(ranked, key=lambda each: each[:2])
    return (component_id, round(confidence, 3), heading[:80]) if confidence >= LEAST_CONFIDENCE else None


def _likeness(name: str, text: str) -> float:
    """0 to 1: whether the line is the name, holds it with little else, or is nearly it."""
    if len(text) < 2 or len(text) > len(name) + _BESIDE:
        return 0.0
    beside = 1 - 0.3 * (len(text) - len(name)) / _BESIDE if len(text) >= len(name) else 0.0
    if name in text:
        return beside * (0.9 + 0.1 * min(1.0, len(name) / 4))
    if len(name) < 4:
        return 0.0
    matcher = SequenceMatcher(None, name, text, autojunk=False)
    common = sum(block.size for block in matcher.get_matching_blocks()) / len(name)
    return 0.9 * common * max(beside, 0.7) if common >= _LEAST_LIKE else 0.0
