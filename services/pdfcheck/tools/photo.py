"""A picture that was sent as a file of its own (JPEG, PNG), made smaller: it stays one, with its profile, its density
and the side that is up; what else a camera writes is left out.
"""

import io
import struct
from dataclasses import dataclass

import numpy as np
import oxipng
import pikepdf
from PIL import Image

from services.catalogue.sniff import MediaType
from services.pdfcheck.tools import jpeg, picture

_PNG_LEVEL = 1
_ICC_NAME, _ICC_PIECE_BYTES = b"ICC_PROFILE\x00", 65_000
_APP0, _APP1, _APP2 = 0xE0, 0xE1, 0xE2


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """The file as it was sent."""

    content: bytes
    kind: MediaType

    def page(self) -> pikepdf.Pdf:
        """The document of one page that it becomes; the caller closes it. Raises as `picture.page_of`."""
        return pikepdf.open(io.BytesIO(picture.page_of(self.content, self.kind).pdf))

    def without_loss(self, smaller: bytes | None) -> "Photo | None":
        """`smaller` is a JPEG's own data; a PNG is packed better. None where nothing is gained."""
        if self.kind is MediaType.JPEG:
            return None if smaller is None else self.as_jpeg(smaller, 1)
        packed = oxipng.optimize_from_memory(self.content, level=_PNG_LEVEL, interlace=oxipng.Interlacing.Off)
        if len(packed) >= len(self.content) or not _same_pixels(self.content, packed):
            return None
        return Photo(content=packed, kind=MediaType.PNG)

    def as_jpeg(self, data: bytes, shrunk: float) -> "Photo":
        """A file of JPEG data, which are `shrunk` times as wide as the picture was."""
        with Image.open(io.BytesIO(self.content)) as opened:
            profile = opened.info.get("icc_profile")
        orientation, density = self._said()
        kept = bytearray(b"\xff\xd8") + _density(density * shrunk if density else 0)
        kept += _upright(orientation) if orientation != 1 else b""
        kept += _profile(profile) if isinstance(profile, bytes) else b""
        return Photo(content=bytes(kept) + _bare(data), kind=MediaType.JPEG)

    def _said(self) -> tuple[int, float]:
        if self.kind is MediaType.JPEG:
            read = jpeg.read(self.content)
            return read.orientation, read.density_dpi or 0
        with Image.open(io.BytesIO(self.content)) as opened:
            density = opened.info.get("dpi")
        return 1, float(density[0]) if isinstance(density, tuple) else 0


def _same_pixels(one: bytes, other: bytes) -> bool:
    with Image.open(io.BytesIO(one)) as first, Image.open(io.BytesIO(other)) as second:
        return np.array_equal(np.asarray(first.convert("RGBA")), np.asarray(second.convert("RGBA")))


def _bare(data: bytes) -> bytes:
    """A JPEG behind its start, without density and profile, which stand in front of it."""
    at = 2
    while data[at] == 0xFF and data[at + 1] in (_APP0, _APP2):
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data[at:]


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def _density(dpi: float) -> bytes:
    """A JFIF header; without a density it tells that pixels are square."""
    dots = min(65_535, round(dpi))
    unit, told = (1, dots) if dots else (0, 1)
    return _segment(_APP0, b"JFIF\x00\x01\x01" + struct.pack(">BHHBB", unit, told, told, 0, 0))


def _upright(orientation: int) -> bytes:
    """EXIF that holds the orientation and nothing else."""
    directory = struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    return _segment(_APP1, b"Exif\x00\x00II*\x00" + struct.pack("<I", 8) + directory)


def _profile(profile: bytes) -> bytes:
    pieces = [profile[at : at + _ICC_PIECE_BYTES] for at in range(0, len(profile), _ICC_PIECE_BYTES)]
    return b"".join(
        _segment(_APP2, _ICC_NAME + bytes((number, len(pieces))) + piece) for number, piece in enumerate(pieces, 1)
    )
