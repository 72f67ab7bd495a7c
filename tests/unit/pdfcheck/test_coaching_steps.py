"""The steps around the size coach's sandbox: what is kept, what is refused, and that the result is judged anew."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.kernel.errors import AppError
from services.kernel.sandbox import port
from services.kernel.sandbox.port import ByteSource, Json, JsonObject, Outcome, Profile, Progress, SandboxFailed
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.pdfcheck.domain.coaching import Derivation, Method, Offer, PageAdvice, Refusal
from services.pdfcheck.domain.facts import DocumentFacts, Health, PageSize
from services.pdfcheck.usecases import coaching
from services.pdfcheck.usecases.coaching import Weighed
from tests.assets import large_pages, pdf_fixtures
from tests.unit.pdfcheck.test_usecases import InMemory

LIMIT = int(0.63 * len(large_pages.grainy_jpeg()))
ABOUT = Weighed(file_id="f1", page=1, size_bytes=99)
TOLD: dict[str, Json] = {
    "page": 1, "size_bytes": 99, "pictures": [], "other_bytes": 0, "reasons": [], "offers": [], "refusal": None,
    "keys": {}, "tools": {"pikepdf": "10"},
}  # fmt: skip


class Answering:
    """A sandbox that answers so, and writes files before."""

    def __init__(self, answer: Json | Exception, files: Sequence[str] = ()) -> None:
        self.answer, self.files = answer, files

    async def run(
        self, function: str, arguments: JsonObject, *, profile: Profile, sources: Sequence[ByteSource] = (),
        scratch: Path | None = None, progress: Progress | None = None,
    ) -> Outcome:  # fmt: skip
        """See the port."""
        for name in self.files:
            assert scratch is not None
            (scratch / name).symlink_to("/etc/hostname")
        if isinstance(self.answer, Exception):
            raise self.answer
        return Outcome(value=self.answer, bytes_read=0, cpu_s=0, peak_memory_bytes=0)

    async def close(self) -> None:
        """See the port."""


async def keep(name: str, _path: Path) -> str:
    return f"kept/{name}"


async def advised(sandbox: port.Sandbox, content: bytes = b"") -> PageAdvice:
    source = InMemory(content)
    page, _ = await coaching.advise_page(sandbox, source, ABOUT, LIMIT, keep, most=False, progress=lambda _: None)
    return page


@pytest.mark.parametrize("error", [kind() for kind in port.LIMITS_HIT], ids=lambda error: type(error).__name__)
async def test_a_page_that_is_too_much_is_refused(error: Exception) -> None:
    assert (await advised(Answering(error))).refusal is Refusal.TOO_COMPLEX


async def test_a_page_that_does_not_decode_is_refused_and_a_bug_is_not_hidden() -> None:
    assert (await advised(Answering(SandboxFailed("CannotAdvise", "")))).refusal is Refusal.DAMAGED
    with pytest.raises(SandboxFailed):
        await advised(Answering(SandboxFailed("KeyError", "")))


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "visual.exe", ""])
async def test_a_file_with_another_name_is_not_taken(name: str) -> None:
    with pytest.raises(ValueError, match="may not"):
        await advised(Answering({**TOLD, "keys": {"page": name}}))


async def test_a_link_to_somebody_elses_file_is_not_taken() -> None:
    with pytest.raises(ValueError, match="may not"):
        await advised(Answering({**TOLD, "keys": {"page": "before.jpg"}}, files=["before.jpg"]))


async def test_what_is_shown_is_kept_and_what_was_shown_is_applied(tmp_path: Path) -> None:
    """In a real sandbox."""
    document = pdf_fixtures.pdf_of([large_pages.grainy_jpeg()])
    stored: dict[str, bytes] = {}

    async def storing(name: str, path: Path) -> str:
        stored[f"k/{name}"] = await asyncio.to_thread(path.read_bytes)
        return f"k/{name}"

    sandbox, told = ForkingSandbox(coaching.PRELOAD), list[float]()
    try:
        page, tools = await coaching.advise_page(
            sandbox, InMemory(document), ABOUT, LIMIT, storing, most=False, progress=told.append
        )
        offer = page.offer(Method.VISUAL)
        assert offer is not None
        assert set(offer.keys.values()) | set(page.keys.values()) <= set(stored)
        assert tools["pikepdf"]
        assert told == sorted(told)
        made = derivation(page)
        offered = InMemory(stored[coaching.offered_key(page, Method.VISUAL)])
        kind = await coaching.assemble(sandbox, InMemory(document), [offered], made, tmp_path, progress=lambda _: None)
        assert kind == "pdf"
        result = (tmp_path / coaching.RESULT).read_bytes()
        assert pdf_fixtures.single_page_bytes(result, 0) == offer.page_bytes
        other = InMemory(large_pages.drawing_document(1000))
        with pytest.raises(AppError, match=r"coach\.changed"):
            await coaching.assemble(sandbox, other, [offered], made, tmp_path, progress=lambda _: None)
    finally:
        await sandbox.close()


def derivation(*pages: PageAdvice) -> Derivation:
    return Derivation(
        file_id="n", from_file_id="f1", advice_id="a", method=Method.VISUAL, pages=pages, asked_by="p",
        asked_at=datetime(2023, 6, 1, tzinfo=UTC),
    )  # fmt: skip


def facts(*sizes: int, health: Health = Health.SOUND) -> DocumentFacts:
    pages = tuple(PageSize(size_bytes=size) for size in sizes)
    return DocumentFacts(size_bytes=sum(sizes), media_type="application/pdf", health=health, pages=pages)


@pytest.mark.parametrize(
    ("made", "fine"),
    [
        (facts(10, 100), True),  # exactly at the limit
        (facts(10, 101), False),
        (facts(10), False),
        (facts(10, 50, 10), False),
        (facts(10, 50, health=Health.DAMAGED), False),
        (facts(500, 50), True),  # a page that was not changed is not the coach's
    ],
)
def test_the_result_is_judged_whatever_was_promised(made: DocumentFacts, fine: bool) -> None:
    wanted = derivation(PageAdvice(file_id="f1", page=2, size_bytes=300))
    if fine:
        coaching.check_result(made, [10, 300], wanted, 100)
        return
    with pytest.raises(AppError, match=r"coach\.not-smaller"):
        coaching.check_result(made, [10, 300], wanted, 100)


def test_an_offer_that_is_not_there_is_not_taken() -> None:
    offer = Offer(
        method=Method.VISUAL, page_bytes=1, ssim=1, dpi=0, quality=0, pictures=1, fits=True, keys={"page": "k"}
    )
    for offers in ((), (offer,)):
        with pytest.raises(AppError, match=r"coach\.changed"):
            coaching.offered_key(PageAdvice(file_id="f", page=1, size_bytes=2, offers=offers), Method.VISUAL)
