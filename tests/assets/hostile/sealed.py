"""Locks, signatures and the texts of both."""

import io
from collections.abc import Callable

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, String

from tests.assets import pdf_fixtures as honest
from tests.assets import signing
from tests.assets.raw_pdf import document, page


def locked_by(handler: bytes, more: bytes = b"") -> bytes:
    """Encrypted by a handler that nobody here has."""
    return document(
        {**page(), 10: b"<< /Filter /%b /V 4 /R 4 /Length 128 %b >>" % (handler, more)},
        b"/Encrypt 10 0 R /ID [ <00> <00> ]",
    )


def lock_of_itself() -> bytes:
    """An encryption described by what is encrypted, and by itself."""
    keys = b"<< /Filter /Standard /V 5 /R 6 /CF 10 0 R /StmF /StdCF /O 10 0 R /U 10 0 R /P -1 >>"
    return document({**page(), 10: keys}, b"/Encrypt 10 0 R /ID [ <00> <00> ]")


def _signed(value_of: Callable[[bytes], bytes] = signing.cms, **keys: object) -> bytes:
    with Pdf.open(io.BytesIO(document(page()))) as pdf:
        signing.add_field(pdf, **keys)
        return signing.filled(honest.saved(pdf), value_of)


def signed_with_much_room(digits: int = 2_000_000) -> bytes:
    """Signed, and padded with a million zeros: honest, and slow for who tries each of them."""
    whole = _signed()
    return whole.replace(b"0" * 5_000, b"0" * digits, 1).replace(b"/ByteRange [ 0 ", b"/ByteRange [ 1 ", 1)


def signed_beyond_its_end() -> bytes:
    """Signed: from the start to the 10^18th byte."""
    whole = _signed()
    at, end = whole.index(b"/ByteRange ["), whole.index(b"/Contents <")
    return whole[:at] + b"/ByteRange [ 0 9 11 999999999999999999 ]".ljust(end - at) + whole[end:]


def signed_by_nobody() -> bytes:
    """Signed with a value that is no signature's."""
    return _signed(lambda _: b"\x30\x84\xff\xff\xff\xff" + b"\xa0\x80" * 500)


def signed_with_tricks() -> bytes:
    """Signed by somebody whose name turns the writing around, hides and ends lines."""
    name = "李\u202e四\u0000\n<script>\u200b" + "长" * 1_000
    return _signed(
        lambda covered: signing.cms(covered, "王\u202e五\u0007\u2066"), Name=String(name), Reason=String(name)
    )


def signed_many_times(count: int = 2_000) -> bytes:
    """So many signatures that do not fit."""
    objects = page()
    one = b"<< /Type /Sig /Filter /Adobe.PPKLite /ByteRange [ 0 1 2 3 ] /Contents <3080> >>"
    return document({**objects, **dict.fromkeys(range(10, 10 + count), one)})


def certified_then_changed() -> bytes:
    """Certified to stay as it is, and added to."""
    reference = Dictionary(TransformMethod=Name.DocMDP, TransformParams=Dictionary(P=1))
    return signing.appended(_signed(Reference=Array([reference])))


def titled_with_tricks() -> bytes:
    """A title, an author and bookmarks of control characters."""
    tricks = String("\u202egpj.exe\u0000\u0007\u2066" * 50)

    def change(pdf: Pdf) -> None:
        pdf.trailer.Info = pdf.make_indirect(Dictionary(Title=tricks, Author=tricks))
        with pdf.open_outline() as outline:
            outline.root.append(pikepdf.OutlineItem("\u202ex\u0000", 0))

    return honest.pdf_of([honest.scan_jpeg(14, "一页", (310, 438))], change)


def linearised(pages: int = 3) -> bytes:
    """Made to be shown while it is still coming."""
    return honest.pdf_of([honest.scan_jpeg(10 + n, "证明", (310, 438)) for n in range(pages)], None, linearize=True)


def linearised_and_cut_off() -> bytes:
    """The same, of which two thirds came."""
    whole = linearised()
    return whole[: len(whole) * 2 // 3]
