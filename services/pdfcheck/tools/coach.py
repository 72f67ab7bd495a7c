"""What one page would be otherwise, as the sandbox calls it: `…tools.coach:advise`; and the whole file with such pages:
`…tools.coach:assemble`.

Both write into the scratch folder and return plain data. Sizes are judged by `pages.alone_bytes`, as in every check. An
offer is drawn beside the original and dropped where it does not look like it: whatever went wrong on the way to it, an
inverted colour or a lost mask, shows there.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, cast

import pikepdf
import pypdfium2 as pdfium

from services.catalogue.sniff import CONVERTED, HEAD_BYTES, PICTURES, MediaType, media_type
from services.pdfcheck.domain.coaching import Method, PictureFacts, Refusal, page_target, reasons_of
from services.pdfcheck.domain.facts import Json
from services.pdfcheck.tools import coding, converted, drawn, jpeg_pixels, looks, pages, shrinking
from services.pdfcheck.tools.coding import Variant
from services.pdfcheck.tools.drawn import Drawn
from services.pdfcheck.tools.jpeg import DamagedError
from services.pdfcheck.tools.jpeg_pixels import CannotDecode
from services.pdfcheck.tools.looks import Look
from services.pdfcheck.tools.photo import Photo
from services.pdfcheck.tools.picture import TooManyPixelsError
from services.pdfcheck.tools.shrinking import Change

_BUFFER_BYTES = 64 * 1024
#: What advice is measured with.
_TOOLS = ("mozjpeg-lossless-optimization", "pikepdf", "pillow", "pyoxipng", "simplejpeg")
#: Drawn for the screen, an offer must be at least this like the original.
_LEAST_LOOK = 0.9
_EXTENSIONS = {MediaType.PDF: "pdf", MediaType.JPEG: "jpg", MediaType.PNG: "png"}
#: The one file that `assemble` writes.
RESULT = "shrunk"
#: Entries of a picture that go with its data.
_OF_PIXELS = ("/Filter", "/DecodeParms", "/Width", "/Height", "/BitsPerComponent", "/Decode")
Saying = Callable[[float], None]


class CannotAdvise(ValueError):
    """The page's pictures do not decode, or the page cannot be drawn."""


class ChangedSince(ValueError):
    """The file that was to be changed is not the one that the advice was about."""


def advise(sources: Sequence[io.RawIOBase], arguments: Mapping[str, Json], progress: Saying) -> dict[str, Any]:
    """Of page `page` (from 1) of `sources[0]`: why it is so large and what it would be. `limit_bytes` is a page's;
    `most` asks for as little as possible instead of what just fits.

    Returns a `PageAdvice` without its file as plain data, the keys in it names in `scratch`, and `tools`. Raises
    :class:`CannotAdvise` on a broken page.
    """
    number, limit = arguments["page"], arguments["limit_bytes"]
    if not isinstance(number, int) or not isinstance(limit, int):
        raise TypeError("page and limit_bytes are whole numbers")
    scratch = Path(str(arguments["scratch"]))
    try:
        with _alone(sources[0], number) as (single, photo):
            coached = _Coached(single=single, photo=photo, scratch=scratch, limit_bytes=limit, progress=progress)
            return {**coached.advice(most=bool(arguments["most"])), "page": number, "tools": _tools()}
    except (pikepdf.PdfError, pdfium.PdfiumError, CannotDecode, DamagedError, TooManyPixelsError, IndexError) as error:
        raise CannotAdvise(type(error).__name__) from error


def _tools() -> dict[str, str]:
    return {name: version(name) for name in _TOOLS}


@contextmanager
def _alone(source: io.RawIOBase, number: int) -> Iterator[tuple[pikepdf.Pdf, Photo | None]]:
    """A document of that page alone, and what was sent where that was a picture."""
    reader, kind = _opened(source)
    if kind in PICTURES:
        photo = Photo(content=reader.read(), kind=kind)
        with photo.page() as page:
            yield page, photo
        return
    opened = pikepdf.open(reader, suppress_warnings=True, access_mode=pikepdf.AccessMode.stream)
    with opened as pdf, pikepdf.new() as single:
        single.pages.append(pdf.pages[number - 1])
        single.remove_unreferenced_resources()
        yield single, None


def _opened(source: io.RawIOBase) -> tuple[BinaryIO, MediaType]:
    # A raw source is buffered; the reader is a binary file in all that is used of it.
    reader = cast("BinaryIO", io.BufferedReader(source, _BUFFER_BYTES))
    kind = media_type(reader.read(HEAD_BYTES))
    reader.seek(0)
    if kind in CONVERTED:  # as the document that a merge makes of it, and stays one
        return io.BytesIO(converted.document_of(reader.read(), kind)), MediaType.PDF
    return reader, kind


@dataclass(slots=True)
class _Made:
    """A page as it would be: the document to look at, the file to take, what was changed."""

    method: Method
    document: bytes
    file: bytes
    kind: MediaType
    page_bytes: int
    changes: tuple[Change, ...]
    look: Look | None = None


