"""What a PDF carries beside its pages: programs and other active content, attachments, forms, signatures."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pikepdf

from services.pdfcheck.tools.survey import Survey, dictionaries

#: Action types that do something by themselves or reach outside; a plain link (`/URI`, `/GoTo`) is not among them.
ACTIVE_ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "/JavaScript": "javascript",
        "/Launch": "launch",
        "/SubmitForm": "submit-form",
        "/ImportData": "import-data",
        "/ResetForm": "reset-form",
        "/GoToE": "goto-embedded",
        "/GoToR": "goto-remote",
        "/Rendition": "media",
        "/Movie": "media",
        "/Sound": "media",
        "/GoTo3DView": "media",
        "/RichMediaExecute": "media",
    }
)
#: Annotations that play or carry something.
ACTIVE_ANNOTATIONS: Mapping[str, str] = MappingProxyType(
    {"/RichMedia": "media", "/Screen": "media", "/Movie": "media", "/Sound": "media", "/3D": "media"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """`active`: sorted kinds; `embedded_files`: how many attachments; the rest as the names say."""

    active: tuple[str, ...]
    embedded_files: int
    xfa: bool
    signed: bool


def of(pdf: pikepdf.Pdf, found: Survey) -> Content:
    """What `pdf` carries, by the survey of its objects, reachable or not."""
    active: set[str] = set()
    embedded = 0
    signed = False
    for each in dictionaries_of(found):
        active.update(_active_kinds(each))
        embedded += _is_file_specification(each)
        signed = signed or _is_signature(each)
    form = pdf.Root.get("/AcroForm")
    xfa = isinstance(form, pikepdf.Dictionary) and "/XFA" in form
    return Content(active=tuple(sorted(active)), embedded_files=embedded, xfa=xfa, signed=signed)


def dictionaries_of(found: Survey) -> Iterator[pikepdf.Dictionary]:
    """Every dictionary of the objects that may hold something of the kind."""
    for target in found.noteworthy:
        yield from dictionaries(target)


def _active_kinds(found: pikepdf.Dictionary) -> Iterator[str]:
    """The kinds of active content that this one dictionary is."""
    action = found.get("/S")
    if isinstance(action, pikepdf.Name) and str(action) in ACTIVE_ACTIONS:
        yield ACTIVE_ACTIONS[str(action)]
    if "/JS" in found:
        yield "javascript"
    annotation = found.get("/Subtype")
    if isinstance(annotation, pikepdf.Name) and str(annotation) in ACTIVE_ANNOTATIONS and "/Rect" in found:
        yield ACTIVE_ANNOTATIONS[str(annotation)]


def _is_file_specification(found: pikepdf.Dictionary) -> bool:
    """An attachment: a file specification that points at data inside this file (`/EF`)."""
    return isinstance(found.get("/EF"), pikepdf.Dictionary)


def _is_signature(found: pikepdf.Dictionary) -> bool:
    """A signature that was really made: bytes are covered and the signature's value is not only room for one."""
    contents = found.get("/Contents")
    if "/ByteRange" not in found or not isinstance(contents, pikepdf.String):
        return False
    return bool(bytes(contents).strip(b"\x00"))
