"""Characters of texts whose length the notice limits are counted on pages that have text (M15-2h, M15-10)."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from services.catalogue import load
from services.kernel.sandbox.in_memory import BytesSource
from services.kernel.sandbox.port import SandboxFailed, SandboxTimeout
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.pdfcheck.domain.lengths import NOT_COUNTABLE, counts_from_json, has_limited_text
from services.pdfcheck.usecases.lengths import COUNT, PRELOAD, count_characters
from tests.assets import pdf_fixtures as made
from tests.unit.pdfcheck.test_usecases import Scripted

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox(PRELOAD)
    yield box
    await box.close()


def prose(length: int) -> str:
    """No two lines alike: a line that is drawn twice at one place is the same text twice, which readers pass over."""
    return "".join(chr(0x4E00 + 7 * place % 6000) for place in range(length))


async def counted(sandbox: ForkingSandbox, content: bytes, pages: int) -> tuple[int, ...]:
    return await count_characters(sandbox, BytesSource(content), pages)


async def test_characters_are_counted_page_by_page_without_spaces(sandbox: ForkingSandbox) -> None:
    content = made.text_pdf(prose(1999), "腹腔镜 胆囊\u3000切除术。ABC 1")
    assert await counted(sandbox, content, 2) == (1999, 13)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (made.scanned_pdf, (NOT_COUNTABLE,) * 3),
        (lambda: made.text_pdf("由扫描软件生成", scan=made.scan_jpeg()), (NOT_COUNTABLE,)),
        (lambda: made.text_pdf(prose(300), scan=made.scan_jpeg()), (300,)),
        (made.tiny_jpeg, (NOT_COUNTABLE,)),
        (made.html, (NOT_COUNTABLE,)),
    ],
)
async def test_on_a_scan_nobody_but_a_person_can_count(
    sandbox: ForkingSandbox, build: Callable[[], bytes], expected: tuple[int, ...]
) -> None:
    """A mark that a scanning program left is no text; a whole text behind the picture is one."""
    assert await counted(sandbox, build(), len(expected)) == expected


@pytest.mark.parametrize("error", [SandboxFailed("PdfiumError", ""), SandboxTimeout("CPU")])
async def test_what_cannot_be_read_is_for_a_person(error: Exception) -> None:
    assert await count_characters(Scripted({COUNT: error}), BytesSource(b"x"), 2) == (NOT_COUNTABLE,) * 2


async def test_another_number_of_pages_counts_nothing() -> None:
    told = Scripted({COUNT: {"pages": [5]}})
    assert await count_characters(told, BytesSource(b"x"), 2) == (NOT_COUNTABLE,) * 2


@pytest.mark.parametrize("told", [None, {}, [1], [1, "2"], [1, True], [1, -2], [1, 2.0], [1, 2, 3]])
async def test_counts_are_checked(told: object) -> None:
    with pytest.raises(ValueError):
        counts_from_json(told, 2)


async def test_two_items_limit_a_text() -> None:
    assert [item.number for item in load.default().items if has_limited_text(item)] == ["15.2b", "15.10"]
