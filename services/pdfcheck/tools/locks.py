"""Why a PDF cannot be opened that is encrypted in another way than with a password."""

import re
from typing import BinaryIO

from services.pdfcheck.domain.facts import Lock

#: What the library says of an encryption that it does not know.
_UNSUPPORTED = re.compile(r"unsupported encryption filter|unsupported /R or /V in encryption", re.IGNORECASE)
#: The handler of encryption for the holders of certificates, and where its keys stand.
_FOR_CERTIFICATES = (b"/Adobe.PubSec", b"/Recipients")
_LOOKED_AT_BYTES = 2**20


def lock_of(source: BinaryIO, error: str) -> Lock | None:
    """What kind of lock an `error` of opening means; None when it means none. The dictionary that describes an
    encryption is never encrypted or compressed itself, so its words stand in the file as they are.
    """
    if not _UNSUPPORTED.search(error):
        return None
    source.seek(0)
    head = source.read(_LOOKED_AT_BYTES)
    source.seek(max(0, source.seek(0, 2) - _LOOKED_AT_BYTES))
    text = head + source.read(_LOOKED_AT_BYTES)
    return Lock.CERTIFICATE if any(word in text for word in _FOR_CERTIFICATES) else Lock.UNKNOWN
