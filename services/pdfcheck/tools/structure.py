"""What a PDF's own frame tells: a collection instead of pages, layers that are switched off, pages that have no size
or no content, and bytes of something else in front of it or behind it.

Cheap on purpose: the root, a few keys of each page, and the file's first and last bytes.
"""

from decimal import Decimal
from typing import BinaryIO

import pikepdf

from services.catalogue.sniff import HEAD_BYTES
from services.pdfcheck.domain.structure import MOST_UNITS, Structure

#: Pages that are named; the rest are counted.
_NAMED = 50
_NEAR_END_BYTES = 2 * 1024
_FAR_END_BYTES = 2**20
_BLANKS = b"\x00\t\n\x0c\r \x1a"
_HEADER, _END = b"%PDF-", b"%%EOF"
_MOST_PARENTS = 50


def read(pdf: pikepdf.Pdf, source: BinaryIO, size_bytes: int) -> Structure:
    """Look at the frame of `pdf`, which was opened from `source`."""
    sizeless: list[int] = []
    outsized: list[int] = []
    without_content: list[int] = []
    for number, page in enumerate(pdf.pages, start=1):
        target = page.obj
        longest = _longest(target)
        if longest is not None and not 0 < longest <= MOST_UNITS:
            (outsized if longest else sizeless).append(number)
        if not _has_content(target):
            without_content.append(number)
    return Structure(
        portfolio="/Collection" in pdf.Root,
        hidden_layers=_hidden_layers(pdf.Root.get("/OCProperties")),
        sizeless=tuple(sizeless[:_NAMED]),
        outsized=tuple(outsized[:_NAMED]),
        without_content=tuple(without_content[:_NAMED]),
        bytes_before=_bytes_before(source),
        bytes_behind=_bytes_behind(source, size_bytes),
    )


def _longest(page: pikepdf.Object) -> int | None:
    """The longer side in units, rounded up; 0 where a page has no area; None where it does not say (readers then take
    a sheet of paper).
    """
    box = page.get("/MediaBox")
    above = page.get("/Parent") if box is None else None
    for _ in range(_MOST_PARENTS):
        if not isinstance(above, pikepdf.Dictionary) or box is not None:
            break
        box, above = above.get("/MediaBox"), above.get("/Parent")
    return None if box is None else _sides(box)


def _sides(box: object) -> int:
    """The longer side of a box; 0 for one without area, and for what is no box."""
    if not isinstance(box, pikepdf.Array) or len(box) < 4:
        return 0
    corners: list[object] = [box[number] for number in range(4)]
    numbers = [float(each) for each in corners if isinstance(each, int | Decimal) and not isinstance(each, bool)]
    if len(numbers) < 4:
        return 0
    left, low, right, high = numbers
    wide, tall = abs(right - left), abs(high - low)
    if not wide * tall > 0:
        return 0
    return min(10**9, int(-(-max(wide, tall) // 1)))


def _has_content(page: pikepdf.Object) -> bool:
    """Whether something is drawn, or laid on the page as an annotation (a stamp, a form's field)."""
    contents = page.get("/Contents")
    if isinstance(contents, pikepdf.Stream):
        return contents.stream_dict.get("/Length") != 0 or "/Annots" in page
    return (isinstance(contents, pikepdf.Array) and len(contents) > 0) or "/Annots" in page


def _hidden_layers(properties: object) -> int:
    """How many layers are off when the file is opened."""
    told = properties.get("/D") if isinstance(properties, pikepdf.Dictionary) else None
    if not isinstance(properties, pikepdf.Dictionary) or not isinstance(told, pikepdf.Dictionary):
        return 0
    if told.get("/BaseState") == "/OFF":
        return max(0, _length(properties.get("/OCGs")) - _length(told.get("/ON")))
    return _length(told.get("/OFF"))


def _length(value: object) -> int:
    return len(value) if isinstance(value, pikepdf.Array) else 0


def _bytes_before(source: BinaryIO) -> int:
    """How many stand before the header, if they are more than blanks."""
    source.seek(0)
    front, found, _ = source.read(HEAD_BYTES).partition(_HEADER)
    return len(front) if found and front.removeprefix(b"\xef\xbb\xbf").strip(_BLANKS) else 0


def _bytes_behind(source: BinaryIO, size_bytes: int) -> int:
    """How many stand behind the last end mark, blanks at its side left out; 0 where there is no such mark."""
    for reach in (_NEAR_END_BYTES, _FAR_END_BYTES):
        source.seek(max(0, size_bytes - reach))
        _, found, behind = source.read(reach).rpartition(_END)
        if found:
            return len(behind.strip(_BLANKS))
        if reach >= size_bytes:
            break
    return 0
