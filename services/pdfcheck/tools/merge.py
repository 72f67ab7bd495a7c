"""Ordered parts (PDF, JPEG, PNG) to one PDF with bookmarks, as the sandbox calls it: `…tools.merge:merge`.

Works on files in the scratch folder, so that memory stays flat whatever the parts weigh: pages are taken over by
qpdf's job, which keeps form fields and annotations, then the result is stripped of active content, bookmarked and
written once more without compressing anything anew. The same parts give the same bytes.
"""

import hashlib
import io
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pikepdf

from services.catalogue.sniff import HEAD_BYTES, MediaType, media_type
from services.pdfcheck.domain.facts import Json
from services.pdfcheck.domain.merging import RESULT, Bookmark, Part, bookmarks_of
from services.pdfcheck.tools import content, inspect, picture, strip
from services.pdfcheck.tools.jpeg import DamagedError

_CHUNK_BYTES = 2**20
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
    """Merge `sources` into `<scratch>/merged.pdf`.

    `arguments`: `scratch` (folder), `parts` (`[title, component or null]` per source), `page_limit_bytes`. Returns
    `sha256`, `page_counts` (per part) and `facts` of the result; or `failed_part` (from 0) when one cannot be taken
    in, which the checks before have ruled out unless a limit was hit. Raises what writing raises.
    """
    scratch = Path(str(arguments["scratch"]))
    parts = _parts(arguments["parts"], len(sources))
    limit = arguments["page_limit_bytes"]
    if not isinstance(limit, int):
        raise ValueError("page_limit_bytes is a whole number")
    prepared: list[_Prepared] = []
    for number, source in enumerate(sources):
        try:
            prepared.append(_prepare(source, scratch / f"part-{number:04}"))
        except (pikepdf.PdfError, pikepdf.PasswordError, DamagedError, picture.TooManyPixelsError):
            return {"failed_part": number}
        progress(0.5 * (number + 1) / len(sources))
    counts = [part.pages for part in prepared]
    _assemble(prepared, scratch / "assembled.pdf")
    progress(0.7)
    result = scratch / RESULT
    _finish(scratch / "assembled.pdf", result, bookmarks_of(parts, counts))
    progress(0.9)
    with result.open("rb") as merged:
        facts = inspect.facts_of(merged, limit)
    return {"sha256": _sha256(result), "page_counts": list(counts), "facts": facts.to_json()}


def _parts(told: Json, expected: int) -> list[Part]:
    if isinstance(told, str) or not isinstance(told, Sequence) or len(told) != expected:
        raise ValueError("one entry per source is due under parts")
    parts = []
    for entry in told:
        match entry:
            case [str(title), str() | None as component]:
                parts.append(Part(title=title, component=component))
            case _:
                raise ValueError("a part is [title, component or null]")
    return parts


def _prepare(source: io.RawIOBase, target: Path) -> _Prepared:
    """Bring one part to disk as a PDF."""
    head = _head(source)
    kind = media_type(head)
    if kind is not MediaType.PDF:
        source.seek(0)
        page = picture.page_of(io.BufferedReader(source, _CHUNK_BYTES).read(picture.MAX_BYTES), kind)
        target.write_bytes(page.pdf)
        return _Prepared(path=target, pages=1, signed=False)
    source.seek(0)
    with target.open("wb") as copy:
        shutil.copyfileobj(io.BufferedReader(source, _CHUNK_BYTES), copy, _CHUNK_BYTES)
    with pikepdf.open(target, suppress_warnings=True) as pdf:
        return _Prepared(path=target, pages=len(pdf.pages), signed=content.read(pdf).signed)


def _head(source: io.RawIOBase) -> bytes:
    source.seek(0)
    return source.read(HEAD_BYTES) or b""


def _assemble(prepared: Sequence[_Prepared], target: Path) -> None:
    """All pages in order, decrypted, streams as they are; the originals of signed parts attached."""
    arguments = ["qpdf", "--empty", "--no-warn", "--warning-exit-0", "--stream-data=preserve", "--deterministic-id"]
    for number, part in enumerate(prepared, start=1):
        if part.signed:
            name = f"signed-original-part-{number}.pdf"
            arguments += ["--add-attachment", str(part.path), f"--key={name}", f"--filename={name}"]
            arguments += [f"--creationdate={_FIXED_DATE}", f"--moddate={_FIXED_DATE}", "--mimetype=application/pdf"]
            arguments += ["--"]
    arguments += ["--pages"]
    for part in prepared:
        arguments += [str(part.path), "1-z"]
    arguments += ["--", str(target)]
    pikepdf.Job(arguments).run()


def _finish(assembled: Path, target: Path, bookmarks: Sequence[Bookmark]) -> None:
    """Strip, bookmark and write once more."""
    with pikepdf.open(assembled, suppress_warnings=True) as pdf:
        strip.strip_active(pdf)
        strip.forget_signatures(pdf)
        with pdf.open_outline() as outline:
            _bookmark(outline, bookmarks)
        pdf.Root.PageMode = pikepdf.Name.UseOutlines
        pdf.save(
            target,
            min_version="1.7",
            deterministic_id=True,
            compress_streams=False,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
        )


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
