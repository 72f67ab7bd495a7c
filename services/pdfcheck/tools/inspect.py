"""The measuring of one file of any kind, as the sandbox calls it: `services.pdfcheck.tools.inspect:inspect`."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO

from services.catalogue.sniff import CONVERTED, HEAD_BYTES, PICTURES, MediaType, media_type
from services.pdfcheck.domain.excess import Excess, Limit
from services.pdfcheck.domain.facts import DocumentFacts, Health, Json
from services.pdfcheck.tools import converted, inspect_pdf, pdf, picture


def inspect(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, Json], _progress: Callable[[float], None]
) -> dict[str, Json]:
    """As `inspect_pdf.inspect`, of a file whose kind is not known."""
    limit = inspect_pdf.page_limit(arguments)
    return facts_of(inspect_pdf.buffered(sources[0]), limit).to_json()


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
