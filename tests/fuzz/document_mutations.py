"""Documents and pictures to begin with, as several programs lay them out, and what can be done to them: bytes, tokens,
numbers, references, pieces of each other, and what is inside their compressed streams.
"""

import io
import random
import re
import zlib
from collections.abc import Callable, Sequence
from functools import cache

import img2pdf
import pikepdf
import pypdfium2 as pdfium
from pikepdf import ObjectStreamMode
from PIL import Image

from tests.assets import pdf_fixtures as honest
from tests.assets import signing
from tests.assets.hostile import carried, lies
from tests.assets.raw_pdf import document, page

Change = Callable[[random.Random, bytearray], None]
_SMALL = (62, 88)
_NUMBER = re.compile(rb"\d+")
_REFERENCE = re.compile(rb"(?<!\d)\d{1,10} \d{1,5} R")
_NAME = re.compile(rb"/[A-Za-z0-9]+")
_TOKEN = re.compile(rb"endobj|obj|endstream|stream|xref|trailer|startxref|%%EOF|<<|>>|\[|\]|\(|\)|true|false|null")
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_UPSETTING = (
    b"0", b"-1", b"1", b"2", b"255", b"65535", b"65536", b"2147483647", b"2147483648", b"4294967295", b"4294967296",
    b"9223372036854775807", b"18446744073709551616", b"-2147483648", b"1e308", b"0.0000001", b"99999999999",
)  # fmt: skip
#: A change inside a compressed stream unpacks at most so much.
_INSIDE_BYTES = 2**20


@cache
def _scan(number: int = 0) -> bytes:
    return honest.scan_jpeg(10 + number, "小", _SMALL)


def _by_pillow() -> bytes:
    written = io.BytesIO()
    pages = [Image.open(io.BytesIO(_scan(number))) for number in range(2)]
    pages[0].save(written, "PDF", save_all=True, append_images=pages[1:])
    return written.getvalue()


def _by_pdfium() -> bytes:
    made = pdfium.PdfDocument.new()
    try:
        for source in (honest.pdf_of([_scan()]), honest.linked()):
            other = pdfium.PdfDocument(source)
            made.import_pages(other)
            other.close()
        written = io.BytesIO()
        made.save(written)
    finally:
        made.close()
    return written.getvalue()


def _as(form: str, mode: str = "RGB", **options: object) -> bytes:
    written = io.BytesIO()
    Image.open(io.BytesIO(_scan())).convert(mode).save(written, form, **options)
    return written.getvalue()


@cache
def beginnings() -> Sequence[bytes]:
    """Whole files: five writers' documents in every layout, and pictures of every coding."""
    scans = [_scan(number) for number in range(3)]
    packed = {"object_stream_mode": ObjectStreamMode.generate, "compress_streams": True}
    lock = {revision: pikepdf.Encryption(user="", owner="x", R=revision) for revision in (4, 6)}
    return [
        honest.pdf_of(scans),
        honest.pdf_of(scans, None, **packed),
        honest.pdf_of(scans, None, linearize=True),
        honest.pdf_of(scans, None, linearize=True, **packed),
        honest.pdf_of(scans[:1], None, encryption=lock[4]),
        honest.pdf_of(scans[:1], None, encryption=lock[6], **packed),
        honest.pdf_of(scans[:1], None, encryption=pikepdf.Encryption(user="1", owner="x", R=4)),
        signing.filled(honest.pdf_of(scans[:1], signing.add_field)),
        signing.appended(honest.pdf_of(scans[:2])),
        signing.appended(signing.filled(honest.pdf_of(scans[:1], signing.add_field))),
        img2pdf.convert(scans, nodate=True),
        _by_pillow(),
        _by_pdfium(),
        document(page()),
        lies.form_loop(),
        lies.name_tree_loop(),
        carried.hidden_layers(),
        carried.character_map_bomb(),
        carried.portfolio(),
        honest.with_attachments(2),
        honest.javascript(),
        honest.xfa(),
        honest.photo_jpeg(6, _SMALL),
        _as("JPEG", progressive=True),
        _as("JPEG", "CMYK"),
        _as("JPEG", "L"),
        honest.png("RGBA", _SMALL),
        honest.png("P", _SMALL),
        honest.png("1", _SMALL),
    ]


