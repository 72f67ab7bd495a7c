"""What the gateway's part endpoint needs of a store that has no HTTP of its own.

S3 answers presigned requests itself; the local directory is answered for by the gateway, which verifies the URL with
`presign.Signer`, hands the claim to this port and passes status, headers and bytes on.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from services.kernel.storage.port import StoredPart
from services.kernel.storage.presign import FileClaim, PartClaim


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """An HTTP answer, ready to be passed on; for a HEAD the body is left unread."""

    #: 200, 206 or 416.
    status: int
    #: Lower-case names; the length and all that keeps user content harmless are among them.
    headers: tuple[tuple[str, str], ...]
    body: AsyncIterator[bytes]


class PresignedEndpoint(Protocol):
    """Carries out presigned requests whose signature has been verified."""

    async def receive_part(self, claim: PartClaim, body: AsyncIterator[bytes]) -> StoredPart:
        """Store the part durably, verifying it while it streams. The same bytes again are accepted.

        Raises `PartDamaged` (other bytes or another length; nothing was kept), `ObjectMissing` (the upload has ended
        or is not one for this key), `StoreFull`, `StoreUnavailable`; what `body` raises goes through.
        """
        ...

    async def serve(self, claim: FileClaim, *, byte_range: str | None = None, if_range: str | None = None) -> Served:
        """The object as a download. `byte_range` and `if_range` are the headers `Range` and `If-Range` as sent.

        Raises `ObjectMissing`, `StoreUnavailable`; the body raises `ObjectChanged` when it is replaced meanwhile.
        """
        ...
