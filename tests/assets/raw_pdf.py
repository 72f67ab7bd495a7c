"""PDFs put together byte by byte, for what no writer of PDFs would write."""

import io
import zlib
from collections.abc import Mapping

Objects = Mapping[int, bytes]
#: Object numbers of a plain document of one page; further objects begin at :data:`FREE`.
CATALOG, PAGES, PAGE, CONTENTS, FREE = 1, 2, 3, 4, 5
_DRAWN = b"0 0 m 100 100 l S"


def stream(data: bytes, keys: bytes = b"", *, length: bytes | None = None) -> bytes:
    """A stream's object; `length` lies about it."""
    told = str(len(data)).encode() if length is None else length
    return b"<< %b /Length %b >>\nstream\n%b\nendstream" % (keys, told, data)


def flate(data: bytes, keys: bytes = b"", times: int = 1) -> bytes:
    """A stream that is deflated, `times` over."""
    for _ in range(times):
        data = zlib.compress(data, 9)
    return stream(data, keys + b" /Filter [" + b" /FlateDecode" * times + b" ]")


def zeros(count: int, begin: bytes = b"", piece: bytes = bytes(2**20), end: bytes = b"") -> bytes:
    """Deflated: `begin`, `count` bytes made of `piece`, `end`; never in memory at once."""
    squeeze, out = zlib.compressobj(9), io.BytesIO()
    out.write(squeeze.compress(begin))
    for _ in range(count // len(piece)):
        out.write(squeeze.compress(piece))
    out.write(squeeze.compress(end) + squeeze.flush())
    return out.getvalue()


def page(
    keys: bytes = b"", *, contents: bytes | None = None, box: bytes = b"/MediaBox [ 0 0 595 842 ]"
) -> dict[int, bytes]:
    """The objects of a document of one page with further `keys`, which draws a line."""
    if b"/Resources" not in keys:
        keys += b" /Resources << >>"
    return {
        CATALOG: b"<< /Type /Catalog /Pages 2 0 R >>",
        PAGES: b"<< /Type /Pages /Kids [ 3 0 R ] /Count 1 >>",
        PAGE: b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R %b %b >>" % (box, keys),
        CONTENTS: stream(_DRAWN) if contents is None else contents,
    }


def document(objects: Objects, trailer: bytes = b"", *, version: bytes = b"1.7", front: bytes = b"") -> bytes:
    """A file with a classic table; object 1 is the root. Offsets count from the header, behind `front`."""
    out = io.BytesIO()
    out.write(b"%%PDF-%b\n%%\xe2\xe3\xcf\xd3\n" % version)
    offsets = {}
    for number, body in objects.items():
        offsets[number] = out.tell()
        out.write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
    start, size = out.tell(), max(objects) + 1
    out.write(b"xref\n0 1\n0000000000 65535 f \n")
    for number in sorted(offsets):
        out.write(b"%d 1\n%010d 00000 n \n" % (number, offsets[number]))
    if b"/Root" not in trailer:
        trailer += b" /Root 1 0 R"
    out.write(b"trailer\n<< /Size %d %b >>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, start))
    return front + out.getvalue()
