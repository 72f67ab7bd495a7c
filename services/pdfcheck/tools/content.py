"""What a PDF carries beside its pages: programs and other active content, attachments, forms, signatures."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pikepdf

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
_MAX_NESTING = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """`active`: sorted kinds; `embedded_files`: how many attachments; the rest as the names say."""

    active: tuple[str, ...]
    embedded_files: int
    xfa: bool
    signed: bool


def read(pdf: pikepdf.Pdf) -> Content:
    """Look at every object of `pdf`, reachable or not: what a later edit could bring back counts too."""
    active: set[str] = set()
    embedded = 0
    signed = False
    for found in dictionaries(pdf):
        active.update(_active_kinds(found))
        embedded += _is_file_specification(found)
        signed = signed or _is_signature(found)
    form = pdf.Root.get("/AcroForm")
    xfa = isinstance(form, pikepdf.Dictionary) and "/XFA" in form
    return Content(active=tuple(sorted(active)), embedded_files=embedded, xfa=xfa, signed=signed)


def dictionaries(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Dictionary]:
    """Every dictionary of the file, those inside other objects included."""
    for target in pdf.objects:
        waiting: list[tuple[object, int]] = [(target, 0)]
        while waiting:
            value, depth = waiting.pop()
            if depth > _MAX_NESTING:
                continue
            if isinstance(value, pikepdf.Stream):
                value = value.stream_dict
            if isinstance(value, pikepdf.Dictionary):
                yield value
                waiting.extend((child, depth + 1) for _, child in value.items() if _is_inside(child))
            elif isinstance(value, pikepdf.Array):
                waiting.extend((child, depth + 1) for child in value if _is_inside(child))


def _is_inside(value: object) -> bool:
    return isinstance(value, pikepdf.Dictionary | pikepdf.Array) and not value.is_indirect


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
