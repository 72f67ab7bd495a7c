"""How clear pages are, as the sandbox calls it: `services.pdfcheck.tools.quality:quality`."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, cast

import cv2
import numpy as np

from services.catalogue.sniff import HEAD_BYTES, MediaType, media_type
from services.pdfcheck.domain.facts import Json
from services.pdfcheck.domain.quality import CERTAIN
from services.pdfcheck.tools import clarity, page_pictures, paper, prints, seals, upright
from services.pdfcheck.tools.page_pictures import PagePicture
from services.pdfcheck.tools.paper import Pixels

_BUFFER_BYTES = 256 * 1024
#: What of a first page is read, from the top; a band of another one tells which way up it is.
_READ, _BAND = 0.5, 0.22
#: Less on a page than this tells nothing about which way up it is.
_ENOUGH_INK = 0.004
#: A text layer of so many characters says what the page says.
_ENOUGH_TEXT = 30


def quality(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, Json], progress: Callable[[float], None]
) -> dict[str, Json]:
    """Of pages `first` to `last` (from 1) of `sources[0]`, a PDF, JPEG or PNG: `pages`, as `SeenPage` has them; `text`
    of the first page's text layer; and `reading`: what is left to be read, `scratch / "<page>.rgb"`, as [page, width,
    height, left, top, width, height], the last four in shares of the page.

    Raises whatever the libraries raise on a broken file.
    """
    first, last, scratch = arguments["first"], arguments["last"], Path(str(arguments["scratch"]))
    if not isinstance(first, int) or not isinstance(last, int):
        raise TypeError("first and last are whole numbers")
    reads_first = arguments["reads_first"] is True
    cv2.setNumThreads(0)
    pages: list[Json] = []
    reading: list[Json] = []
    text = ""
    for number, picture in enumerate(_pictures(sources[0], first, last), first):
        sheet = paper.sheet_of(picture.rgb)
        marks = clarity.written(sheet)
        seen = _seen(number, picture, sheet, marks)
        pages.append(seen)
        says = len(picture.text.split()) and len(picture.text) >= _ENOUGH_TEXT
        text = picture.text if number == 1 and says else text
        part = None if says else _left_to_read(seen, picture.rgb, marks, whole=reads_first and number == 1)
        if part is not None:
            pixels, box = part
            (scratch / f"{number}.rgb").write_bytes(pixels.tobytes())
            reading.append([number, pixels.shape[1], pixels.shape[0], *box])
        progress((number - first + 1) / (last - first + 1))
    return {"pages": pages, "text": text, "reading": reading}


def _pictures(source: io.RawIOBase, first: int, last: int) -> Iterator[PagePicture]:
    buffered = cast("BinaryIO", io.BufferedReader(source, _BUFFER_BYTES))
    kind = media_type(buffered.read(HEAD_BYTES))
    buffered.seek(0)
    if kind is MediaType.PDF:
        yield from page_pictures.of_document(buffered, first, last)
    elif first == 1:
        yield page_pictures.of_picture(buffered.read(), kind)


def _seen(number: int, picture: PagePicture, sheet: paper.Sheet, marks: Pixels) -> dict[str, Json]:
    clear = clarity.clarity_of(picture.rgb, sheet, marks)
    seal = seals.best_seal(picture.rgb, sheet)
    grey = seals.best_grey_seal(sheet) if clear.chroma < clarity.COLOURLESS else None
    return {
        "page": number,
        "dpi": None if picture.dpi is None else round(picture.dpi, 1),
        "ink": round(clear.ink, 5),
        "focus": None if clear.focus is None else round(clear.focus, 3),
        "motion": None if clear.motion is None else round(clear.motion, 2),
        "chroma": round(clear.chroma, 2),
        "seal": None if seal is None else asdict(seal),
        "grey_seal": None if grey is None else asdict(grey),
        "upright": round(upright.uprightness(marks), 3),
        "print": prints.print_of(marks),
    }


def _left_to_read(
    seen: Mapping[str, Json], rgb: Pixels, marks: Pixels, *, whole: bool
) -> tuple[Pixels, tuple[float, float, float, float]] | None:
    """The upper half of a page that says whose it is; of another page whose writing does not tell which way up it is,
    the band on which most is written.
    """
    up, ink = float(str(seen["upright"])), float(str(seen["ink"]))
    if ink < _ENOUGH_INK:
        return None
    if whole:
        top = 1 - _READ if up <= -CERTAIN else 0.0
        return _cut(rgb, top, _READ)
    if abs(up) >= CERTAIN:
        return None
    rows = marks.sum(axis=1).astype(np.float64)
    high = max(1, round(len(rows) * _BAND))
    sums = np.convolve(rows, np.ones(high), mode="valid")
    return _cut(rgb, int(sums.argmax()) / len(rows), _BAND)


def _cut(rgb: Pixels, top: float, share: float) -> tuple[Pixels, tuple[float, float, float, float]]:
    height = rgb.shape[0]
    start, end = round(top * height), round(min(1.0, top + share) * height)
    return np.ascontiguousarray(rgb[start:end]), (0.0, start / height, 1.0, (end - start) / height)
