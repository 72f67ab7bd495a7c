"""Opens a PDF and says in what state it is, how large its pages are and what else it carries."""

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import BinaryIO

import pikepdf

from services.catalogue.sniff import MediaType
from services.pdfcheck.domain.excess import Excess, Limit
from services.pdfcheck.domain.facts import DocumentFacts, Health, Lock, PageSize
from services.pdfcheck.domain.signatures import Signature
from services.pdfcheck.tools import content, ending, locks, pages, structure
from services.pdfcheck.tools.survey import Survey, TooComplexError, check_memory, no_memory, survey, warnings_of

#: Warnings after which part of the content is missing, so that the file is not merely repaired. Under a limit of
#: memory the library turns a failed allocation into a warning as well; a check that saw nothing must not pass.
_FATAL = re.compile(
    r"treating stream as empty|unable to recover stream|error decoding|bad_alloc|std::|not enough memory"
    r"|loop|circular|kid .* (?:is|of) |pages? tree|page object|does not exist|invalid stream length|too deep",
    re.IGNORECASE,
)
#: Warnings of what the library puts right without anything being lost, though they sound like the ones above.
_HARMLESS = re.compile(
    r"Resources is missing or invalid; repairing|MediaBox is undefined; setting"
    r"|more than once in the pages tree; creating"
)
#: Mapped into memory up to here, which is faster; the address space is limited, and a larger file must find room too.
_MAPPED_BYTES = 64 * 2**20
_JPEG_END = b"\xff\xd9"
#: A record of thirty years has some thousand pages.
MOST_PAGES = 10_000


def facts_of(source: BinaryIO, size_bytes: int, page_limit_bytes: int) -> DocumentFacts:
    """The facts of the PDF in `source`, which is read by ranges and never whole.

    Every failure that the file itself causes becomes a health, not an exception. Errors of `source` (`OSError`) pass
    through; so does `MemoryError` where Python itself is out of memory.
    """
    blank = DocumentFacts(size_bytes=size_bytes, media_type=MediaType.PDF, health=Health.DAMAGED)
    facts = _opened_facts(source, blank, page_limit_bytes)
    return ending.looked_at(source, facts) if facts.health in (Health.DAMAGED, Health.REPAIRED) else facts


def _opened_facts(source: BinaryIO, blank: DocumentFacts, page_limit_bytes: int) -> DocumentFacts:
    try:
        with _opened(source, blank.size_bytes) as pdf:
            if len(pdf.pages) > MOST_PAGES:
                raise TooComplexError(Limit.PAGES, MOST_PAGES, len(pdf.pages))
            return _read(pdf, source, blank, page_limit_bytes)
    except pikepdf.PasswordError:
        return replace(blank, health=Health.LOCKED, encrypted=True, lock=Lock.PASSWORD)
    except TooComplexError as error:
        return replace(blank, health=Health.TOO_COMPLEX, excess=error.excess)
    except pikepdf.PdfError as error:
        lock = locks.lock_of(source, str(error))
        if lock is not None:
            return replace(blank, health=Health.LOCKED, encrypted=True, lock=lock)
        if no_memory([str(error)]):
            return replace(blank, health=Health.TOO_COMPLEX, excess=Excess(limit=Limit.MEMORY))
        return blank
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError, OverflowError):
        # pikepdf answers a structure of unexpected types with these; the file is at fault in every one of them.
        return blank


def _opened(source: BinaryIO, size_bytes: int) -> pikepdf.Pdf:
    source.seek(0)
    mode = pikepdf.AccessMode.stream
    if size_bytes <= _MAPPED_BYTES:
        with contextlib.suppress(OSError):  # not a file of this machine
            source.fileno()
            mode = pikepdf.AccessMode.mmap_only
    return pikepdf.open(source, suppress_warnings=True, access_mode=mode)


