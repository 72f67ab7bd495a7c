"""Reads a picture's text: which of it is which field's value."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from services.catalogue import names
from services.catalogue.opening import values
from services.catalogue.opening.labels import GAP, Label, labels_in, split_off
from services.catalogue.opening.model import Corners, FieldName, Shot
from services.catalogue.opening.rows import Piece, Row, rows

#: In heights of a line: what is farther to the right is no part of a value; what is farther below is another's.
_FAR_RIGHT, _FAR_BELOW, _WRAPPED = 1.5, 2.2, 1.2
#: Rows below a label in which its value may stand.
_ROWS_BELOW = 2
#: Fields whose values are long enough to go on in the next line.
_LONG = frozenset({FieldName.EMPLOYER, FieldName.OPERATION, FieldName.DEPARTMENT})


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """Text that may be a field's value; "" where a label has none behind it."""

    name: FieldName
    value: str
    confidence: float
    #: A label says so; otherwise it only looks like it.
    labelled: bool
    shot: int
    corners: tuple[Corners, ...]
    #: It is a word that might be anything: only what is declared makes something of it.
    weak: bool = False
    #: The value with the line below it, which may be its end; "" when none follows.
    longer: str = ""


def candidates(number: int, shot: Shot) -> Sequence[Candidate]:
    """Everything in shot `number` that may be one of the fields."""
    return list(_Reading(number, shot).candidates())


class _Reading:
    def __init__(self, number: int, shot: Shot) -> None:
        self._number = number
        self._rows = rows(shot.lines)
        self._labels = [labels_in(row.text) for row in self._rows]
        #: Pieces that a label has, by identity.
        self._taken: set[int] = set()

    def candidates(self) -> Iterator[Candidate]:
        """Labelled ones, then what no label has."""
        found = list(self._labelled())
        yield from found
        for row in self._rows:
            for piece in row.pieces:
                if id(piece) not in self._taken:
                    yield from self._by_looks(piece)

    def _labelled(self) -> Iterator[Candidate]:
        for index, (row, labels) in enumerate(zip(self._rows, self._labels, strict=True)):
            for place, label in enumerate(labels):
                self._take(row.within(label.start, label.end))
                end = labels[place + 1].start if place + 1 < len(labels) else len(row.text)
                text, pieces = _beside(row, label.end, end)
                if not text:
                    text, pieces = self._below(index, label)
                self._take(pieces)
                if label.name is not None:
                    yield from self._values(label.name, text, pieces, row.within(label.start, label.end), index)

    def _take(self, pieces: Sequence[Piece]) -> None:
        self._taken.update(map(id, pieces))

    def _values(
        self, name: FieldName, text: str, pieces: Sequence[Piece], label: Sequence[Piece], index: int
    ) -> Iterator[Candidate]:
        """The labelled value, and what else stands in it."""
        where = pieces or label
        text = text if name is FieldName.SURGEON else values.simplified(text)
        whole = Candidate(
            name=name, value=values.trimmed(text), labelled=True, shot=self._number,
            confidence=min((piece.confidence for piece in pieces), default=0.0),
            corners=tuple(piece.corners for piece in where),
        )  # fmt: skip
        if name in _LONG and pieces:
            rest = self._continued(index, pieces[0])
            whole = replace(whole, longer=values.trimmed(text + rest.text) if rest else "")
        yield from parted(whole)

    def _continued(self, index: int, first: Piece) -> Piece | None:
        """The line right below a value, begun where it began, that no label is in."""
        if index + 1 >= len(self._rows) or self._labels[index + 1]:
            return None
        for piece in self._rows[index + 1].pieces:
            close = piece.top - first.bottom < _WRAPPED * first.height
            if close and abs(piece.left - first.left) < 2 * first.height and id(piece) not in self._taken:
                return piece
        return None

    def _below(self, index: int, label: Label) -> tuple[str, Sequence[Piece]]:
        """What stands under a label that has nothing beside it."""
        row = self._rows[index]
        head = next(iter(row.within(label.start, label.end)), None)
        if head is None:
            return "", ()
        for other, labels in zip(self._rows[index + 1 :][:_ROWS_BELOW], self._labels[index + 1 :], strict=False):
            labelled = {id(piece) for each in labels for piece in other.within(each.start, each.end)}
            for piece in other.pieces:
                beneath = piece.overlap(head) > 0.3 or abs(piece.left - head.left) < head.height
                near = piece.top - head.bottom < _FAR_BELOW * head.height
                if beneath and near and id(piece) not in labelled and id(piece) not in self._taken:
                    return piece.raw, (piece,)
        return "", ()

    def _by_looks(self, piece: Piece) -> Iterator[Candidate]:
        """What a piece without a label looks like."""
        if values.is_clock(piece.text):
            return
        common = Candidate(
            name=FieldName.SURGEON, value="", confidence=piece.confidence, labelled=False, shot=self._number,
            corners=(piece.corners,),
        )  # fmt: skip
        led = split_off(piece.text)
        if led is not None and values.fits(*led):
            yield from parted(replace(common, name=led[0], value=values.trimmed(led[1]), labelled=True))
            return
        for name, value, weak in looks_like(piece.raw):
            yield replace(common, name=name, value=value, weak=weak)


