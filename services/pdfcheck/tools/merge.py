"""Ordered parts (PDF, JPEG, PNG) to one PDF with bookmarks, as the sandbox calls it: `…tools.merge:merge`.

Works on files in the scratch folder, so that memory stays flat whatever the parts weigh: pages are taken over by
qpdf's job, which keeps form fields and annotations, stripped of active content, bookmarked and written, once, without
compressing anything anew. The same parts give the same bytes.
"""

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pikepdf

from services.catalogue.sniff import HEAD_BYTES, MediaType, media_type
from services.pdfcheck.domain.facts import Json
from services.pdfcheck.domain.merging import RESULT, Bookmark, Part, bookmarks_of, source_path
from services.pdfcheck.tools import content, inspect, picture, strip
from services.pdfcheck.tools.jpeg import DamagedError
from services.pdfcheck.tools.survey import survey

_CHUNK_BYTES = 2**16
#: Attachments carry dates; a fixed one keeps the result the same from run to run.
_FIXED_DATE = "D:20000101000000Z"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Prepared:
    """One part as a PDF on disk."""

    path: Path
    pages: int
    signed: bool


def merge(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, Json], progress: Callable[[float], None]
) -> dict[str, Json]:
    """Merge parts into `<scratch>/merged.pdf`: each is one of `sources`, or the file that `source_path` names.

    `arguments`: `scratch` (folder), `parts` (`[title, component or null]` per part), `opened` (the place among them of
    each source), `page_limit_bytes`. Returns
    `sha256`, `page_counts` (per part) and `facts` of the result; or `failed_part` (from 0) when one cannot be taken
    in, which the checks before have ruled out unless a limit was hit. Raises what writing raises.
    """
    scratch = Path(str(arguments["scratch"]))
    parts = _parts(arguments["parts"])
    paths = _paths(arguments["opened"], sources, scratch, len(parts))
    limit = arguments["page_limit_bytes"]
    if not isinstance(limit, int):
        raise ValueError("page_limit_bytes is a whole number")
    prepared: list[_Prepared] = []
    for number, path in enumerate(paths):
        try:
            prepared.append(_prepare(path, scratch / f"page-{number:04}.pdf"))
        except (pikepdf.PdfError, pikepdf.PasswordError, DamagedError, picture.TooManyPixelsError):
            return {"failed_part": number}
        progress(0.5 * (number + 1) / len(parts))
    counts = [part.pages for part in prepared]
    result = scratch / RESULT
    _assemble(prepared, result, bookmarks_of(parts, counts), _identity(parts, paths))
    progress(0.9)
    with result.open("rb") as merged:
        facts = inspect.facts_of(merged, limit)
    return {"sha256": _sha256(result), "page_counts": list(counts), "facts": facts.to_json()}


def _paths(opened: Json, sources: Sequence[io.RawIOBase], scratch: Path, parts: int) -> list[Path]:
    """Where the library finds each part."""
    if isinstance(opened, str) or not isinstance(opened, Sequence) or len(opened) != len(sources):
        raise ValueError("one place per source is due under opened")
    paths = [source_path(scratch, number) for number in range(parts)]
    for place, source in zip(opened, sources, strict=True):
        if not isinstance(place, int):
            raise ValueError("a place is a whole number")
        paths[place] = Path(f"/proc/self/fd/{source.fileno()}")
    if not all(path.exists() for path in paths):
        raise ValueError("a part is missing")
    return paths


def _parts(told: Json) -> list[Part]:
    if isinstance(told, str) or not isinstance(told, Sequence) or not told:
        raise ValueError("parts are a list that is not empty")
    parts = []
    for entry in told:
        match entry:
            case [str(title), str() | None as component]:
                parts.append(Part(title=title, component=component))
            case _:
                raise ValueError("a part is [title, component or null]")
    return parts


def _prepare(source: Path, target: Path) -> _Prepared:
    """One part as a PDF: itself, or the page that a picture becomes, at `target`."""
    with source.open("rb") as file:
        kind = media_type(file.read(HEAD_BYTES))
    if kind is not MediaType.PDF:
        target.write_bytes(picture.page_of(source.read_bytes()[: picture.MAX_BYTES], kind).pdf)
        return _Prepared(path=target, pages=1, signed=False)
    with pikepdf.open(source, suppress_warnings=True) as pdf:
        return _Prepared(path=source, pages=len(pdf.pages), signed=content.of(pdf, survey(pdf)).signed)


def _identity(parts: Sequence[Part], paths: Sequence[Path]) -> bytes:
    """What the result's `/ID` says: the same for the same parts, another for others. Not a digest of everything: that
    took longer than writing it, and the SHA-256 of the whole is what counts.
    """
    digest = hashlib.sha256()
    for part, source in zip(parts, paths, strict=True):
        size = source.stat().st_size
        with source.open("rb") as file:
            beginning = file.read(_CHUNK_BYTES)
            file.seek(max(0, size - _CHUNK_BYTES))
            digest.update(f"{part.component}/{part.title}/{size}/".encode() + beginning + file.read(_CHUNK_BYTES))
    return digest.digest()[:16]


def _assemble(prepared: Sequence[_Prepared], target: Path, bookmarks: Sequence[Bookmark], identity: bytes) -> None:
    """All pages in order, decrypted, stripped and bookmarked, written once with their streams as they are."""
    job = pikepdf.Job(_arguments(prepared, target))  # the parts' streams are its own until everything is written
    with job.create_pdf() as pdf:
        strip.strip(pdf)
        with pdf.open_outline() as outline:
            _bookmark(outline, bookmarks)
        pdf.Root.PageMode = pikepdf.Name.UseOutlines
        pdf.trailer.ID = pikepdf.Array([pikepdf.String(identity), pikepdf.String(identity)])
        pdf.save(
            target,
            min_version="1.7",
            static_id=True,  # of the second half: the file is never written again
            compress_streams=False,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
        )


def _arguments(prepared: Sequence[_Prepared], target: Path) -> list[str]:
    """qpdf's: every part's pages, the originals of signed parts attached."""
    arguments = ["qpdf", "--empty", "--no-warn", "--warning-exit-0"]
    for number, part in enumerate(prepared, start=1):
        if part.signed:
            name = f"signed-original-part-{number}.pdf"
            arguments += ["--add-attachment", str(part.path), f"--key={name}", f"--filename={name}"]
            arguments += [f"--creationdate={_FIXED_DATE}", f"--moddate={_FIXED_DATE}", "--mimetype=application/pdf"]
            arguments += ["--"]
    arguments += ["--pages"]
    for part in prepared:
        arguments += [str(part.path), "1-z"]
    return [*arguments, "--", str(target)]


def _bookmark(outline: pikepdf.Outline, bookmarks: Sequence[Bookmark]) -> None:
    above: pikepdf.OutlineItem | None = None
    for mark in bookmarks:
        item = pikepdf.OutlineItem(mark.title, mark.page - 1)
        if mark.depth and above is not None:
            above.children.append(item)
        else:
            outline.root.append(item)
            above = item


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
