"""Pictures, in documents and by themselves, that say or do too much."""

import io
import struct
import zlib

from PIL import Image

from tests.assets import pdf_fixtures as honest
from tests.assets.raw_pdf import document, page, stream, zeros

_MB = 2**20


def image(keys: bytes, data: bytes, times: int = 1) -> bytes:
    """A page that shows a picture of these keys; `data` is deflated once for each time above one."""
    objects = page(b"/Resources << /XObject << /I 10 0 R >> >>", contents=stream(b"q 595 0 0 842 0 0 cm /I Do Q"))
    for _ in range(times - 1):
        data = zlib.compress(data, 9)
    objects[10] = stream(data, b"/Type /XObject /Subtype /Image " + keys)
    return document(objects)


def deflated(side: int = 30_000) -> bytes:
    """A deflated picture of side² pixels of three bytes: 2.7 GB."""
    keys = b"/Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter [ /FlateDecode /FlateDecode ]"
    return image(keys % (side, side), zeros(side * side * 3), times=2)


def jpx_bomb(side: int = 60_000) -> bytes:
    """JPEG 2000 whose header says side² pixels."""
    written = io.BytesIO()
    Image.new("RGB", (8, 8)).save(written, "JPEG2000", irreversible=False)
    data = written.getvalue()
    data = data.replace(b"ihdr" + struct.pack(">II", 8, 8), b"ihdr" + struct.pack(">II", side, side))
    at = data.index(b"\xff\x51")
    data = data[: at + 6] + struct.pack(">II", side, side) + data[at + 14 :]
    return image(b"/Width %d /Height %d /Filter /JPXDecode" % (side, side), data)


def jbig2_bomb(side: int = 100_000) -> bytes:
    """JBIG2 whose one page has side² dots, and nothing on it."""
    information = struct.pack(">IIIIBH", side, side, 0, 0, 0, 0)
    segment = struct.pack(">IBBBI", 0, 48, 0, 1, len(information)) + information
    keys = b"/Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /JBIG2Decode" % (side, side)
    return image(keys, segment)


def fax_bomb(side: int = 60_000) -> bytes:
    """A fax of side² dots from no bytes at all."""
    keys = (
        b"/Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /CCITTFaxDecode "
        b"/DecodeParms << /K -1 /Columns %d /Rows %d >>"
    )
    return image(keys % (side, side, side, side), b"\x00")


def indexed_bomb() -> bytes:
    """A palette that says it has two thousand million colours."""
    keys = b"/Width 9 /Height 9 /BitsPerComponent 8 /ColorSpace [ /Indexed /DeviceRGB 2147483647 <00> ]"
    return image(keys, bytes(81))


def _png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), *chunks, (b"IEND", b"")]
    written = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + written


def png_bomb(side: int = 20_000) -> bytes:
    """Side² grey pixels, all there, in a four-hundredth of their size."""
    return _png(side, side, (b"IDAT", zeros(side * (side + 1), piece=bytes(side + 1))))


def png_claim() -> bytes:
    """200,000 by 200,000 pixels, of which none is there."""
    return _png(200_000, 200_000, (b"IDAT", zlib.compress(b"")))


def png_text_bomb(mebibytes: int = 500) -> bytes:
    """A small picture with a comment that unpacks to so much."""
    comment = b"Comment\x00\x00" + zeros(mebibytes * _MB)
    return _png(4, 4, (b"zTXt", comment), (b"IDAT", zlib.compress(bytes(5) * 4)))


def png_profile_bomb(mebibytes: int = 500) -> bytes:
    """A small picture with a colour profile that unpacks to so much."""
    profile = b"p\x00\x00" + zeros(mebibytes * _MB)
    return _png(4, 4, (b"iCCP", profile), (b"IDAT", zlib.compress(bytes(5) * 4)))


def png_with_more_behind() -> bytes:
    """A sound picture, and the bytes of something else behind its end."""
    return honest.png("RGB", (62, 88)) + b"PK\x03\x04" * 500


def png_odd_palette() -> bytes:
    """A palette of two colours and a third of another, the checksum right."""
    whole = honest.png("P", (62, 88))
    at = whole.index(b"PLTE")
    length = int.from_bytes(whole[at - 4 : at], "big")
    body = b"PLTE" + b"\xff" * 7
    palette = struct.pack(">I", 7) + body + struct.pack(">I", zlib.crc32(body))
    return whole[: at - 4] + palette + whole[at + 8 + length :]


def png_short() -> bytes:
    """Fewer rows than it says, every checksum right."""
    return _png(100, 100, (b"IDAT", zlib.compress(bytes(101 * 50))))


def jpeg_claim(side: int = 65_535) -> bytes:
    """A scan whose frame says 65535 by 65535 pixels."""
    data = bytearray(honest.scan_jpeg(1, "大", (62, 88)))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", side, side)
    return bytes(data)


def jpeg_claim_in_pdf() -> bytes:
    """The same inside a document."""
    return image(
        b"/Width 65535 /Height 65535 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode", jpeg_claim()
    )


def progressive_bomb(scans: int = 5_000) -> bytes:
    """A progressive JPEG of 4000² pixels with thousands of scans that each go through all of it in a few bytes."""
    written = io.BytesIO()
    Image.new("L", (4000, 4000), 255).save(written, "JPEG", progressive=True)
    data = written.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]


def exif_bomb() -> bytes:
    """EXIF of directories that lead to each other, of 65,535 entries each, and lengths beyond the file."""
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)
    tiff = (
        b"II*\x00\x08\x00\x00\x00"
        + struct.pack("<H", 65_535)
        + entry * 4_000
        + struct.pack("<HHII", 0x0112, 3, 2**32 - 1, 6)
    )
    body = b"Exif\x00\x00" + tiff + struct.pack("<I", 8)
    data = honest.scan_jpeg(1, "小", (62, 88))
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def many_pictures_in_one() -> bytes:
    """MPO of fifty pictures, of which all but the first are cut off."""
    first = honest.mpo()
    return first + (b"\xff\xd8" + first[2:3000]) * 50


def disguised(start: bytes) -> bytes:
    """What begins as `start` says, called a JPEG."""
    return start + bytes(4_000)


def tiff_of(side: int, *, loops: bool = False) -> bytes:
    """A TIFF by hand that says it has side² grey pixels, of which 16 are there; with `loops` its pages never end."""
    tags = [(256, side), (257, side), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, side), (279, 16)]
    start = 8 + 16
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\x00" + struct.pack("<I", start) + bytes(16) + directory + struct.pack("<I", start if loops else 0)


def tiff() -> bytes:
    """A TIFF picture."""
    written = io.BytesIO()
    Image.new("RGB", (40, 40), "white").save(written, "TIFF")
    return written.getvalue()