def _beside(row: Row, start: int, end: int) -> tuple[str, Sequence[Piece]]:
    """The text from `start`, up to `end` or a wide gap, and its pieces. A gap before it does not matter."""
    taken: list[Piece] = []
    stop = end
    for piece, begins in zip(row.pieces, row.starts, strict=True):
        if begins + len(piece.text) <= start or begins >= end:
            continue
        if taken and piece.left - taken[-1].right > _FAR_RIGHT * piece.height:
            stop = begins
            break
        if row.text[max(begins, start) : min(begins + len(piece.text), end)].strip(GAP + " :"):
            taken.append(piece)
    text = row.raw[start:stop].strip(GAP + " :").replace(GAP, " ")
    return text, (taken if text else [])


def parted(whole: Candidate) -> Iterator[Candidate]:
    """A labelled value as it is, or in its parts: a name with a title behind it, a hospital with its department."""
    text = whole.value
    if whole.name is FieldName.SURGEON:
        title = values.title_in(text)
        if title is not None and title.start() > 0:
            yield replace(whole, value=_name(text[: title.start()]))
            yield replace(whole, name=FieldName.TITLE, value=title[0])
            return
        yield replace(whole, value=_name(text))
    elif whole.name is FieldName.TITLE:
        title = values.title_in(text)
        yield replace(whole, value=title[0] if title is not None else text)
    elif whole.name is FieldName.EMPLOYER:
        yield from _employer(whole)
    elif whole.name is FieldName.DEPARTMENT:
        hospital = values.employer_in(text)
        rest = values.trimmed(text[hospital.end() :]) if hospital else ""
        yield replace(whole, value=rest or text)
        if rest and hospital:
            yield replace(whole, name=FieldName.EMPLOYER, value=hospital[0])
    elif whole.name is FieldName.DATE:
        yield replace(whole, value=values.day_text(text))
    else:
        yield whole


def _employer(whole: Candidate) -> Iterator[Candidate]:
    hospital = values.employer_in(whole.value)
    rest = values.trimmed(whole.value[hospital.end() :]) if hospital else ""
    if hospital and values.is_department(rest):
        yield replace(whole, value=hospital[0])
        yield replace(whole, name=FieldName.DEPARTMENT, value=rest, longer="")
    else:
        yield whole


def _name(text: str) -> str:
    return values.trimmed(re.sub(r"\([^)]*\)", "", text)) if not values.is_name(text) else names.normalise(text)


def looks_like(raw: str) -> Iterator[tuple[FieldName, str, bool]]:
    """The fields that text without a label looks like, with their values, and whether that is weak."""
    if values.day_in(raw) is not None:
        yield FieldName.DATE, values.day_text(raw), False
        return
    whole = values.unlabelled(values.trimmed(values.simplified(raw)))
    if values.is_operation(whole):
        yield FieldName.OPERATION, whole, False
        return
    before = ""
    for word in re.split(r"[\s,，、;；/|]+", values.unlabelled(values.trimmed(raw))):
        yield from _one_word(values.trimmed(word), before)
        before = values.trimmed(word)


def _one_word(raw: str, before: str) -> Iterator[tuple[FieldName, str, bool]]:
    """`before` is the word before it, where a title's name stands."""
    word = values.simplified(raw)
    title = values.title_in(word)
    if title is not None:
        yield FieldName.TITLE, title[0], False
        name = values.trimmed(raw[: title.start()]) or before
        if values.is_name(name) and not values.is_department(name):
            yield FieldName.SURGEON, names.normalise(name), False
        return
    hospital = values.employer_in(word)
    if hospital is not None:
        yield FieldName.EMPLOYER, hospital[0], False
        word = raw = values.trimmed(word[hospital.end() :])
    if values.is_department(word):
        yield FieldName.DEPARTMENT, word, False
    elif values.is_name(raw):
        yield FieldName.SURGEON, names.normalise(raw), True
