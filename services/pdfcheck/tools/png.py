"""Whether a PNG holds as many rows as it says: checksums are right on a file that was written short, too."""

import struct
import zlib
from collections.abc import Iterator

from services.pdfcheck.tools.jpeg import DamagedError

_SIGNATURE_BYTES = 8
_CHUNK_BYTES = 2**20
#: Samples of a pixel by colour type: grey, RGB, palette, grey with alpha, RGB with alpha.
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
#: Adam7's passes: where each begins and how far its pixels lie apart, across and down.
_PASSES = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))


def check_rows(content: bytes) -> None:
    """Raises `DamagedError` when fewer bytes of rows are there than its header says."""
    chunks = list(_chunks(content))
    header = next((body for kind, body in chunks if kind == b"IHDR"), b"")
    if len(header) < 13:
        raise DamagedError("no header")
    due, there = _due_bytes(header), 0
    inflating = zlib.decompressobj()
    try:
        for data in (body for kind, body in chunks if kind == b"IDAT"):
            waiting = data
            while waiting and there < due and not inflating.eof:
                there += len(inflating.decompress(waiting, _CHUNK_BYTES))
                waiting = inflating.unconsumed_tail
    except zlib.error as error:
        raise DamagedError("rows do not unpack") from error
    if there < due:
        raise DamagedError("too few rows")


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = _SIGNATURE_BYTES
    while at + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        yield kind, content[at + 8 : at + 8 + length]
        at += 12 + length


def _due_bytes(header: bytes) -> int:
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header[:13])
    bits = depth * _SAMPLES.get(colour, 0)
    if not interlaced:
        return _rows(width, height, bits)
    return sum(
        _rows(-(-(width - left) // across), -(-(height - top) // down), bits) for left, across, top, down in _PASSES
    )


def _rows(width: int, height: int, bits: int) -> int:
    """Each with the byte that names its filter; a pass without pixels has no rows."""
    return height * (1 + (width * bits + 7) // 8) if width > 0 and height > 0 else 0
