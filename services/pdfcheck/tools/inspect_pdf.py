"""The measuring of one PDF, as the sandbox calls it: `services.pdfcheck.tools.inspect_pdf:inspect`.

Most files are PDFs, and a child costs by the memory of what its zygote has imported: this module needs no library for
pictures. `tools.inspect` measures whatever else there is.
"""

import io
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

import pikepdf

from services.kernel.sandbox.source import LocalFile
from services.pdfcheck.domain.facts import Json
from services.pdfcheck.tools import pdf

#: Reads are served over a socket; a PDF asks for many small ones.
_BUFFER_BYTES = 8 * 1024
#: More than a function is called before the interpreter rewrites it for what it saw.
_ROUNDS = 16


def inspect(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, Json], _progress: Callable[[float], None]
) -> dict[str, Json]:
    """Facts of `sources[0]`, which begins as a PDF does, as plain data (`domain.facts.from_json` reads it).

    `arguments` holds `page_limit_bytes`, from which on a page is measured exactly. Raises only what reading raises,
    `MemoryError`, and `KeyError`/`ValueError` for arguments that are not as promised.
    """
    limit, source = page_limit(arguments), buffered(sources[0])
    return pdf.facts_of(source, source.seek(0, io.SEEK_END), limit).to_json()


def buffered(source: io.RawIOBase) -> BinaryIO:
    """A raw source is buffered; the reader is a binary file in all that is used of it."""
    return io.BufferedReader(source, _BUFFER_BYTES)


def page_limit(arguments: Mapping[str, Json]) -> int:
    """Of the arguments, in bytes. Raises `KeyError`, `ValueError`."""
    limit = arguments["page_limit_bytes"]
    if not isinstance(limit, int):
        raise ValueError("page_limit_bytes is a whole number")
    return limit


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