@dataclass(slots=True)
class _Coached:
    """One page while it is advised on."""

    single: pikepdf.Pdf
    photo: Photo | None
    scratch: Path
    limit_bytes: int
    progress: Saying
    before: bytes = b""
    look: Look | None = None
    pictures: tuple[Drawn, ...] = field(default=())

    def advice(self, *, most: bool) -> dict[str, Any]:
        """See `advise`."""
        size = pages.alone_bytes(self.single.pages[0])
        self.pictures = drawn.pictures_of(self.single.pages[0])
        facts = tuple(_facts(each) for each in self.pictures if not each.is_mask)
        other = max(0, size - sum(drawn.stored_bytes(each.stream) for each in self.pictures))
        excess = None if most else size - page_target(self.limit_bytes)
        self.progress(0.05)
        made = _worth_offering(self._lossless(excess, size), self._visual(excess, size))
        return {
            "size_bytes": size,
            "pictures": [asdict(each) for each in facts],
            "other_bytes": other,
            "reasons": [*reasons_of(facts, other)],
            **self._shown(made),
            "refusal": self._refusal(made, most=most),
        }

    def _refusal(self, made: Sequence[_Made], *, most: bool) -> Refusal | None:
        if made and (most or any(each.page_bytes <= self.limit_bytes for each in made)):
            return None
        heavy = [each for each in self.pictures if drawn.stored_bytes(each.stream) >= shrinking.LEAST_BYTES]
        return Refusal.NOT_ENOUGH if heavy else Refusal.NO_PICTURES

    def _lossless(self, excess: int | None, size: int) -> _Made | None:
        packed_whole = self.photo is not None and self.photo.kind is MediaType.PNG
        changes = () if packed_whole else shrinking.without_loss(self.pictures, excess)
        self.progress(0.3)
        return self._tried(Method.LOSSLESS, changes, size)

    def _visual(self, excess: int | None, size: int) -> _Made | None:
        """The first attempt below the target, else the smallest of those that are below the limit or of all."""
        found: list[_Made] = []
        for number, changes in enumerate(shrinking.looking_the_same(self.pictures, excess), start=1):
            if any(change.quality for change in changes):
                made = self._tried(Method.VISUAL, changes, size)
                found += [] if made is None else [made]
                if made is not None and made.page_bytes <= page_target(self.limit_bytes):
                    return made
            self.progress(min(0.9, 0.3 + 0.15 * number))
        fitting = [made for made in found if made.page_bytes <= self.limit_bytes]
        return (fitting or [min(found, key=lambda made: made.page_bytes)])[0] if found else None

    def _tried(self, method: Method, changes: tuple[Change, ...], size: int) -> _Made | None:
        """The page with the changes in it; None where it is not smaller or does not look like the original."""
        if self.photo is not None:
            made = self._tried_photo(self.photo, method, changes)
        else:
            made = self._tried_page(method, changes) if changes else None
        if made is None or made.page_bytes >= size:
            return None
        made.look = looks.draw(made.document)
        return made if looks.alike(self._look(), made.look) >= _LEAST_LOOK else None

    def _look(self) -> Look:
        if self.look is None:
            self.before = _saved(self.single)
            self.look = looks.draw(self.before)
        return self.look

    def _tried_page(self, method: Method, changes: tuple[Change, ...]) -> _Made:
        with pikepdf.new() as trial:
            trial.pages.append(self.single.pages[0])
            page = trial.pages[0]
            own: set[drawn.Ref] = set()
            for change in changes:
                original = drawn.at(page, change.drawn.paths[0])
                drawn.put(trial, page, change.drawn.paths, change.variant.stream(trial, original), own)
            document = _saved(trial)
            return _Made(
                method=method, document=document, file=document, kind=MediaType.PDF,
                page_bytes=pages.alone_bytes(page), changes=changes,
            )  # fmt: skip

    def _tried_photo(self, photo: Photo, method: Method, changes: tuple[Change, ...]) -> _Made | None:
        if method is Method.LOSSLESS:
            smaller = photo.without_loss(changes[0].variant.data if changes else None)
        else:
            smaller = photo.as_jpeg(changes[0].variant.data, _narrower(changes[0]))
        if smaller is None:
            return None
        with smaller.page() as page:
            return _Made(
                method=method, document=_saved(page), file=smaller.content, kind=smaller.kind,
                page_bytes=pages.alone_bytes(page.pages[0]), changes=changes,
            )  # fmt: skip

    def _shown(self, made: Sequence[_Made]) -> dict[str, Any]:
        """Offers and keys, with what they name written into the scratch folder."""
        offers: list[dict[str, Any]] = []
        if not made:
            return {"offers": offers, "keys": {}}
        before = self._look()
        place = looks.worst_place(before, made[-1].look if made[-1].look is not None else before)
        dpi = next((each.dpi for each in self.pictures if each.dpi), 0.0)
        looks.save_page(before, self.scratch / "before.jpg")
        looks.save_crop(self.before, place, dpi, self.scratch / "before-crop.jpg")
        for each in made:
            name = f"{each.method}.{_EXTENSIONS[each.kind]}"
            (self.scratch / name).write_bytes(each.file)
            page, crop = f"{each.method}-page.jpg", f"{each.method}-crop.jpg"
            looks.save_page(each.look if each.look is not None else before, self.scratch / page)
            looks.save_crop(each.document, place, dpi, self.scratch / crop)
            offers.append(self._offer(each, {"file": name, "page": page, "crop": crop}))
        return {"offers": offers, "keys": {"page": "before.jpg", "crop": "before-crop.jpg"}}

    def _offer(self, made: _Made, keys: dict[str, str]) -> dict[str, Any]:
        changes = made.changes
        return {
            "method": made.method,
            "page_bytes": made.page_bytes,
            "ssim": min((change.ssim for change in changes), default=1.0),
            "dpi": min((change.dpi for change in changes if change.dpi), default=0.0),
            "quality": min((change.quality for change in changes if change.quality), default=0),
            "pictures": len(changes) or 1,
            "fits": made.page_bytes <= self.limit_bytes,
            "keys": keys,
            "paths": [[list(path) for path in change.drawn.paths] for change in changes],
        }


