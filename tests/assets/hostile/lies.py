"""Structure that lies, loops or leads nowhere, and files that are two things at once."""

import io
import struct
import zipfile

from pikepdf import Pdf

from tests.assets import pdf_fixtures as honest
from tests.assets.raw_pdf import document, page, stream


def xref_loop() -> bytes:
    """A table whose predecessor is itself."""
    plain = document(page())
    start = int(plain.rsplit(b"startxref\n", 1)[1].split()[0])
    return document(page(), b"/Prev %d" % start)


def xref_of_nothing() -> bytes:
    """A table that stands in front of the file."""
    plain = document(page())
    head, _, tail = plain.rpartition(b"startxref\n")
    return head + b"startxref\n-99\n" + tail.split(b"\n", 1)[1]


def xref_stream_claim() -> bytes:
    """A table as a stream that says it has two thousand million entries of no bytes."""
    objects = page()
    body = document(objects)
    body = body[: body.rindex(b"xref\n0 1")]
    table = stream(b"", b"/Type /XRef /Size 2147483647 /W [ 0 0 0 ] /Root 1 0 R /Index [ 0 2147483647 ]")
    return body + b"9 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (table, len(body))


def object_stream_loop() -> bytes:
    """An object stream that stands in itself and extends itself."""
    plain = document(page())
    body = plain[: plain.rindex(b"xref\n0 1")]
    at = len(body)
    inner = stream(b"8 0 <<>>", b"/Type /ObjStm /N 1 /First 4 /Extends 8 0 R")
    rows = bytes(4 * 8)  # entries 0 to 7
    body += b"8 0 obj\n%b\nendobj\n" % inner
    offsets = {number: body.index(b"%d 0 obj" % number) for number in (1, 2, 3, 4)}
    rows = b"".join(
        b"\x01" + struct.pack(">H", offsets[number]) + b"\x00" if number in offsets else bytes(4) for number in range(8)
    )
    rows += b"\x02\x00\x08\x00"  # number 8 stands in object stream 8
    table = stream(rows, b"/Type /XRef /Size 10 /W [ 1 2 1 ] /Index [ 0 9 ] /Root 1 0 R /Odd 8 0 R")
    del at
    return body + b"9 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (table, len(body))


def length_of_itself() -> bytes:
    """A stream whose length is the stream."""
    return document(page(contents=stream(b"0 0 m", length=b"4 0 R")))


def length(told: bytes) -> bytes:
    """A content stream whose length is said to be `told`."""
    return document(page(contents=stream(b"0 0 9 9 re f", length=told)))


def parent_loop() -> bytes:
    """A page that is its own parent, and takes its size from there."""
    objects = page(box=b"")
    objects[3] = b"<< /Type /Page /Parent 3 0 R /Contents 4 0 R >>"
    return document(objects)


def kids_of_nothing() -> bytes:
    """A page tree of null, numbers and itself."""
    objects = page()
    objects[2] = b"<< /Type /Pages /Kids [ null 7 (x) 3 0 R 99 0 R ] /Count 5 >>"
    return document(objects)


def outline_loop() -> bytes:
    """Bookmarks that follow themselves."""
    objects = page()
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R /Outlines 10 0 R >>"
    return document(
        {
            **objects,
            10: b"<< /First 11 0 R /Last 11 0 R >>",
            11: b"<< /Title (x) /Parent 10 0 R /Next 11 0 R /First 11 0 R >>",
        }
    )


def form_loop() -> bytes:
    """A form's field that is its own kid."""
    objects = page(b"/Annots [ 10 0 R ]")
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [ 10 0 R ] >> >>"
    field = b"<< /FT /Tx /T (x) /Kids [ 10 0 R ] /Parent 10 0 R /Subtype /Widget /Rect [ 0 0 9 9 ] >>"
    return document({**objects, 10: field})


def name_tree_loop() -> bytes:
    """A tree of attachments whose branch is its root."""
    objects = page()
    objects[1] = (
        b"<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles 10 0 R /Dests 10 0 R >> /PageLabels 10 0 R >>"
    )
    return document({**objects, 10: b"<< /Kids [ 10 0 R 10 0 R ] /Limits [ (a) (z) ] >>"})


def form_draws_itself() -> bytes:
    """A form whose content draws the form."""
    keys = b"/Type /XObject /Subtype /Form /BBox [ 0 0 9 9 ] /Resources << /XObject << /F 10 0 R >> >>"
    return document(
        {**page(b"/Resources << /XObject << /F 10 0 R >> >>", contents=stream(b"/F Do")), 10: stream(b"/F Do", keys)}
    )


def soft_mask_loop() -> bytes:
    """A soft mask whose group is drawn through the soft mask."""
    state = b"<< /SMask << /S /Luminosity /G 11 0 R >> >>"
    group = (
        b"/Type /XObject /Subtype /Form /BBox [ 0 0 9 9 ] /Group << /S /Transparency >> "
        b"/Resources << /ExtGState << /G 10 0 R >> >>"
    )
    objects = page(b"/Resources << /ExtGState << /G 10 0 R >> >>", contents=stream(b"/G gs 0 0 9 9 re f"))
    return document({**objects, 10: state, 11: stream(b"/G gs 0 0 9 9 re f", group)})


def far_reference() -> bytes:
    """Objects of numbers that no file has."""
    return document(page(b"/Odd 2147483647 0 R /Odder 4294967297 65536 R"))


def huge_number() -> bytes:
    """Numbers of a hundred thousand digits."""
    return document(page(b"/Odd %b /Odder -%b.%b" % (b"9" * 100_000, b"8" * 9_000, b"7" * 9_000)))


def name_of_no_text() -> bytes:
    """A picture whose coding and subtype are bytes that are no text."""
    keys = b"/Resources << /XObject << /I 10 0 R /J 11 0 R >> >>"
    image = b"/Subtype /Image /Width 9 /Height 9 /ColorSpace /#f8#ff /BitsPerComponent 8 "
    return document(
        {**page(keys), 10: stream(bytes(81), image + b"/Filter /#f8#ff"), 11: stream(b"", b"/Subtype /#f8")}
    )


def version_of_99999999999() -> bytes:
    """Of a version that no number holds."""
    return document(page(), version=b"99999999999.1")


def huge_name() -> bytes:
    """A name of a million letters, written in hexadecimal."""
    return document(page(b"/" + b"#41" * 1_000_000 + b" 0"))


def box(told: bytes) -> bytes:
    """A page whose size is `told`."""
    return document(page(box=b"/MediaBox " + told))


def without_content() -> bytes:
    """Two pages, the second with nothing on it."""
    with Pdf.open(io.BytesIO(honest.pdf_of([honest.scan_jpeg(14, "一页", (310, 438))]))) as pdf:
        pdf.add_blank_page(page_size=(595, 842))
        return honest.saved(pdf)


def zip_behind() -> bytes:
    """A document and a ZIP archive in one file."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("x.exe", b"MZ" * 200)
    return document(page()) + written.getvalue()


def program_in_front() -> bytes:
    """Script text in front of the header."""
    return document(page(), front=b"#!/bin/sh\nrm -rf /\nexit\n")


def page_of_html_in_front() -> bytes:
    """A web page that is a document too."""
    return document(page(), front=b"<html><script>alert(1)</script><!--\n")


def jpeg_in_front() -> bytes:
    """A picture in whose comment a document begins."""
    data, hidden = honest.scan_jpeg(14, "一页", (62, 88)), document(page())
    return data[:2] + b"\xff\xfe" + struct.pack(">H", len(hidden) + 2) + hidden + data[2:]
