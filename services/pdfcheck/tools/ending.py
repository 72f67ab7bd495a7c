"""Whether a PDF that was found damaged or had to be repaired was cut off, and how much of it is missing."""

import re
from dataclasses import replace
from typing import BinaryIO

from services.catalogue.sniff import HEAD_BYTES
from services.pdfcheck.domain.facts import DocumentFacts, Health

_NEAR_END_BYTES = 2 * 1024
_END = b"%%EOF"
#: A file made to be shown while it is still coming says at its front how long it is.
_STATED = re.compile(rb"/Linearized\b[^>]{0,200}?/L\s+(\d{1,12})\b", re.DOTALL)


def looked_at(source: BinaryIO, facts: DocumentFacts) -> DocumentFacts:
    """The facts with `cut_off` and `missing_bytes`; a file of which bytes are missing is not merely repaired."""
    source.seek(0)
    stated = _STATED.search(source.read(HEAD_BYTES))
    missing = max(0, int(stated[1]) - facts.size_bytes) if stated is not None else 0
    source.seek(max(0, facts.size_bytes - _NEAR_END_BYTES))
    ends = _END in source.read(_NEAR_END_BYTES)
    if missing:
        blank = DocumentFacts(size_bytes=facts.size_bytes, media_type=facts.media_type, health=Health.DAMAGED)
        return replace(blank, cut_off=True, missing_bytes=missing)
    return replace(facts, cut_off=not ends) if facts.health is Health.DAMAGED else facts
