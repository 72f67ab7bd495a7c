"""What acts by itself, what is carried along, what is hidden, and fonts."""

import struct
from collections.abc import Mapping

from pikepdf import Array, Dictionary

from tests.assets import pdf_fixtures as honest
from tests.assets.raw_pdf import document, page, stream


def acting(action: bytes) -> bytes:
    """Does `action` when it is opened."""
    objects = page()
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R /OpenAction %b >>" % action
    return document(objects)


def annotated(annotation: bytes) -> bytes:
    """A page with one annotation."""
    return document(page(b"/Annots [ << /Type /Annot /Rect [ 0 0 9 9 ] %b >> ]" % annotation))


def script_by_name() -> bytes:
    """A script in the tree of names, which runs when the file is opened."""
    objects = page()
    objects[1] = (
        b"<< /Type /Catalog /Pages 2 0 R /Names << /JavaScript << /Names [ (x) << "
        b"/S /JavaScript /JS 10 0 R >> ] >> >> >>"
    )
    return document({**objects, 10: stream(b"app.alert(1)")})


def script_named_in_hexadecimal() -> bytes:
    """A script whose names are spelled with `#`."""
    return acting(b"<< /#53 /J#61vaScript /J#53 (app.alert\\(1\\)) >>")


_SPECIFICATION = b"<< /Type /Filespec /F (x.exe) /UF (x.exe) /EF << /F 10 0 R >> >>"


def attached(keys: bytes, *, on_page: bool = False) -> bytes:
    """A file inside, named by `keys` of the root or of the page."""
    objects = page(keys if on_page else b"")
    if not on_page:
        objects[1] = b"<< /Type /Catalog /Pages 2 0 R %b >>" % keys
    return document({**objects, 10: stream(b"MZ", b"/Type /EmbeddedFile"), 11: _SPECIFICATION})


def portfolio() -> bytes:
    """A folder of files under one cover."""
    return attached(b"/Collection << /View /T >> /Names << /EmbeddedFiles << /Names [ (x) 11 0 R ] >> >>")


def script_form() -> bytes:
    """XFA with a script in it."""
    form = "<xdp:xdp><script contentType='application/x-javascript'>app.alert(1)</script></xdp:xdp>"
    return honest.pdf_of(
        [honest.scan_jpeg(14, "一页", (310, 438))],
        lambda pdf: setattr(pdf.Root, "AcroForm", Dictionary(Fields=Array([]), XFA=pdf.make_stream(form.encode()))),
    )


def hidden_layers() -> bytes:
    """A layer that is off when the file is opened."""
    objects = page(b"/Resources << /Properties << /L 10 0 R >> >>", contents=stream(b"/OC /L BDC 0 0 9 9 re f EMC"))
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R /OCProperties << /OCGs [ 10 0 R ] /D << /OFF [ 10 0 R ] >> >> >>"
    return document({**objects, 10: b"<< /Type /OCG /Name (x) >>"})


def _font(
    font: bytes, more: Mapping[int, bytes] | None = None, text: bytes = b"BT /F 12 Tf 9 9 Td (ABC) Tj ET"
) -> bytes:
    return document(
        {**page(b"/Resources << /Font << /F 10 0 R >> >>", contents=stream(text)), 10: font, **(more or {})}
    )


def broken_font() -> bytes:
    """A TrueType font of tables that lie beyond its end."""
    table = b"glyf" + struct.pack(">III", 0, 2**31, 2**32 - 1)
    data = b"\x00\x01\x00\x00" + struct.pack(">HHHH", 9, 128, 3, 16) + table * 9 + b"\xff" * 500
    descriptor = b"<< /Type /FontDescriptor /FontName /F /Flags 4 /FontFile2 12 0 R /FontBBox [ 0 0 9 9 ] >>"
    font = (
        b"<< /Type /Font /Subtype /TrueType /BaseFont /F /FirstChar 65 /LastChar 67 "
        b"/Widths [ 9 9 9 ] /FontDescriptor 11 0 R >>"
    )
    return _font(font, {11: descriptor, 12: stream(data, b"/Length1 %d" % len(data))})


def font_draws_itself() -> bytes:
    """A Type 3 font whose letter is written in the font."""
    keys = (
        b"<< /Type /Font /Subtype /Type3 /FontBBox [ 0 0 9 9 ] /FontMatrix [ 1 0 0 1 0 0 ] /CharProcs << /A 11 0 R >> "
    )
    font = keys + (
        b"/Encoding << /Differences [ 65 /A ] >> /FirstChar 65 /LastChar 65 /Widths [ 9 ] "
        b"/Resources << /Font << /F 10 0 R >> >> >>"
    )
    return _font(font, {11: stream(b"9 0 d0 BT /F 9 Tf (AAAAAAAA) Tj ET")})


def character_map_bomb() -> bytes:
    """A map of characters that uses itself and spans four thousand million codes."""
    body = (
        b"/CIDInit /ProcSet findresource begin begincmap /X usecmap 1 begincodespacerange "
        b"<00000000> <ffffffff> endcodespacerange "
    )
    body += b"1 begincidrange <00000000> <ffffffff> 0 endcidrange endcmap"
    font = (
        b"<< /Type /Font /Subtype /Type0 /BaseFont /F /Encoding 11 0 R /ToUnicode 11 0 R /DescendantFonts [ 12 0 R ] >>"
    )
    below = (
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /F /CIDSystemInfo << "
        b"/Registry (A) /Ordering (B) /Supplement 0 >> >>"
    )
    return _font(font, {11: stream(body, b"/Type /CMap /CMapName /X /UseCMap 11 0 R"), 12: below})
