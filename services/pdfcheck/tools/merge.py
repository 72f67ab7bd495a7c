"""Ordered parts (PDF, JPEG, PNG) to one PDF with bookmarks, as the sandbox calls it: `…tools.merge:merge`.

Works on files in the scratch folder, so that memory stays flat whatever the parts weigh: pages are taken over by
qpdf's job, which keeps form fields and annotations, stripped of active content, bookmarked and written, once, without
compressing anything anew. The same parts give the same bytes.
"""

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pikepdf

from services.catalogue.sniff import CONVERTED, HEAD_BYTES, MediaType, media_type
from services.pdfcheck.domain.facts import Health, Json
from services.pdfcheck.domain.merging import RESULT, Bookmark, Part, bookmarks_of, source_path
from services.pdfcheck.tools import content, converted, digest, inspect, picture, strip
from services.pdfcheck.tools.jpeg import DamagedError
from services.pdfcheck.tools.survey import TooComplexError, check_complete, survey

_CHUNK_BYTES = 2**16
#: Attachments carry dates; a fixed one keeps the result the same from run to run.
_FIXED_DATE = "D:20000101000000Z"


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
    """A file of the recipe as a PDF on disk."""

    path: Path
    pages: int
    signed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Piece:
    """A part with its file's number, from 0."""

    part: Part
    file: int


#: How pikepdf answers what makes no sense in a file.
_SENSELESS = (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, OverflowError)


class WrongRecipe(ValueError):
    """The arguments are not what they promise to be: a mistake of ours, not of a file."""


def merge(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, Json], progress: Callable[[float], None]
) -> dict[str, Json]:
    """Merge parts of files into `<scratch>/merged.pdf`. A file is one of `sources`, or what `source_path` names.

    `arguments`: `scratch` (folder), `files` (how many), `opened` (the number of the file that each source is), `parts`
    (`[title, component or null, number of its file, [[page, degrees], ...]]`), `page_limit_bytes`. Returns `sha256`,
    `page_counts` (per part) and `facts` of the result; or `failed_part` (from 0) when one cannot be taken in, which
    the checks before have ruled out unless a limit was hit (None: they do not go together). Raises `WrongRecipe` and
    what writing raises.
    """
    scratch = Path(str(arguments["scratch"]))
    paths = _paths(arguments["files"], arguments["opened"], sources, scratch)
    pieces = _pieces(arguments["parts"], len(paths))
    limit = arguments["page_limit_bytes"]
    if not isinstance(limit, int):
        raise WrongRecipe("page_limit_bytes is a whole number")
    files: list[_File] = []
    for number, path in enumerate(paths):
        try:
            files.append(_prepared(path, scratch / f"page-{number:04}.pdf"))
        except (pikepdf.PasswordError, DamagedError, picture.TooManyPixelsError, TooComplexError, *_SENSELESS):
            return {"failed_part": next(place for place, piece in enumerate(pieces) if piece.file == number)}
        progress(0.5 * (number + 1) / len(paths))
    counts = [_count(piece, files[piece.file]) for piece in pieces]
    result = scratch / RESULT
    with result.open("xb") as target, result.open("rb") as merged, digest.following(result) as sha256:
        try:
            identity = _identity(pieces, paths)
            _assemble(files, pieces, counts, target, identity, lambda done: progress(0.5 + 0.4 * done))
        except _SENSELESS:
            return {"failed_part": None}
        target.flush()
        sha256.all_there()
        facts = inspect.facts_of(merged, limit)
    if facts.health is Health.SOUND and len(facts.pages) != sum(counts):  # what there was no memory for is left out
        return {"failed_part": None}
    return {"sha256": sha256.hexdigest(), "page_counts": list(counts), "facts": facts.to_json()}


def _paths(count: Json, opened: Json, sources: Sequence[io.RawIOBase], scratch: Path) -> list[Path]:
    """Where the library finds each file."""
    if not isinstance(count, int) or isinstance(opened, str) or not isinstance(opened, Sequence):
        raise WrongRecipe("files is a number, opened a list")
    paths = [source_path(scratch, number) for number in range(count)]
    for number, source in zip(opened, sources, strict=True):
        if not isinstance(number, int) or not 0 <= number < count:
            raise WrongRecipe("opened holds numbers of files")
        paths[number] = Path(f"/proc/self/fd/{source.fileno()}")
    if not all(path.exists() for path in paths):
        raise WrongRecipe("a file is missing")
    return paths


def _pieces(told: Json, files: int) -> list[_Piece]:
    if isinstance(told, str) or not isinstance(told, Sequence) or not told:
        raise WrongRecipe("parts are a list that is not empty")
    pieces = []
    for entry in told:
        match entry:
            case [str(title), str() | None as component, int(file), [*pages]] if 0 <= file < files:
                part = Part(title=title, component=component, pages=tuple(map(_page, pages)))
                pieces.append(_Piece(part=part, file=file))
            case _:
                raise WrongRecipe("a part is [title, component or null, number of its file, pages]")
    if {piece.file for piece in pieces} != set(range(files)):
        raise WrongRecipe("every file is of some part")
    return pieces


