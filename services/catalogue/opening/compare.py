"""Which candidate a field gets, and what that means beside what was declared."""

from collections.abc import Iterator, Sequence

from services.catalogue.opening import values
from services.catalogue.opening.model import Declared, FieldName, Found, Opening, Shot, Status
from services.catalogue.opening.reading import Candidate, candidates

#: Below it a value is not taken for what was read, where nothing is declared that it could be held against: lower where
#: few values are possible. Tuned on generated cards (`bench/opening`).
SURE = {
    FieldName.SURGEON: 0.9,
    FieldName.EMPLOYER: 0.9,
    FieldName.DEPARTMENT: 0.85,
    FieldName.TITLE: 0.85,
    FieldName.OPERATION: 0.9,
    FieldName.DATE: 0.85,
}
#: Below it a line is as good as not read.
READ = 0.5


def read_opening(shots: Sequence[Shot], declared: Declared | None = None) -> Opening:
    """The six fields of an opening (M15-2b), each compared with its declared value where there is one (C-17).

    Nothing declared: what was read. Pure and total: any lines give an answer.
    """
    said = {name: value for name, value in (declared or {}).items() if value.strip()}
    found = [each for number, shot in enumerate(shots) for each in candidates(number, shot)]
    return {name: _field(name, [c for c in found if c.name is name], said.get(name), shots) for name in FieldName}


def is_complete(opening: Opening) -> bool:
    """Whether all six were found, so that further pictures need not be read."""
    return all(field.status is Status.FOUND for field in opening.values())


def _field(name: FieldName, candidates_: Sequence[Candidate], said: str | None, shots: Sequence[Shot]) -> Found:
    ranked = sorted(candidates_, key=_rank, reverse=True)
    if said is None:
        return _as_read(ranked, shots)
    return _compared(name, ranked, said, shots)


def _rank(candidate: Candidate) -> tuple[bool, bool, float]:
    return (
        candidate.labelled and bool(candidate.value),
        values.fits(candidate.name, candidate.value),
        candidate.confidence,
    )


def _as_read(ranked: Sequence[Candidate], shots: Sequence[Shot]) -> Found:
    """The best candidate, if it is sure enough."""
    ranked = [candidate for candidate in ranked if not candidate.weak]
    if not ranked:
        return Found(status=Status.MISSING)
    best = ranked[0]
    if not best.value or best.confidence < READ:
        return _found(best, Status.UNREADABLE, shots)
    value = best.value
    if best.longer and not values.fits(best.name, value) and values.fits(best.name, best.longer):
        value = best.longer
    sure = best.confidence >= SURE[best.name] and values.fits(best.name, value)
    return _found(best, Status.FOUND if sure else Status.UNREADABLE, shots, value)


def _compared(name: FieldName, ranked: Sequence[Candidate], said: str, shots: Sequence[Shot]) -> Found:
    labelled = [c for c in ranked if c.labelled and c.value]
    counted = labelled if labelled and name in (FieldName.SURGEON, FieldName.TITLE, FieldName.DATE) else ranked
    for candidate in counted:
        for value in _writings(candidate):
            if agrees(name, value, said):
                return _found(candidate, Status.FOUND, shots, value)
    for candidate in counted:
        if is_similar(name, candidate.value, said):
            return _found(candidate, Status.SIMILAR, shots)
    if not labelled:
        empty = next((c for c in ranked if c.labelled), None)  # a label with nothing behind it
        return Found(status=Status.MISSING) if empty is None else _found(empty, Status.UNREADABLE, shots)
    best = labelled[0]
    return _found(best, Status.MISSING if best.confidence >= READ else Status.UNREADABLE, shots)


def _writings(candidate: Candidate) -> Iterator[str]:
    yield candidate.value
    if candidate.longer:
        yield candidate.longer


def agrees(name: FieldName, read: str, said: str) -> bool:
    """Whether the card says what was declared: the same day, or the same characters but for marks and spaces; of a
    place of work also one of several names that stand there.
    """
    if name is FieldName.DATE:
        day = values.day_in(said)
        return day is not None and values.day_in(read) == day
    if name is FieldName.TITLE:
        mine, yours = values.title_in(read), values.title_in(values.plain(said))
        if mine and yours:
            return mine[0] == yours[0]
    wanted = values.bare(said)
    if not wanted:
        return False
    return values.bare(read) == wanted or (
        name is FieldName.EMPLOYER and any(values.bare(part) == wanted for part in values.parts(read))
    )


def is_similar(name: FieldName, read: str, said: str) -> bool:
    """Whether it is nearly that."""
    if name is FieldName.DATE:
        days = [values.day_in(text) for text in (read, said)]
        one, other = (
            day.isoformat() if day else values.bare(text) for day, text in zip(days, (read, said), strict=True)
        )
        return values.is_near(one, other)
    return values.is_near(values.bare(read), values.bare(said))


def _found(candidate: Candidate, status: Status, shots: Sequence[Shot], value: str | None = None) -> Found:
    return Found(
        status=status,
        value=candidate.value if value is None else value,
        confidence=round(candidate.confidence, 3),
        time_s=shots[candidate.shot].time_s,
        shot=candidate.shot,
        corners=candidate.corners,
    )
