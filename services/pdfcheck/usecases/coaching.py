"""Advice on pages that are too large and on items that are, and the smaller files that it leads to (G-07, G-08).

What a page would be is measured once and kept as a page of its own; making the smaller file only puts those pages'
pictures in, so that what was shown is what is applied.
"""

import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from services.kernel.errors import AppError, Kind
from services.kernel.jobs.queue import NewJob
from services.kernel.sandbox.port import (
    LIMITS_HIT,
    ByteSource,
    Json,
    JsonObject,
    Profile,
    Progress,
    Sandbox,
    SandboxFailed,
)
from services.pdfcheck.domain.coaching import Advice, Derivation, Method, Offer, PageAdvice, Refusal, page_from_json
from services.pdfcheck.domain.facts import DocumentFacts
from services.pdfcheck.ports import Subject

#: What the sandbox calls. Preload the module.
ADVISE, ASSEMBLE = "services.pdfcheck.tools.coach:advise", "services.pdfcheck.tools.coach:assemble"
PRELOAD = ("services.pdfcheck.tools.coach",)
RESULT = "shrunk"
#: Of one page: A3 at 600 dpi takes a minute and a half of a slow core, and holds its pixels twice.
ADVISING = Profile(
    name="advise", memory_bytes=3 * 2**29, cpu_s=240, wall_s=600, read_budget_bytes=2**30, output_bytes=256 * 2**20,
    nice=10,
)  # fmt: skip
SHRINKING = Profile(
    name="shrink", memory_bytes=768 * 2**20, cpu_s=120, wall_s=300, read_budget_bytes=16 * 2**30,
    output_bytes=2 * 2**30, nice=5,
)  # fmt: skip
#: A page that weighs less cannot help an item.
LEAST_PAGE_BYTES = 150_000
_NAMES = frozenset(
    {"before.jpg", "before-crop.jpg"}
    | {f"{method}-{what}.jpg" for method in Method for what in ("page", "crop")}
    | {f"{method}.{kind}" for method in Method for kind in ("pdf", "jpg", "png")}
)
#: (name, its file) → the key under which it is kept.
Keep = Callable[[str, Path], Awaitable[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Weighed:
    """A page of a file, and what it weighs."""

    file_id: str
    page: int
    size_bytes: int


async def advise_page(
    sandbox: Sandbox, source: ByteSource, about: Weighed, limit_bytes: int, keep: Keep, *, most: bool,
    progress: Progress,
) -> tuple[PageAdvice, Mapping[str, str]]:  # fmt: skip
    """The advice, with what it shows kept, and the libraries it was measured with. A page that does not decode or is
    too much for the limits is refused, not an error.

    Raises `SandboxFailed` (a bug of ours), `ZygoteLost`, `SourceSlow`, and what the source and `keep` raise.
    """
    refused = PageAdvice(file_id=about.file_id, page=about.page, size_bytes=about.size_bytes)
    with tempfile.TemporaryDirectory(prefix="shenbao-advise-") as folder:
        scratch = Path(folder)
        arguments: JsonObject = {"page": about.page, "limit_bytes": limit_bytes, "most": most, "scratch": folder}
        try:
            outcome = await sandbox.run(
                ADVISE, arguments, profile=ADVISING, sources=[source], scratch=scratch, progress=progress
            )
        except LIMITS_HIT:
            return replace(refused, refusal=Refusal.TOO_COMPLEX), {}
        except SandboxFailed as error:
            if error.kind != "CannotAdvise":
                raise
            return replace(refused, refusal=Refusal.DAMAGED), {}
        if not isinstance(outcome.value, dict):
            raise TypeError("advising returned no object")
        told = page_from_json({**outcome.value, "file_id": about.file_id})
        tools = outcome.value["tools"]
        kept = replace(
            told,
            page=about.page,
            keys=await _kept(told.keys, scratch, keep),
            offers=tuple([replace(offer, keys=await _kept(offer.keys, scratch, keep)) for offer in told.offers]),
        )
    return kept, {name: str(said) for name, said in tools.items()} if isinstance(tools, dict) else {}


async def _kept(named: Mapping[str, str], scratch: Path, keep: Keep) -> dict[str, str]:
    """What the sandbox wrote, under its keys; a name that it should not know is its own invention, or the file's."""
    kept: dict[str, str] = {}
    for what, name in named.items():
        path = scratch / name
        if name not in _NAMES or path.is_symlink():
            raise ValueError("advising named a file that it may not")
        kept[what] = await keep(name, path)
    return kept


def chosen_by_file(advice: Advice, method: Method) -> Mapping[str, tuple[PageAdvice, ...]]:
    """File → pages that change, each with the one offer that is taken."""
    found: dict[str, tuple[PageAdvice, ...]] = {}
    for page in advice.chosen(method):
        taken = tuple(offer for offer in page.offers if offer.method is method)
        found[page.file_id] = (*found.get(page.file_id, ()), replace(page, offers=taken))
    return found


def offered_key(page: PageAdvice, method: Method) -> str:
    """The object that holds the page as it would be. Raises `AppError` coach.changed."""
    offer: Offer | None = page.offer(method)
    if offer is None or "file" not in offer.keys:
        raise changed()
    return offer.keys["file"]


async def assemble(
    sandbox: Sandbox, original: ByteSource, offered: Sequence[ByteSource], derivation: Derivation, scratch: Path,
    progress: Progress,
) -> str:  # fmt: skip
    """Writes `scratch / RESULT`: the original with the offered pages' pictures; the extension of what it is.

    Raises `AppError` coach.changed, coach.not-possible, and as `advise_page`.
    """
    changes: list[Json] = [[page.page, _paths(page.offer(derivation.method))] for page in derivation.pages]
    arguments: JsonObject = {"scratch": str(scratch), "changes": changes}
    try:
        outcome = await sandbox.run(
            ASSEMBLE, arguments, profile=SHRINKING, sources=[original, *offered], scratch=scratch, progress=progress
        )
    except SandboxFailed as error:
        if error.kind == "ChangedSince":
            raise changed() from error
        raise
    except LIMITS_HIT as error:
        raise AppError("coach.not-possible", Kind.UNPROCESSABLE) from error
    kinds = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}
    match outcome.value:
        case {"media_type": str(media_type)} if media_type in kinds:
            return kinds[media_type]
    raise TypeError("assembling returned something else")


def _paths(offer: Offer | None) -> list[Json]:
    return [[list(path) for path in picture] for picture in offer.paths] if offer is not None else []


def check_result(facts: DocumentFacts, before: Sequence[int], derivation: Derivation, limit_bytes: int) -> None:
    """The result is judged as every file is, whatever was promised: as many pages as before, none of those that changed
    above the limit or larger than it was. Raises `AppError` coach.not-smaller.
    """
    sizes = facts.page_bytes
    fine = facts.usable and len(sizes) == len(before)
    for page in derivation.pages:
        fine = fine and sizes[page.page - 1] <= min(limit_bytes, page.size_bytes)
    if not fine:
        raise AppError("coach.not-smaller", Kind.UNPROCESSABLE, measured=max(sizes, default=0), limit=limit_bytes)


def changed() -> AppError:
    """What was advised on is not what is there now."""
    return AppError("coach.changed", Kind.CONFLICT)


def advice_job(subject: Subject, stage: str, argument: str, request_id: str) -> NewJob:
    """The job that measures; the same request again is none."""
    about = subject.file_id or subject.material_id
    return NewJob(
        stage=stage,
        dedup_key=f"{stage}:{about}:{request_id}",
        organisation_path=subject.organisation_path,
        dossier_id=subject.dossier_id,
        subject_id=about,
        argument=argument,
        priority=40,
        max_attempts=3,
    )
