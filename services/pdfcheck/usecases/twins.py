"""Which pages of a file are in another dossier as well: candidates by perceptual hash, each laid on its page."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from services.kernel.sandbox.port import Progress, Sandbox
from services.pdfcheck.ports import NearElsewhere, PageElsewhere, Twin
from services.pdfcheck.usecases.repeats import SAME, likeness_of

#: Candidates of one page that are laid on it, and of all pages of a file: 40 ms of CPU each. Among a million pages some
#: dozens are as near to a page as a copy of it may be.
OF_A_PAGE, OF_A_FILE = 10, 300
#: A page of the file, and one elsewhere → a picture 240 pixels wide, a JPEG. Raise `AppError` where there is none.
Own = Callable[[int], Awaitable[bytes]]
Other = Callable[[PageElsewhere], Awaitable[bytes]]


async def twins(
    sandbox: Sandbox, file_id: str, candidates: Sequence[NearElsewhere], own: Own, other: Other, progress: Progress
) -> tuple[Twin, ...]:
    """At most one for each page and other dossier. A candidate of which there is no picture, because it was replaced or
    deleted, costs no try.

    Raises `ZygoteLost` and whatever the pictures raise beside `AppError`.
    """
    found: dict[tuple[int, str], Twin] = {}
    tried: Counter[int] = Counter()
    for number, each in enumerate(candidates):
        progress(number / len(candidates))
        known = (each.page, each.other.dossier_id) in found
        if known or tried[each.page] >= OF_A_PAGE or tried.total() >= OF_A_FILE:
            continue
        likeness = await likeness_of(sandbox, partial(own, each.page), partial(other, each.other))
        tried[each.page] += likeness is not None
        if likeness is not None and likeness >= SAME:
            found[each.page, each.other.dossier_id] = Twin(
                file_id=file_id, page=each.page, other=each.other, likeness=round(likeness, 3)
            )
    return tuple(found.values())
