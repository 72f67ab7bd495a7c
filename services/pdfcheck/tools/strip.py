"""Takes out of a derivative what acts by itself; the original keeps it."""

from collections.abc import Sequence

import pikepdf

from services.pdfcheck.tools.content import ACTIVE_ACTIONS, ACTIVE_ANNOTATIONS
from services.pdfcheck.tools.survey import dictionaries, survey

#: Where an action hangs. `/AA` (on opening, on closing, …) never holds anything a page of evidence needs.
_ACTION_KEYS = ("/A", "/OpenAction", "/PA", "/Next")
_ANNOTATIONS_DROPPED = frozenset({*ACTIVE_ANNOTATIONS, "/FileAttachment"})


def strip(pdf: pikepdf.Pdf) -> None:
    """Remove actions, programs, media and attachment annotations of the pages of `pdf`, and the values of signatures,
    in place. Links inside the file and to addresses stay.
    """
    if not survey(pdf).noteworthy:
        return
    everything = [found for target in pdf.objects for found in dictionaries(target)]
    _strip_active(pdf, everything)
    _forget_signatures(everything)


def _strip_active(pdf: pikepdf.Pdf, everything: Sequence[pikepdf.Dictionary]) -> None:
    for page in pdf.pages:
        _drop_annotations(page.obj)
    for found in everything:
        if "/AA" in found:
            del found["/AA"]
        if "/JS" in found:
            del found["/JS"]
        for key in _ACTION_KEYS:
            if key in found and _is_active(found[key]):
                del found[key]


def _forget_signatures(everything: Sequence[pikepdf.Dictionary]) -> None:
    """On merged pages they would show as broken signatures."""
    for found in everything:
        if found.get("/FT") == "/Sig" and "/V" in found:
            del found["/V"]


def _drop_annotations(page: pikepdf.Object) -> None:
    annotations = page.get("/Annots")
    if not isinstance(annotations, pikepdf.Array):
        return
    kept = [entry for entry in annotations if not _is_dropped(entry)]
    if len(kept) != len(annotations):
        page.Annots = pikepdf.Array(kept)


def _is_dropped(annotation: object) -> bool:
    return isinstance(annotation, pikepdf.Dictionary) and str(annotation.get("/Subtype")) in _ANNOTATIONS_DROPPED


def _is_active(action: object) -> bool:
    """Whether an action, or any of several, does something by itself."""
    if isinstance(action, pikepdf.Array):
        return any(_is_active(entry) for entry in action)
    if not isinstance(action, pikepdf.Dictionary):
        return False
    return str(action.get("/S")) in ACTIVE_ACTIONS or "/JS" in action
