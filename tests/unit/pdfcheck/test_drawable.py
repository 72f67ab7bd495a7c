"""Pages that may take long to draw are tried, and what cannot be shown is told with its page."""

import io

import pikepdf
import pytest

from services.kernel.sandbox import port
from services.kernel.sandbox.port import Json, SandboxFailed
from services.pdfcheck.domain.excess import Excess, Limit
from services.pdfcheck.tools.doubtful import is_doubtful
from services.pdfcheck.usecases.drawable import undrawable
from services.pdfcheck.usecases.pictures import RENDER
from services.pdfcheck.usecases.stopped import excess_of
from tests.assets import pdf_fixtures as made
from tests.assets.hostile import bombs, carried, lies
from tests.assets.raw_pdf import document, page, stream
from tests.unit.pdfcheck.test_usecases import InMemory, Scripted


def of_forms(count: int) -> bytes:
    """A page that draws so many forms, one beside the other."""
    names = b" ".join(b"/F%d %d 0 R" % (number, 10 + number) for number in range(count))
    form = stream(b"", b"/Subtype /Form /BBox [ 0 0 9 9 ] /Resources << >>")
    objects = page(b"/Resources << /XObject << %b >> >>" % names)
    return document({**objects, **dict.fromkeys(range(10, 10 + count), form)})


@pytest.mark.parametrize(
    ("content", "doubtful"),
    [
        (made.scanned_pdf(1), False),
        (made.shared_font(1, 1000), False),
        (bombs.nested_forms(3, 1), False),
        (bombs.nested_forms(5, 1), True),
        (of_forms(900), False),
        (of_forms(1_100), True),
        (bombs.pattern_bomb(), True),
        (bombs.function_bomb(), True),
        (lies.soft_mask_loop(), True),
        (lies.form_draws_itself(), False),
        (carried.font_draws_itself(), True),
        (carried.broken_font(), False),
        (document(page(b"/Resources << /Pattern << >> /XObject 7 /Font [ ] >>")), False),
    ],
)
def test_what_is_doubtful(content: bytes, doubtful: bool) -> None:
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert is_doubtful(pdf.pages[0].obj) == doubtful


async def told(answer: Json | Exception, pages: list[int]) -> list[tuple[str, object, object]]:
    found = await undrawable(Scripted({RENDER: answer}), InMemory(b""), pages)
    return [(each.code, each.where, each.params["reason"]) for each in found]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(port.SandboxTimeout(), "limits"), (port.SandboxMemory(), "limits"), (SandboxFailed("PdfiumError", ""), "broken")],
)
async def test_a_page_that_cannot_be_drawn_is_named(answer: Exception, reason: str) -> None:
    assert await told(answer, [7, 9]) == [("pdf.page-undrawable", "page 7", reason)]


async def test_pages_that_can_be_drawn_say_nothing() -> None:
    assert await told({}, [1, 2]) == []
    assert await told(port.SandboxTimeout(), []) == []


async def test_what_is_no_fault_of_the_file_is_raised() -> None:
    with pytest.raises(port.ZygoteLost):
        await told(port.ZygoteLost(), [1])


@pytest.mark.parametrize(
    ("error", "hit"),
    [
        (port.SandboxTimeout(), Excess(limit=Limit.TIME, allowed=10)),
        (port.SandboxMemory(), Excess(limit=Limit.MEMORY, allowed=768 * 2**20)),
        (port.SandboxBudget(), Excess(limit=Limit.BYTES, allowed=8 * 2**30)),
        (port.SandboxCrashed(), Excess(limit=Limit.CRASH)),
    ],
)
def test_the_limit_that_was_hit_is_told(error: port.SandboxError, hit: Excess) -> None:
    assert excess_of(error, port.DOCUMENTS) == hit


def test_a_bug_of_ours_is_no_limit() -> None:
    with pytest.raises(TypeError):
        excess_of(SandboxFailed("X", ""), port.DOCUMENTS)
