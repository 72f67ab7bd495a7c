"""The measuring of one file, as the sandbox calls it: `services.pdfcheck.tools.inspect:inspect`."""

import io
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO, cast

import pikepdf

from services.catalogue.sniff import CONVERTED, HEAD_BYTES, PICTURES, MediaType, media_type
from services.kernel.sandbox.source import LocalFile
from services.pdfcheck.domain.excess import Excess, Limit
from services.pdfcheck.domain.facts import DocumentFacts, Health, Json
from services.pdfcheck.tools import converted, pdf, picture

#: Reads are served over a socket; a PDF asks for many small ones.
_BUFFER_BYTES = 8 * 1024
#: More than a function is called before the interpreter rewrites it for what it saw.
_ROUNDS = 16


def inspect(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, Json], _progress: Callable[[float], None]
) -> dict[str, Json]:
    """Facts of `sources[0]` as plain data (`domain.facts.from_json` reads it).

    `arguments` holds `page_limit_bytes`, from which on a page is measured exactly. Raises only what reading raises,
    `MemoryError`, and `KeyError`/`ValueError` for arguments that are not as promised.
    """
    limit = arguments["page_limit_bytes"]
    if not isinstance(limit, int):
        raise ValueError("page_limit_bytes is a whole number")
    # A raw source is buffered; the reader is a binary file in all that is used of it.
    buffered = cast("BinaryIO", io.BufferedReader(sources[0], _BUFFER_BYTES))
    return facts_of(buffered, limit).to_json()


def prepare() -> None:
    """Measure small documents in the zygote, as often as the interpreter takes to settle: what it changes in itself on
    the way, and what the libraries keep, is then shared by all children instead of being copied by each.
    """
    with tempfile.TemporaryFile() as file:
        for kind in (_sample(1), _sample(3)):
            file.seek(0)
            file.truncate()
            file.write(kind)
            file.flush()
            for _ in range(_ROUNDS):
                with LocalFile(os.dup(file.fileno()), len(kind)) as source:
                    inspect([source], {"page_limit_bytes": 2**20}, lambda _: None)


def _sample(pages: int) -> bytes:
    """Pages with a picture each, as scanners write them."""
    written = io.BytesIO()
    with pikepdf.new() as made:
        for _ in range(pages):
            made.add_blank_page()
            image = made.make_stream(b"\xff\xd8\xff\xd9", Subtype=pikepdf.Name.Image, Filter=pikepdf.Name.DCTDecode)
            made.pages[-1].obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=image))
            made.pages[-1].obj.Contents = made.make_stream(b"/Im0 Do")
        made.save(written)
    return written.getvalue()


def facts_of(source: BinaryIO, page_limit_bytes: int) -> DocumentFacts:
    """Facts of a seekable file, whatever it is; what is neither a PDF nor a picture is not a document."""
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    kind = media_type(source.read(HEAD_BYTES))
    blank = DocumentFacts(size_bytes=size, media_type=kind, health=Health.NOT_A_DOCUMENT)
    if size == 0:
        return blank.with_health(Health.EMPTY_FILE)
    if kind is MediaType.PDF:
        return pdf.facts_of(source, size, page_limit_bytes)
    if kind not in PICTURES:
        return blank
    if size > picture.MAX_BYTES:
        excess = Excess(limit=Limit.PICTURE_BYTES, allowed=picture.MAX_BYTES, found=size)
        return replace(blank, health=Health.TOO_COMPLEX, excess=excess)
    source.seek(0)
    of = converted.facts_of if kind in CONVERTED else picture.facts_of
    return of(source.read(), kind)
