"""The PDF of a typed text: what is read from it is what was typed, to the character; the same text, the same bytes."""

import io
from collections.abc import AsyncIterator

import pikepdf
import pypdfium2 as pdfium
import pytest
import pytest_asyncio

from services.kernel.errors import AppError
from services.kernel.sandbox.in_memory import BytesSource
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.pdfcheck.domain.lengths import counted
from services.pdfcheck.domain.typed import taken
from services.pdfcheck.usecases import lengths, typed
from services.pdfcheck.usecases.lengths import count_characters
from services.pdfcheck.usecases.typed import MAKE
from tests.assets.pdf_fixtures import PAGE_LIMIT

pytestmark = pytest.mark.asyncio(loop_scope="module")
HEAD, TOOL = "手术简介", MAKE.partition(":")[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox((TOOL, *lengths.PRELOAD))  # the service's does without: here it is called again and again
    yield box
    await box.close()


def read(content: bytes) -> str:
    """What is written on all pages, without white space; a hyphen at a line's end as it is seen."""
    document = pdfium.PdfDocument(content)
    try:
        text = "".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()
    return "".join(text.replace("\ufffe", "-").split())


TEXTS = {
    "prose": "患者张三，男，56岁。因“右上腹痛3天”入院……\n行腹腔镜胆囊切除术（LC）——术中出血约10 ml。",
    "hyphens": "anti-\nbiotic，抗-\n体 " + "post-operative " * 40,
    "every sign": "，。、；：？！…—·～「」『』（）〔〕【】《》〈〉“”‘’％‰℃°±×÷≤≥≠√αβγμΩ№①②⑴㈠㎡㎜",
    "ascii": "".join(map(chr, range(0x21, 0x7F))) * 3,
    "full width": "".join(map(chr, range(0xFF01, 0xFF5F))),
    "same glyph": "μ µ · • ‧ – — ― 豈 ⼿ ﬁ ½ 1/2",
    "composed": "e\u0301 ü ǚ ñ",
    "lines": "\n".join("一二三四五六七八九十" * 5),
    "long word": "A" * 2000,
    "closing": "。" * 400,
    "limit": "".join(chr(0x4E00 + number) for number in range(2000)),
}


@pytest.mark.parametrize("name", TEXTS)
async def test_what_is_read_is_what_was_typed(sandbox: ForkingSandbox, name: str) -> None:
    text = taken(TEXTS[name], 2000)
    made = await typed.typeset(sandbox, text, HEAD)
    assert read(made) == "".join(text.split())
    with pikepdf.open(io.BytesIO(made)) as pdf:
        pages = len(pdf.pages)
    assert sum(await count_characters(sandbox, BytesSource(made), pages)) == counted(text)
    assert len(made) < PAGE_LIMIT


async def test_the_same_text_makes_the_same_bytes_and_another_others(sandbox: ForkingSandbox) -> None:
    text = TEXTS["prose"]
    made = await typed.typeset(sandbox, text, HEAD)
    assert made == await typed.typeset(sandbox, text, HEAD)
    assert made != await typed.typeset(sandbox, text + "。", HEAD)
    assert made != await typed.typeset(sandbox, text, "专利简介")


async def test_only_what_is_used_of_the_font_is_embedded(sandbox: ForkingSandbox) -> None:
    made = await typed.typeset(sandbox, TEXTS["prose"], HEAD)
    assert len(made) < 40_000
    with pikepdf.open(io.BytesIO(made)) as pdf:
        [font] = pdf.pages[0].Resources.Font.values()
        assert "/FontFile3" in font.DescendantFonts[0].FontDescriptor
        assert not pdf.check_pdf_syntax()


async def test_the_heading_is_seen_and_is_none_of_the_characters(sandbox: ForkingSandbox) -> None:
    made = await typed.typeset(sandbox, "一", HEAD)
    document = pdfium.PdfDocument(made)
    try:
        picture = document[0].render(scale=1).to_pil().convert("L")
    finally:
        document.close()
    assert read(made) == "一"
    darkest, lightest = picture.crop((250, 70, 345, 95)).getextrema()
    assert (darkest < 100, lightest) == (True, 255)


@pytest.mark.parametrize(("text", "named"), [
    ("𠮷野家", "𠮷 (U+20BB7)"), ("手术😀", "😀 (U+1F600)"), ("한국어", "국 (U+AD6D)、어 (U+C5B4)、한 (U+D55C)"),
    ("ก", "ก (U+0E01)"),
])  # fmt: skip
async def test_characters_that_the_font_has_not_are_named(sandbox: ForkingSandbox, text: str, named: str) -> None:
    with pytest.raises(AppError) as refused:
        await typed.typeset(sandbox, text, HEAD)
    assert refused.value.code == "text.not-shown"
    assert refused.value.params["characters"] == named
