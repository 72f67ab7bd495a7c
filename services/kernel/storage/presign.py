"""Presigned URLs of the local object store, shaped like S3's: a holder may make exactly one request until it expires.

Pure: signing and verifying need a ring of keys and a clock, nothing else. The signature covers the method, the key
and every query parameter, so nothing can be added, dropped or altered; which part, which upload, the exact length
and the SHA-256 are such parameters.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import parse_qsl, quote, urlencode

from services.kernel.clock import Clock
from services.kernel.storage.keys import check_key, check_part
from services.kernel.storage.port import InvalidKey, PresignedRequest, PresignRefused

#: Under the base URL; the gateway mounts its endpoint here.
PARTS_PATH = "/objects/parts/"
FILES_PATH = "/objects/files/"
#: The digest header of S3: base64 of the 32 bytes.
DIGEST_HEADER = "x-amz-checksum-sha256"
#: S3's bound: a week.
MAX_EXPIRES_S = 7 * 24 * 3600
_MIN_SECRET_BYTES = 32


class Refusal(StrEnum):
    """Why a presigned request was refused; for the log. The sender is told 403 and no more."""

    #: Parameters missing, doubled or not numbers.
    MALFORMED = "malformed"
    #: Signed with a key that is not in the ring (any more).
    UNKNOWN_KEY = "unknown-key"
    #: Object, upload, part, length, digest, name or expiry is not what was signed.
    ALTERED = "altered"
    EXPIRED = "expired"
    OTHER_METHOD = "other-method"
    #: The body is announced with another length, or with none.
    OTHER_LENGTH = "other-length"
    #: The digest header is missing or is not the signed one.
    OTHER_DIGEST = "other-digest"


@dataclass(frozen=True, kw_only=True, slots=True)
class PresignKey:
    """One signing secret of at least 32 bytes; the first of a ring signs, every one verifies."""

    key_id: str
    secret: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PartClaim:
    """What a verified PUT may do: store exactly these bytes as this part of this upload."""

    key: str
    upload_id: str
    number: int
    size_bytes: int
    #: Hexadecimal.
    sha256: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class FileClaim:
    """What a verified GET or HEAD may do: fetch this object under this name and media type."""

    key: str
    filename: str
    media_type: str
    expires_at: datetime


class Signer:
    """Makes and verifies presigned requests with a ring of keys."""

    def __init__(self, keys: Sequence[PresignKey], clock: Clock) -> None:
        """`keys[0]` signs. Raises `ValueError` for an empty ring or a short secret."""
        if not keys or any(len(key.secret.encode()) < _MIN_SECRET_BYTES for key in keys):
            raise ValueError(f"a presigning ring needs at least one secret of {_MIN_SECRET_BYTES} bytes or more")
        self._secrets = {key.key_id: key.secret.encode() for key in keys}
        self._signing_id = keys[0].key_id
        self._clock = clock

    def sign_part(
        self, base_url: str, key: str, upload_id: str, *, number: int, size_bytes: int, sha256: str, expires_s: int
    ) -> PresignedRequest:
        """A PUT of one part below `base_url`. Raises `InvalidKey`; `ValueError` for an expiry beyond a week."""
        check_part(number, size_bytes, sha256)
        fields = {
            "uploadId": upload_id,
            "partNumber": str(number),
            "X-Length": str(size_bytes),
            "X-Sha256": sha256,
        }
        headers = ((DIGEST_HEADER, digest_header(sha256)),)
        return self._sign("PUT", base_url, PARTS_PATH, key, fields, headers, expires_s)

    def sign_file(self, base_url: str, key: str, *, filename: str, media_type: str, expires_s: int) -> PresignedRequest:
        """A download below `base_url`. Raises `InvalidKey`; `ValueError` for an expiry beyond a week."""
        fields = {"filename": filename, "mediaType": media_type}
        return self._sign("GET", base_url, FILES_PATH, key, fields, (), expires_s)

    def verify_part(
        self, *, method: str, key: str, query: str, content_length: int | None, digest: str | None
    ) -> PartClaim:
        """What the request may do. `key` is the decoded path below `PARTS_PATH`, `query` the raw query string,
        `digest` the value of `DIGEST_HEADER`. Raises `PresignRefused`.
        """
        if method != "PUT":
            raise PresignRefused(Refusal.OTHER_METHOD)
        fields, expires_at = self._verified("PUT", PARTS_PATH, key, query)
        try:
            claim = PartClaim(
                key=key,
                upload_id=fields["uploadId"],
                number=int(fields["partNumber"]),
                size_bytes=int(fields["X-Length"]),
                sha256=fields["X-Sha256"],
                expires_at=expires_at,
            )
        except (KeyError, ValueError) as error:
            raise PresignRefused(Refusal.MALFORMED) from error
        if content_length != claim.size_bytes:
            raise PresignRefused(Refusal.OTHER_LENGTH)
        if not hmac.compare_digest((digest or "").encode(), digest_header(claim.sha256).encode()):
            raise PresignRefused(Refusal.OTHER_DIGEST)
        return claim

    def verify_file(self, *, method: str, key: str, query: str) -> FileClaim:
        """What the request may do; `key` and `query` as in `verify_part`. Raises `PresignRefused`."""
        if method not in ("GET", "HEAD"):
            raise PresignRefused(Refusal.OTHER_METHOD)
        fields, expires_at = self._verified("GET", FILES_PATH, key, query)
        try:
            return FileClaim(
                key=key, filename=fields["filename"], media_type=fields["mediaType"], expires_at=expires_at
            )
        except KeyError as error:
            raise PresignRefused(Refusal.MALFORMED) from error

    def _sign(
        self,
        method: str,
        base_url: str,
        path: str,
        key: str,
        fields: Mapping[str, str],
        headers: tuple[tuple[str, str], ...],
        expires_s: int,
    ) -> PresignedRequest:
        if not 0 < expires_s <= MAX_EXPIRES_S:
            raise ValueError(f"a presigned URL lives 1..{MAX_EXPIRES_S} s, not {expires_s}")
        expires = int(self._clock.now().timestamp()) + expires_s
        signed = {**fields, "X-Key": self._signing_id, "X-Expires": str(expires)}
        signature = _signature(self._secrets[self._signing_id], method, path + check_key(key), signed)
        query = urlencode({**signed, "X-Signature": signature}, quote_via=quote)
        return PresignedRequest(
            method=method,
            url=f"{base_url.rstrip('/')}{path}{quote(key)}?{query}",
            headers=headers,
            expires_at=datetime.fromtimestamp(expires, UTC),
        )

    def _verified(self, method: str, path: str, key: str, query: str) -> tuple[Mapping[str, str], datetime]:
        """The signed parameters and the expiry, the signature being right and not expired."""
        fields = _fields(query)
        signature = fields.pop("X-Signature", "")
        if not signature or "X-Key" not in fields:
            raise PresignRefused(Refusal.MALFORMED)
        secret = self._secrets.get(fields["X-Key"])
        if secret is None:
            raise PresignRefused(Refusal.UNKNOWN_KEY)
        if not hmac.compare_digest(_signature(secret, method, path + key, fields).encode(), signature.encode()):
            raise PresignRefused(Refusal.ALTERED)
        try:
            check_key(key)
            expires_at = datetime.fromtimestamp(int(fields["X-Expires"]), UTC)
        except (KeyError, ValueError, InvalidKey) as error:
            raise PresignRefused(Refusal.MALFORMED) from error
        if self._clock.now() >= expires_at:
            raise PresignRefused(Refusal.EXPIRED)
        return fields, expires_at


def digest_header(sha256: str) -> str:
    """The value of `DIGEST_HEADER` for a hexadecimal SHA-256."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def _fields(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=16)
    except ValueError as error:
        raise PresignRefused(Refusal.MALFORMED) from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise PresignRefused(Refusal.MALFORMED)
    return fields


def _signature(secret: bytes, method: str, path: str, fields: Mapping[str, str]) -> str:
    """HMAC-SHA256 over an encoding that can be read in one way only."""
    canonical = "\n".join(
        ("shenbao-presign-1", method, quote(path), urlencode(sorted(fields.items()), quote_via=quote))
    )
    return hmac.new(secret, canonical.encode(), hashlib.sha256).hexdigest()
