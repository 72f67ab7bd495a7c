"""The words before the values, as cards have them, and those of others that must not be taken for the surgeon's."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

import yaml

from services.catalogue.opening.model import FieldName

#: Stands between pieces of a row that do not touch.
GAP = "\x1f"
_READ: Mapping[str, Sequence[str]] = yaml.safe_load(
    (resources.files("services.catalogue.opening") / "labels.yaml").read_text("utf-8")
)
_LABELS: Mapping[str, FieldName | None] = {
    label: None if name == "others" else FieldName(name) for name, labels in _READ.items() for label in labels
}
#: Of two characters: a form sets them apart.
_SPREAD = f"[ \u3000{GAP}]*"
_LONGEST_FIRST = sorted(_LABELS, key=len, reverse=True)
_WORDS = "|".join(
    _SPREAD.join(map(re.escape, each)) if len(each) in (2, 3) else re.escape(each) for each in _LONGEST_FIRST
)
_COLON = "[:;︰]"
#: Where a label may begin: at the start, after white space, or after what ends a value.
_BEGIN = rf"(?:^|(?<=[\s{GAP},，、;/|。()\[\]【】<>《》·-]))"
_KNOWN = re.compile(
    rf"{_BEGIN}(?P<label>{_WORDS})(?P<end>\s*{_COLON}+|(?=\s|{GAP}|$)|(?P<open>(?!{_COLON})))", re.IGNORECASE
)
#: Any short word before a colon: the label of something else, or one of ours misread.
_ANY = re.compile(rf"{_BEGIN}(?P<label>[^\s{GAP}:,，、0-9]{{2,10}})\s*{_COLON}+")
_INSIDE = re.compile(rf"(?P<label>{'|'.join(each for each in _LONGEST_FIRST if len(each) > 1)})\s*{_COLON}+")
_LEADING = re.compile(rf"(?P<label>{'|'.join(each for each in _LONGEST_FIRST if len(each) > 1)})\s*(?P<rest>.+)")
#: From so many characters on a label is one although no colon or space follows: both are easily lost.
_SURE_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Label:
    """A label in a row: which field's (None: something else's), from where to where, the colon included."""

    name: FieldName | None
    start: int
    end: int
    #: Whether a colon follows it.
    marked: bool


def labels_in(row: str) -> Sequence[Label]:
    """The labels of a row (NFKC, pieces parted by `GAP`), from left to right, none within another."""
    found: list[Label] = []
    position = 0
    while position < len(row):
        label = _next(row, position)
        if label is None:
            break
        found.append(label)
        position = label.end
    return found


def begins_with_label(text: str) -> bool:
    """Whether a piece begins with one of the labels that are known."""
    label = next(_known(text, 0), None)
    return label is not None and label.start == 0


def split_off(text: str) -> tuple[FieldName, str] | None:
    """The field and the rest of a piece that begins with a label, the colon lost; None when it does not."""
    match = _LEADING.match(text)
    name = _LABELS[match["label"]] if match else None
    return (name, match["rest"]) if match and name else None


def _next(row: str, position: int) -> Label | None:
    candidates = [*_known(row, position), *_misread(row, position), *(_within(row, position) if position else ())]
    return min(candidates, key=lambda each: (each.start, -each.end), default=None)


def _known(row: str, position: int) -> Iterator[Label]:
    for match in _KNOWN.finditer(row, position):
        plain = re.sub(_SPREAD, "", match["label"]).upper()
        if match["open"] is not None and len(plain) < _SURE_LENGTH:
            continue
        yield Label(_LABELS[plain], match.start(), match.end(), bool(match["end"].strip()))
        return


def _within(row: str, position: int) -> Iterator[Label]:
    """A label in the middle of a value, for which only its colon speaks."""
    match = _INSIDE.search(row, position)
    if match is not None:
        yield Label(_LABELS[match["label"]], match.start(), match.end(), marked=True)


def _misread(row: str, position: int) -> Iterator[Label]:
    for match in _ANY.finditer(row, position):
        label, start = match["label"], match.start()
        grown = _grown_together(label) if position else None
        if grown is not None:
            start, label = start + len(label) - len(grown), grown
        yield Label(nearest(label), start, match.end(), marked=True)
        return


def _grown_together(text: str) -> str | None:
    """The label at the end of a value that lost the space behind it: "肝胆外科职称"."""
    for length in range(len(text) - 2, 1, -1):
        if text[-length:] in _LABELS:
            return text[-length:]
    return None


def nearest(label: str) -> FieldName | None:
    """The field of the one label that differs in a single character, where both have three or more."""
    if label in _LABELS or len(label) < 3:
        return _LABELS.get(label)
    near = {
        _LABELS[each]
        for each in _LABELS
        if len(each) == len(label) and sum(a != b for a, b in zip(each, label, strict=True)) == 1
    }
    return near.pop() if len(near) == 1 else None
