"""A JPEG as its segments: where the first picture ends, which way up it is, and its bytes without what is private.

Nothing is decoded or compressed anew: picture data stays identical byte for byte. EXIF and XMP (position, camera,
owner), comments and every further picture (MPO) are left out.
"""

import struct
from dataclasses import dataclass

_EOI, _SOS, _APP0, _APP1, _APP2, _APP14, _COM = 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
#: Frame headers; DHT (C4), JPG (C8) and DAC (CC) lie among them.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_ICC = b"ICC_PROFILE\x00"
_ORIENTATION = 0x0112


class DamagedError(ValueError):
    """The file ends, or stops making sense, before its picture is complete."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Jpeg:
    """`data` is the first picture alone, `components` 1 (grey), 3 (colour) or 4 (CMYK).

    `orientation` is EXIF's, 1 to 8. `density_dpi` is what the file says, None where it says nothing of use. `inverted`
    tells that an Adobe program wrote CMYK with 0 as full ink.
    """

    data: bytes
    width_px: int
    height_px: int
    components: int
    orientation: int = 1
    density_dpi: float | None = None
    inverted: bool = False


@dataclass(slots=True)
class _Seen:
    """What the segments so far have said."""

    frame: tuple[int, int, int] | None = None
    orientation: int = 1
    density_dpi: float | None = None
    adobe: bool = False

    def take(self, marker: int, body: bytes) -> None:
        """Learn from one segment."""
        if marker in _FRAMES and self.frame is None:
            self.frame = _frame(body)
        elif marker == _APP0:
            self.density_dpi = _density(body) or self.density_dpi
        elif marker == _APP1:
            self.orientation = _orientation(body) or self.orientation
        elif marker == _APP14:
            self.adobe = self.adobe or body.startswith(b"Adobe")


def read(content: bytes) -> Jpeg:
    """Take a JPEG apart. Raises :class:`DamagedError` for one that is cut off or has no picture."""
    if not content.startswith(b"\xff\xd8"):
        raise DamagedError("no start of image")
    kept = bytearray(b"\xff\xd8")
    seen = _Seen()
    at, marker = _marker(content, 2)
    while marker != _EOI:
        at = _segment(content, at, marker, kept, seen)
        at, marker = _marker(content, at)
    kept += b"\xff\xd9"
    if seen.frame is None:
        raise DamagedError("no frame")
    width, height, components = seen.frame
    return Jpeg(
        data=bytes(kept),
        width_px=width,
        height_px=height,
        components=components,
        orientation=seen.orientation,
        density_dpi=seen.density_dpi,
        inverted=seen.adobe and components == 4,
    )


def _segment(content: bytes, at: int, marker: int, kept: bytearray, seen: _Seen) -> int:
    """Read the segment that begins at `at`, keep it if it stays, return where the next marker stands."""
    if marker in _WITHOUT_LENGTH:
        kept += bytes((0xFF, marker))
        return at
    body, end = _body(content, at)
    seen.take(marker, body)
    if _stays(marker, body):
        kept += bytes((0xFF, marker)) + content[at:end]
    return _scan(content, end, kept) if marker == _SOS else end


def _marker(content: bytes, at: int) -> tuple[int, int]:
    """The marker at `at` (after any fill bytes) and where its segment begins."""
    if content[at : at + 1] != b"\xff":
        raise DamagedError("no marker where one is due")
    while content[at : at + 1] == b"\xff":
        at += 1
    if at >= len(content):
        raise DamagedError("cut off")
    return at + 1, content[at]


def _body(content: bytes, at: int) -> tuple[bytes, int]:
    """What the segment at `at` holds after its length, and where it ends."""
    if at + 2 > len(content):
        raise DamagedError("cut off")
    length = int.from_bytes(content[at : at + 2], "big")
    if length < 2 or at + length > len(content):
        raise DamagedError("cut off in a segment")
    return content[at + 2 : at + length], at + length


def _scan(content: bytes, at: int, kept: bytearray) -> int:
    """Copy compressed data from `at`; return where the next real marker stands."""
    end = at
    while True:
        end = content.find(b"\xff", end)
        if end < 0 or end + 1 >= len(content):
            raise DamagedError("cut off in the picture")
        following = content[end + 1]
        if following == 0x00 or 0xD0 <= following <= 0xD7:
            end += 2
        elif following == 0xFF:
            end += 1
        else:
            kept += content[at:end]
            return end


def _stays(marker: int, body: bytes) -> bool:
    """Keep what a decoder needs (colour profile and Adobe's flag included), drop everything private."""
    if marker == _APP2:
        return body.startswith(_ICC)
    if marker in (_APP0, _APP14):
        return True
    return marker != _COM and not 0xE0 <= marker <= 0xEF


def _frame(body: bytes) -> tuple[int, int, int]:
    if len(body) < 6:
        raise DamagedError("no frame")
    height, width, components = struct.unpack(">HHB", body[1:6])
    if not width or not height or components not in (1, 3, 4):
        raise DamagedError("a frame without size")
    return width, height, components


def _density(body: bytes) -> float | None:
    """Dots per inch of a JFIF header."""
    if len(body) < 12 or not body.startswith(b"JFIF\x00"):
        return None
    unit, horizontal = struct.unpack(">BH", body[7:10])
    scale = {1: 1.0, 2: 2.54}.get(unit)
    return horizontal * scale if scale and horizontal else None


def _orientation(body: bytes) -> int | None:
    """EXIF's orientation from the first directory, None where there is none."""
    if not body.startswith(b"Exif\x00\x00") or len(body) < 14:
        return None
    tiff = body[6:]
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return None
    (start,) = struct.unpack(f"{order}I", tiff[4:8])
    if start + 2 > len(tiff):
        return None
    (count,) = struct.unpack(f"{order}H", tiff[start : start + 2])
    for entry in range(start + 2, min(start + 2 + 12 * count, len(tiff) - 11), 12):
        tag, _, _, value = struct.unpack(f"{order}HHIH", tiff[entry : entry + 10])
        if tag == _ORIENTATION:
            return value if 1 <= value <= 8 else None
    return None