def _worth_offering(lossless: _Made | None, visual: _Made | None) -> Sequence[_Made]:
    """What loses something must be smaller than what loses nothing."""
    if lossless is not None and visual is not None and visual.page_bytes >= lossless.page_bytes:
        return [lossless]
    return [made for made in (lossless, visual) if made is not None]


def _narrower(change: Change) -> float:
    """How wide a picture is, beside how wide it was."""
    width = drawn.said(change.drawn.stream, "/Width")
    return change.size[0] / width if isinstance(width, int) and width else 1


def _facts(picture: Drawn) -> PictureFacts:
    told = coding.coded(picture.stream)
    quality = 0
    if told.kind is coding.Kind.JPEG:
        quality = jpeg_pixels.quality(coding.jpeg_data(picture.stream))
    return PictureFacts(
        width_px=told.width, height_px=told.height, size_bytes=drawn.stored_bytes(picture.stream), kind=told.kind,
        dpi=picture.dpi, quality=quality,
    )  # fmt: skip


def _saved(pdf: pikepdf.Pdf) -> bytes:
    written = io.BytesIO()
    _save(pdf, written)
    return written.getvalue()


def _save(pdf: pikepdf.Pdf, target: BinaryIO | Path) -> None:
    """Nothing is packed anew: what was not meant to change stays byte for byte. An owner's lock is left out."""
    pdf.save(
        target, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none, deterministic_id=True,
        object_stream_mode=pikepdf.ObjectStreamMode.preserve,
    )  # fmt: skip


def assemble(sources: Sequence[io.RawIOBase], arguments: Mapping[str, Json], progress: Saying) -> dict[str, Any]:
    """`sources[0]` with pages that were advised on: `changes` holds [page, paths per picture], and the sources after it
    are the offered pages, in that order. Where a picture was sent, the offered one takes its place.

    Writes `scratch / RESULT` and returns its `media_type`. Raises :class:`ChangedSince`.
    """
    scratch, changes = Path(str(arguments["scratch"])), cast("list[Any]", arguments["changes"])
    reader, kind = _opened(sources[0])
    offered = [_opened(source) for source in sources[1:]]
    if kind in PICTURES:
        content = offered[0][0].read()
        (scratch / RESULT).write_bytes(content)
        return {"media_type": offered[0][1]}
    with pikepdf.open(reader, suppress_warnings=True, access_mode=pikepdf.AccessMode.stream) as pdf:
        for done, ((number, pictures), (page_reader, _)) in enumerate(zip(changes, offered, strict=True), start=1):
            with pikepdf.open(page_reader) as page:
                _take_over(pdf, number, page, pictures)
            progress(0.8 * done / len(offered))
        _save(pdf, scratch / RESULT)
    return {"media_type": MediaType.PDF}


def _take_over(
    pdf: pikepdf.Pdf, number: int, offered: pikepdf.Pdf, pictures: Sequence[Sequence[Sequence[str]]]
) -> None:
    """Pictures of the offered page take their places in the document's page; nothing else of it changes."""
    try:
        page, own = pdf.pages[number - 1], set[drawn.Ref]()
        for paths in pictures:
            places = [tuple(path) for path in paths]
            original = drawn.at(page, places[0])
            smaller = _variant(drawn.at(offered.pages[0], places[0]), original)
            drawn.put(pdf, page, places, smaller.stream(pdf, original), own)
    except (KeyError, IndexError) as error:
        raise ChangedSince(f"page {number}") from error


def _variant(offered: pikepdf.Stream, original: pikepdf.Stream) -> Variant:
    """What was offered instead of the original. What both refer to, a soft mask or a profile, stays the original's."""
    entries = {key: _plain(offered[key]) for key in _OF_PIXELS if key in offered}
    had_table = coding.coded(original).is_indexed and not coding.coded(offered).is_indexed
    return Variant(data=offered.read_raw_bytes(), entries=entries, without_table=had_table)


def _plain(value: Any) -> Any:
    """The same value for another document."""
    return pikepdf.Object.parse(value.unparse(resolved=True)) if isinstance(value, pikepdf.Object) else value
