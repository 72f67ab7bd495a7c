"""Little on disk, much in memory or time."""

import zlib

from tests.assets.raw_pdf import document, flate, page, stream, zeros

_MB = 2**20


def nested_forms(levels: int = 10, uses: int = 10) -> bytes:
    """Forms that each draw the next `uses` times: 10^10 drawings."""
    objects = page(b"/Resources << /XObject << /F 10 0 R >> >>", contents=stream(b"/F Do"))
    for level in range(levels):
        inner = b"/Resources << /XObject << /F %d 0 R >> >>" % (11 + level) if level < levels - 1 else b""
        body = b"/F Do " * uses if level < levels - 1 else b"0 0 9 9 re f"
        objects[10 + level] = stream(body, b"/Type /XObject /Subtype /Form /BBox [ 0 0 595 842 ] " + inner)
    return document(objects)


def many_operators(count: int = 2_000_000) -> bytes:
    """So many `q`, none taken back."""
    return document(page(contents=flate(b"q " * count)))


def many_annotations(count: int = 200_000) -> bytes:
    """Links all over one page, all of them direct."""
    one = b"<< /Type /Annot /Subtype /Link /Rect [ 0 0 9 9 ] >> "
    return document(page(b"/Annots [ %b ]" % (one * count)))


def repeated_kids(count: int = 50_000) -> bytes:
    """One page that the tree names so many times."""
    objects = page()
    objects[2] = b"<< /Type /Pages /Kids [ %b ] /Count %d >>" % (b"3 0 R " * count, count)
    return document(objects)


def nested_arrays(depth: int = 1_000_000) -> bytes:
    """An array in an array in an array."""
    return document({**page(b"/Odd 10 0 R"), 10: b"[" * depth + b"]" * depth})


def nested_dictionaries(depth: int = 200_000) -> bytes:
    """A dictionary in a dictionary in a dictionary."""
    return document({**page(b"/Odd 10 0 R"), 10: b"<< /A " * depth + b"0" + b" >>" * depth})


def nesting_to_the_edge(depth: int) -> bytes:
    """Arrays `depth` deep in an object that the page refers to."""
    return document({**page(b"/Odd 10 0 R"), 10: b"[" * depth + b"]" * depth})


def deflated_twice(mebibytes: int = 600) -> bytes:
    """A page's content that unpacks to as much, twice: a few KB on disk."""
    content = zlib.compress(zeros(mebibytes * _MB, piece=b"q Q " * (_MB // 4)), 9)
    return document(page(contents=stream(content, b"/Filter [ /FlateDecode /FlateDecode ]")))


def resources_bomb(mebibytes: int = 300) -> bytes:
    """Over the limit of a page, so that its unused resources are looked for in content that does not end."""
    shared = b"/Resources << /XObject << /A 10 0 R /B 11 0 R >> >>"
    objects = page(
        shared, contents=stream(zeros(mebibytes * _MB, piece=b"/A Do  " * (_MB // 7)), b"/Filter /FlateDecode")
    )
    keys = b"/Subtype /Image /Width 9 /Height 9 /ColorSpace /DeviceGray /BitsPerComponent 8"
    return document({**objects, 10: stream(bytes(81), keys), 11: stream(bytes(6 * _MB), keys)})


def filter_chain(count: int = 3_000) -> bytes:
    """Content behind so many filters."""
    return document(page(contents=stream(b"4e>" * 9, b"/Filter [ %b ]" % (b"/ASCIIHexDecode " * count))))


def run_length_bomb(mebibytes: int = 8) -> bytes:
    """128 bytes from two, and those from few."""
    packed = zlib.compress(b"\x81q" * (mebibytes * _MB // 2), 9)
    return document(page(contents=stream(packed, b"/Filter [ /FlateDecode /RunLengthDecode ]")))


def predictor_bomb() -> bytes:
    """Rows of 2^30 columns for a predictor."""
    parameters = b"/DecodeParms << /Predictor 15 /Columns 1073741824 /Colors 32 /BitsPerComponent 16 >>"
    return document(page(contents=stream(zlib.compress(b"q Q"), b"/Filter /FlateDecode " + parameters)))


def pattern_bomb() -> bytes:
    """A page filled with tiles of a thousandth of a point."""
    keys = b"/Resources << /Pattern << /P 10 0 R >> >>"
    tile = (
        b"/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [ 0 0 1 1 ] "
        b"/XStep 0.001 /YStep 0.001 /Resources << >>"
    )
    content = stream(b"/Pattern cs /P scn 0 0 595 842 re f")
    return document({**page(keys, contents=content), 10: stream(b"0 0 1 1 re f", tile)})


def function_bomb() -> bytes:
    """A shading by a calculator that works long for each pixel."""
    keys = b"/Resources << /Shading << /S 10 0 R >> >>"
    shading = (
        b"<< /ShadingType 1 /ColorSpace /DeviceRGB /Domain [ 0 1 0 1 ] /Matrix [ 595 0 0 842 0 0 ] /Function 11 0 R >>"
    )
    body = b"{ " + b"2 copy mul sin exch pop " * 20_000 + b"0 }"
    function = stream(body, b"/FunctionType 4 /Domain [ 0 1 0 1 ] /Range [ 0 1 0 1 0 1 ]")
    return document({**page(keys, contents=stream(b"/S sh")), 10: shading, 11: function})


def many_pages(count: int = 100_000) -> bytes:
    """A document of so many pages in one level."""
    objects = page()
    kids = b" ".join(b"%d 0 R" % number for number in range(10, 10 + count))
    objects[2] = b"<< /Type /Pages /Kids [ %b ] /Count %d /MediaBox [ 0 0 595 842 ] >>" % (kids, count)
    leaf = b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>"
    return document({**objects, **dict.fromkeys(range(10, 10 + count), leaf)})


def deep_page_tree(depth: int = 5_000) -> bytes:
    """A page below so many branches of one kid each."""
    objects = page()
    objects[2] = b"<< /Type /Pages /Kids [ 10 0 R ] /Count 1 >>"
    for number in range(10, 10 + depth):
        objects[number] = b"<< /Type /Pages /Parent %d 0 R /Kids [ %d 0 R ] /Count 1 >>" % (number - 1, number + 1)
    objects[10] = b"<< /Type /Pages /Parent 2 0 R /Kids [ 11 0 R ] /Count 1 >>"
    objects[10 + depth] = b"<< /Type /Page /Parent %d 0 R /Contents 4 0 R /MediaBox [ 0 0 595 842 ] >>" % (9 + depth)
    return document(objects)


def shared_graph(pages: int = 2_000, objects: int = 2_000) -> bytes:
    """Every page reaches every one of thousands of objects."""
    made = page()
    first = 100_000
    kids = b" ".join(b"%d 0 R" % number for number in range(10, 10 + pages))
    made[2] = b"<< /Type /Pages /Kids [ %b ] /Count %d >>" % (kids, pages)
    made[5] = b"<< /Odd [ %b ] >>" % b" ".join(b"%d 0 R" % number for number in range(first, first + objects))
    leaf = b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /MediaBox [ 0 0 595 842 ] /Resources 5 0 R >>"
    return document(
        {**made, **dict.fromkeys(range(10, 10 + pages), leaf), **dict.fromkeys(range(first, first + objects), b"[ 0 ]")}
    )


def inline_image_bomb() -> bytes:
    """A picture of 2.5 GB between the lines of the content, of which nothing is there."""
    return document(page(contents=stream(b"BI /W 50000 /H 50000 /CS /G /BPC 8 /F /Fl ID x EI")))