def _place(chance: random.Random, data: bytes | bytearray, pattern: re.Pattern[bytes]) -> tuple[int, int] | None:
    """One match, found from a random place on."""
    found = pattern.search(data, chance.randrange(len(data))) or pattern.search(data)
    return found.span() if found is not None else None


def _bytes(chance: random.Random, data: bytearray) -> None:
    for _ in range(chance.choice((1, 1, 8, 64))):
        data[chance.randrange(len(data))] = chance.randrange(256)


def _bit(chance: random.Random, data: bytearray) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _number(chance: random.Random, data: bytearray) -> None:
    if at := _place(chance, data, _NUMBER):
        data[slice(*at)] = chance.choice((*_UPSETTING, str(chance.randrange(200)).encode(), str(len(data)).encode()))


def _reference(chance: random.Random, data: bytearray) -> None:
    if at := _place(chance, data, _REFERENCE):
        data[slice(*at)] = chance.choice((b"%d 0 R" % chance.randrange(40), b"null", b"0 0 R", b"(x)", b"[ ]"))


def _swapped(pattern: re.Pattern[bytes]) -> Change:
    """One match becomes another of the same file."""

    def change(chance: random.Random, data: bytearray) -> None:
        one, other = _place(chance, data, pattern), _place(chance, data, pattern)
        if one and other:
            data[slice(*one)] = bytes(data[slice(*other)])

    return change


def _token(chance: random.Random, data: bytearray) -> None:
    if at := _place(chance, data, _TOKEN):
        data[slice(*at)] = chance.choice(
            (b"", b"", b"<<", b">>", b"[", b"]", b"(", b"endobj", b"stream", b"null", b"%")
        )


def _cut(chance: random.Random, data: bytearray) -> None:
    del data[chance.randrange(len(data)) :]


def _without(chance: random.Random, data: bytearray) -> None:
    at = chance.randrange(len(data))
    del data[at : at + chance.choice((1, 16, 256, 4096))]


def _twice(chance: random.Random, data: bytearray) -> None:
    at = chance.randrange(len(data))
    data[at:at] = data[at : at + chance.choice((1, 16, 256, 4096))] * chance.choice((1, 1, 1, 50))


def _spliced(chance: random.Random, data: bytearray) -> None:
    other = chance.choice(beginnings())
    begin, at = chance.randrange(len(other)), chance.randrange(len(data))
    data[at : at + chance.choice((0, 64, 1024))] = other[begin : begin + chance.choice((64, 1024, 8192))]


def _inside(chance: random.Random, data: bytearray) -> None:
    """What a stream unpacks to, changed and packed again; its stated length stays."""
    at = _place(chance, data, _STREAM)
    if at is None:
        return
    found = _STREAM.match(data, at[0])
    if found is None:
        return
    try:
        inner = bytearray(zlib.decompressobj().decompress(found[1], _INSIDE_BYTES))
    except zlib.error:
        return
    if inner:
        chance.choice((_bytes, _number, _reference, _token, _twice))(chance, inner)
        packed = zlib.compress(bytes(inner), 9)
        data[found.start(1) : found.end(1)] = packed.ljust(len(found[1]), b"\n")


CHANGES: Sequence[Change] = (
    _bytes, _bit, _number, _number, _number, _reference, _reference, _swapped(_NAME), _swapped(_NAME),
    _swapped(_REFERENCE), _token, _cut, _without, _twice, _spliced, _inside, _inside,
)  # fmt: skip


def mutated(chance: random.Random) -> bytes:
    """One of the beginnings, changed once to five times."""
    data = bytearray(chance.choice(beginnings()))
    for change in chance.choices(CHANGES, k=chance.randint(1, 5)):
        if data:
            change(chance, data)
    return bytes(data)