def _read(pdf: pikepdf.Pdf, source: BinaryIO, blank: DocumentFacts, page_limit_bytes: int) -> DocumentFacts:
    if not len(pdf.pages):
        told = warnings_of(pdf)
        check_memory(told)
        return blank.with_health(Health.DAMAGED if told else Health.NO_PAGES)
    found = survey(pdf)
    reaches = None
    with contextlib.suppress(TooComplexError):
        reaches = pages.walk(pdf, found)
    carried = content.of(pdf, found)
    health = _health(pdf)
    if health not in (Health.SOUND, Health.REPAIRED):
        return replace(blank, health=health)
    signed = _signatures(found, blank.size_bytes) if carried.signed else ()
    return DocumentFacts(
        size_bytes=blank.size_bytes,
        media_type=blank.media_type,
        health=health,
        pages=_judged(pdf, health, reaches, lambda: _opened(source, blank.size_bytes), page_limit_bytes),
        encrypted=pdf.is_encrypted,
        owner_restricted=pdf.is_encrypted,
        signed=any(each.is_of_a_person for each in signed),
        signatures=signed,
        xfa=carried.xfa,
        active=carried.active,
        embedded_files=carried.embedded_files,
        images_only=reaches is not None and all(reach.has_image and not reach.has_font for reach in reaches),
        structure=structure.read(pdf, source, blank.size_bytes),
    )


def _signatures(found: Survey, size_bytes: int) -> tuple[Signature, ...]:
    # Few documents are signed; imported above, the libraries for it would cost every child a tenth of what it takes.
    from services.pdfcheck.tools import signatures

    return signatures.read(content.dictionaries_of(found), size_bytes)


def _judged(
    pdf: pikepdf.Pdf,
    health: Health,
    reaches: tuple[pages.Reach, ...] | None,
    reopen: Callable[[], pikepdf.Pdf],
    page_limit_bytes: int,
) -> tuple[PageSize, ...]:
    if health is Health.REPAIRED:
        return pages.split_all(pdf)
    return pages.judge(reaches, reopen, page_limit_bytes)


def _health(pdf: pikepdf.Pdf) -> Health:
    """Sound, repaired without loss, or damaged, by what the library had to say while everything was read. Raises
    `TooComplexError`.
    """
    told = warnings_of(pdf)
    if not told:
        return Health.SOUND
    check_memory(told)
    warnings = "\n".join(each for each in told if not _HARMLESS.search(each))
    if not warnings:
        return Health.REPAIRED
    if _FATAL.search(warnings) or not all(_is_whole(page) for page in pdf.pages):
        return Health.DAMAGED
    return Health.REPAIRED


def _is_whole(page: pikepdf.Page) -> bool:
    """Whether a repaired page still has its content and all of its pictures."""
    if "/Contents" not in page.obj or not _streams_of(page.obj.Contents):
        return False
    return all(_ends(image) for image in _images(page))


def _streams_of(contents: pikepdf.Object) -> bool:
    """Whether `contents` is a stream or a list of nothing but streams."""
    if isinstance(contents, pikepdf.Array):
        return bool(len(contents)) and all(isinstance(entry, pikepdf.Stream) for entry in contents)
    return isinstance(contents, pikepdf.Stream)


def _images(page: pikepdf.Page) -> Iterator[pikepdf.Object]:
    resources = page.obj.get("/Resources")
    drawn = resources.get("/XObject") if isinstance(resources, pikepdf.Dictionary) else None
    if isinstance(drawn, pikepdf.Dictionary):
        yield from (target for _, target in drawn.items())


def _ends(image: pikepdf.Object) -> bool:
    """Whether a picture is there, and where it is a JPEG, whether it has an end."""
    if not isinstance(image, pikepdf.Stream):
        return False
    if image.stream_dict.get("/Filter") != pikepdf.Name.DCTDecode:
        return True
    return image.read_raw_bytes().rstrip(b"\r\n \x00").endswith(_JPEG_END)
