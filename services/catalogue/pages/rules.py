"""What follows from the pages of a material, its item and the profile: seals and colour where they are due, copies,
repeated pages, papers made out to somebody else. Pure; every one is a hint for a person, none blocks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.catalogue.checklist import Entry
from services.catalogue.findings import Finding, Scalar
from services.catalogue.model import SealSign, SourceKind
from services.catalogue.pages.model import GREY_CHROMA, SEAL_SCORE, Rim, SeenFile, SeenLine, SeenPage
from services.catalogue.pages.person import Stranger, stranger
from services.catalogue.profile import Profile

#: What of `seal_sign` is a seal, whoever else may sign instead.
_SEALS = frozenset({"seal", "fresh_seal", "official_seal", "review_seal"})
#: Made by a machine: nobody seals it by itself.
_UNSEALED: frozenset[SourceKind] = frozenset({"electronic", "screenshot", "online_report"})
#: A copy with a seal is what is due, at least as one of two ways.
_COPIES: frozenset[SourceKind] = frozenset(
    {"stamped_copy", "stamped_copy_or_original", "screenshot_or_stamped_copy", "original_with_stamped_copy"}
)
_WHOLE = Rim(score=0, left=0, top=0, width=1, height=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenPart:
    """Pages of a file under one component; `seen` is None while it was not looked at."""

    file_id: str
    component_id: str
    pages: int
    seen: SeenFile | None


Found = tuple[str, Finding]


def of_file(entry: Entry, profile: Profile, seen: SeenFile) -> Iterator[Finding]:
    """What one file tells by itself, and whether its first page is made out to somebody else."""
    yield from seen.findings
    if entry.item.of_person and (other := stranger(seen.lines, profile)) is not None:
        yield _name_mismatch(other)


def of_material(entry: Entry, profile: Profile, parts: Sequence[SeenPart], *, complete: bool) -> Iterator[Found]:
    """(file id, finding): seals, looked for once all of a material is there."""
    if complete and parts and all(_is_seen(part) for part in parts):
        yield from _seals(entry, profile, parts)


def _is_seen(part: SeenPart) -> bool:
    return part.seen is not None and len(part.seen.pages) == part.pages > 0


def repeated(parts: Mapping[str, SeenFile]) -> Iterator[Found]:
    """Pages that repeat another page of the dossier, for all of its files; what repeats a file that is gone is none.

    Each pair is told once, of the page that comes later.
    """
    order = {file_id: place for place, file_id in enumerate(parts)}
    told: set[tuple[tuple[int, int], tuple[int, int]]] = set()
    for file_id, seen in parts.items():
        for each in seen.repeats:
            if each.other_file_id not in order:
                continue
            pair = sorted([(order[file_id], each.page), (order[each.other_file_id], each.other_page)])
            first, later = pair
            if (first, later) not in told:
                told.add((first, later))
                yield from _repetition(tuple(order), first, later, each.likeness)


def _repetition(
    ids: Sequence[str], first: tuple[int, int], later: tuple[int, int], likeness: float
) -> Iterator[Found]:  # fmt: skip
    params = {**_place(later[1], _WHOLE, likeness), "other_page": first[1], "other_file_id": ids[first[0]]}
    params["reason"] = "same-file" if first[0] == later[0] else "other-file"
    yield (
        ids[later[0]],
        Finding(
            code="pdf.duplicate-page", rule_id="G-05", measured=round(likeness, 2), where=f"page {later[1]}",
            params=params,
        ),
    )  # fmt: skip


def seal_is_due(entry: Entry, profile: Profile) -> SealSign | None:
    """The first demand for a seal that holds for this entry."""
    names = profile.names(entry.answer)
    holding = (each for each in entry.item.seal_sign if each.when is None or each.when.holds(names))
    return next((each for each in holding if _SEALS & set(each.what)), None)


def source_of(entry: Entry, component_id: str) -> SourceKind:
    """What a component is to be taken from: its own word, else the item's."""
    return entry.item.component(component_id).source or entry.item.source


def _seals(entry: Entry, profile: Profile, parts: Sequence[SeenPart]) -> Iterator[Found]:
    """A seal somewhere in the material; without one, why not: no colour where an original is due, else no seal."""
    demand = seal_is_due(entry, profile)
    sealable = [part for part in parts if source_of(entry, part.component_id) not in _UNSEALED]
    if demand is None or not sealable:
        return
    pages = [(part, page) for part in sealable if part.seen is not None for page in part.seen.pages]
    if any(page.is_sealed for _, page in pages):
        return
    shown = [(part, page) for part, page in pages if not page.is_blank]
    if not shown:
        return
    originals = [(part, page) for part, page in shown if source_of(entry, part.component_id) not in _COPIES]
    copied = next(((part, page) for part, page in originals if page.shows_copied_seal), None)
    if copied is not None:
        yield copied[0].file_id, _copied(copied[1])
    if originals and all(page.is_grey for _, page in shown):
        part, page = originals[-1]
        yield part.file_id, _no_colour(page)
        return
    yield sealable[-1].file_id, _no_seal([page for _, page in shown], demand)


def _no_seal(pages: Sequence[SeenPage], demand: SealSign) -> Finding:
    best = max((page.seal.score for page in pages if page.seal is not None), default=0.0)
    params: dict[str, Scalar] = {"who": demand.who, "confidence": round(0.5 + 0.45 * (1 - best / SEAL_SCORE), 2)}
    return Finding(
        code="pdf.no-seal", rule_id="G-14", measured=round(best, 2), limit=SEAL_SCORE, where="material", params=params
    )


def _no_colour(page: SeenPage) -> Finding:
    sure = round(0.5 + 0.45 * (1 - page.chroma / GREY_CHROMA), 2)
    return Finding(
        code="pdf.no-colour", rule_id="G-03", measured=round(page.chroma, 1), limit=GREY_CHROMA,
        where=f"page {page.page}", params=_place(page.page, _WHOLE, sure),
    )  # fmt: skip


def _copied(page: SeenPage) -> Finding:
    rim = page.grey_seal or _WHOLE
    return Finding(
        code="pdf.copy-suspected", rule_id="G-03", where=f"page {page.page}",
        params=_place(page.page, rim, rim.score * 0.9),
    )  # fmt: skip


def _name_mismatch(other: Stranger) -> Finding:
    line: SeenLine = other.line
    box = Rim(score=0, left=line.left, top=line.top, width=line.width, height=line.height) if line.width else _WHOLE
    params = {**_place(1, box, min(0.95, line.confidence)), "reason": other.kind}
    return Finding(
        code="pdf.name-mismatch", rule_id="G-09", measured=other.shown, where="page 1", params=params
    )  # fmt: skip


def _place(page: int, box: Rim, sure: float) -> dict[str, Scalar]:
    return {
        "page": page,
        "left": box.left,
        "top": box.top,
        "width": box.width,
        "height": box.height,
        "confidence": round(sure, 2),
    }
