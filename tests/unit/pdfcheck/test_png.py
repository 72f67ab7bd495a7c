"""A PNG must hold as many rows as it says, whatever its colours and passes."""

import io
import struct
import zlib

import pytest
from PIL import Image

from services.pdfcheck.tools.jpeg import DamagedError
from services.pdfcheck.tools.png import check_rows
from tests.assets import pdf_fixtures as made
from tests.assets.hostile import pictures

#: Adam7 of 10 by 10: 2×2, 1×2, 3×1, 2×3, 5×2, 5×5 and 10×5 pixels in passes, and a byte for each of their rows.
ADAM7_BYTES = 2 * 3 + 2 * 2 + 1 * 4 + 3 * 3 + 2 * 6 + 5 * 6 + 5 * 11


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, rows: int, *, depth: int = 8, colour: int = 0, interlaced: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_what_other_writers_make_is_whole(mode: str) -> None:
    check_rows(made.png(mode, (33, 17)))


@pytest.mark.parametrize(
    ("due", "picture"),
    [
        (10 * 11, {}),
        (10 * 31, {"colour": 2}),
        (10 * 3, {"depth": 1}),
        (10 * 81, {"depth": 16, "colour": 6}),
        (ADAM7_BYTES, {"interlaced": 1}),
    ],
)
def test_a_byte_less_is_too_few(due: int, picture: dict[str, int]) -> None:
    check_rows(png(10, 10, due, **picture))
    with pytest.raises(DamagedError):
        check_rows(png(10, 10, due - 1, **picture))


def test_passes_are_counted_as_another_reader_does() -> None:
    with Image.open(io.BytesIO(png(10, 10, ADAM7_BYTES, interlaced=1))) as picture:
        picture.load()
        assert picture.size == (10, 10)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", pictures.png_short(), pictures.png_claim()])
def test_what_is_short_is_damaged(content: bytes) -> None:
    with pytest.raises(DamagedError):
        check_rows(content)


def test_rows_that_do_not_unpack_are_damaged() -> None:
    content = made.png("RGB", (9, 9))
    at = content.index(b"IDAT") + 4
    with pytest.raises(DamagedError):
        check_rows(content[:at] + b"\xff\xff" + content[at + 2 :])
