"""Whether pages whose perceptual hashes are near show the same thing: small pictures of both are laid on each other."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from services.catalogue.pages.model import Repeat
from services.kernel.errors import AppError
from services.kernel.sandbox.in_memory import BytesSource
from services.kernel.sandbox.port import LIMITS_HIT, Profile, Sandbox, SandboxFailed
from services.pdfcheck.ports import NearPage

#: What the sandbox calls. Preload the module.
LIKENESS = "services.pdfcheck.tools.likeness:likeness"
PRELOAD = ("services.pdfcheck.tools.likeness",)
PROFILE = Profile(name="likeness", memory_bytes=512 * 2**20, cpu_s=20, wall_s=60, read_budget_bytes=64 * 2**20, nice=10)
#: From here on two pages are one; tuned on the seeds of `bench/pdf_quality` that are not judged there.
SAME = 0.7
#: Candidates of one page that are laid on it, the nearest first.
_TRIES = 3
#: (file id, page) → a picture 240 pixels wide, a JPEG. Raises `AppError` where there is none.
Small = Callable[[str, int], Awaitable[bytes]]
#: The same of one page.
Picture = Callable[[], Awaitable[bytes]]


async def repeats(
    sandbox: Sandbox, file_id: str, candidates: Sequence[NearPage], small: Small
) -> tuple[Repeat, ...]:  # fmt: skip
    """At most one repetition for each page: of the nearest page that is really the same. A page of which there is no
    picture repeats none.

    Raises `ZygoteLost` and whatever the pictures raise beside `AppError`.
    """
    found: dict[int, Repeat] = {}
    tried: dict[int, int] = {}
    for each in candidates:
        if each.page in found or tried.get(each.page, 0) >= _TRIES:
            continue
        tried[each.page] = tried.get(each.page, 0) + 1
        own, other = partial(small, file_id, each.page), partial(small, each.other_file_id, each.other_page)
        likeness = await likeness_of(sandbox, own, other)
        if likeness is not None and likeness >= SAME:
            found[each.page] = Repeat(
                page=each.page, other_file_id=each.other_file_id, other_page=each.other_page,
                likeness=round(likeness, 3),
            )  # fmt: skip
    return tuple(found[page] for page in sorted(found))


async def likeness_of(sandbox: Sandbox, one: Picture, other: Picture) -> float | None:
    """How alike two pages are, 0 to 1; 0 for what cannot be compared, None when there is no picture of one of them.

    Raises as `repeats`.
    """
    try:
        pictures = [await one(), await other()]
    except AppError as error:
        if error.retryable:
            raise
        return None
    try:
        outcome = await sandbox.run(LIKENESS, {}, profile=PROFILE, sources=[BytesSource(each) for each in pictures])
    except (SandboxFailed, *LIMITS_HIT):
        return 0.0
    return float(outcome.value) if isinstance(outcome.value, int | float) else 0.0