def _page(told: Json) -> tuple[int, int]:
    match told:
        case [int(page), int(degrees)] if page > 0 and degrees in (0, 90, 180, 270):
            return page, degrees
    raise WrongRecipe("a page is [number from 1, 0, 90, 180 or 270 degrees]")


def _count(piece: _Piece, file: _File) -> int:
    """How many pages the part has."""
    if any(page > file.pages for page, _ in piece.part.pages):
        raise WrongRecipe("a page that the file does not have")
    return len(piece.part.pages) or file.pages


def _prepared(source: Path, target: Path) -> _File:
    """A file as a PDF: itself, or the page that a picture becomes, at `target`."""
    with source.open("rb") as file:
        kind = media_type(file.read(HEAD_BYTES))
    if kind in CONVERTED:
        target.write_bytes(converted.document_of(source.read_bytes()[: picture.MAX_BYTES], kind))
        with pikepdf.open(target) as pdf:
            return _File(path=target, pages=len(pdf.pages), signed=False)
    if kind is not MediaType.PDF:
        target.write_bytes(picture.page_of(source.read_bytes()[: picture.MAX_BYTES], kind).pdf)
        return _File(path=target, pages=1, signed=False)
    with pikepdf.open(source, suppress_warnings=True) as pdf:
        read = _File(path=source, pages=len(pdf.pages), signed=content.of(pdf, survey(pdf)).signed)
        check_complete(pdf)
    return read


def _identity(pieces: Sequence[_Piece], paths: Sequence[Path]) -> bytes:
    """What the result's `/ID` says: the same for the same parts, another for others. Not a digest of everything: that
    took longer than writing it, and the SHA-256 of the whole is what counts.
    """
    told = [[piece.part.component, piece.part.title, piece.part.pages, piece.file] for piece in pieces]
    digest = hashlib.sha256(json.dumps(told, ensure_ascii=False).encode())
    for path in paths:
        size = path.stat().st_size
        with path.open("rb") as file:
            beginning = file.read(_CHUNK_BYTES)
            file.seek(max(0, size - _CHUNK_BYTES))
            digest.update(f"/{size}/".encode() + beginning + file.read(_CHUNK_BYTES))
    return digest.digest()[:16]


def _assemble(
    files: Sequence[_File], pieces: Sequence[_Piece], counts: Sequence[int], target: BinaryIO, identity: bytes,
    progress: Callable[[float], None],
) -> None:  # fmt: skip
    """All pages in order, decrypted, stripped, turned and bookmarked, written once with their streams as they are."""
    job = pikepdf.Job(_arguments(files, pieces))  # the files' streams are its own until everything is written
    with job.create_pdf() as pdf:
        strip.strip(pdf)
        _turn(pdf, [degrees for piece, count in zip(pieces, counts, strict=True) for degrees in _turns(piece, count)])
        with pdf.open_outline() as outline:
            _bookmark(outline, bookmarks_of([piece.part for piece in pieces], counts))
        pdf.Root.PageMode = pikepdf.Name.UseOutlines
        pdf.trailer.ID = pikepdf.Array([pikepdf.String(identity), pikepdf.String(identity)])
        pdf.save(
            target,
            min_version="1.7",
            static_id=True,  # of the second half: the file is never written again
            progress=lambda percent: progress(percent / 100),  # now and then: others have their turn meanwhile
            compress_streams=False,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
        )


def _turns(piece: _Piece, count: int) -> Sequence[int]:
    return [degrees for _, degrees in piece.part.pages] or [0] * count


def _turn(pdf: pikepdf.Pdf, turns: Sequence[int]) -> None:
    if any(turns):
        for page, degrees in zip(pdf.pages, turns, strict=True):
            if degrees:
                page.rotate(degrees, relative=True)


def _arguments(files: Sequence[_File], pieces: Sequence[_Piece]) -> list[str]:
    """qpdf's: every part's pages, the originals of signed files attached."""
    arguments = ["qpdf", "--empty", "--no-warn", "--warning-exit-0"]
    for number, file in enumerate(files, start=1):
        if file.signed:
            name = f"signed-original-part-{number}.pdf"
            arguments += ["--add-attachment", str(file.path), f"--key={name}", f"--filename={name}"]
            arguments += [f"--creationdate={_FIXED_DATE}", f"--moddate={_FIXED_DATE}", "--mimetype=application/pdf"]
            arguments += ["--"]
    arguments += ["--pages"]
    for piece in pieces:
        chosen = ",".join(str(page) for page, _ in piece.part.pages) or "1-z"
        arguments += [str(files[piece.file].path), chosen]
    return [*arguments, "--", RESULT]  # it asks for a name, and writes nothing: what it made is changed first


def _bookmark(outline: pikepdf.Outline, bookmarks: Sequence[Bookmark]) -> None:
    above: pikepdf.OutlineItem | None = None
    for mark in bookmarks:
        item = pikepdf.OutlineItem(mark.title, mark.page - 1)
        if mark.depth and above is not None:
            above.children.append(item)
        else:
            outline.root.append(item)
            above = item
