"""What a server is able to do, tried out: "S3-compatible" promises nothing.

Every role of the platform may write under `probe/` (see `deploy/s3`). No more than one object is ever left there.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from services.kernel.storage.port import ObjectExists, ObjectMissing, PartDamaged, StorageError, StoreUnavailable
from services.kernel.storage.s3.errors import translated
from services.kernel.storage.s3.multipart import Multipart, NoDigests
from services.kernel.storage.s3.steps import Steps, digest

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

#: Written by whoever came first and by nobody again: a second try must be refused.
ONCE_KEY = "probe/write-once"
_BYTES = b"probe"


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What was found out. Without the first four the port's promises cannot be kept."""

    #: A put with `If-None-Match: *` overwrites nothing.
    conditional_put: bool
    #: Nor does the joining of parts.
    conditional_join: bool
    #: A part whose bytes are not those of its digest is refused.
    verified_parts: bool
    #: The listing of parts tells their digests.
    listed_digests: bool
    #: What is replaced or deleted stays as a version; None when the server does not tell us.
    versioned: bool | None
    #: Versions cannot be removed before their time; None when the server does not tell us.
    locked: bool | None

    @property
    def lacking(self) -> tuple[str, ...]:
        """Names of what must be there and is not."""
        needed = ("conditional_put", "conditional_join", "verified_parts", "listed_digests")
        return tuple(name for name in needed if not getattr(self, name))

    @property
    def missed(self) -> tuple[str, ...]:
        """Names of what would be good for evidence and is not there, or not known to be."""
        return tuple(name for name in ("versioned", "locked") if not getattr(self, name))


class Prober:
    """Tries a bucket out, blocking."""

    def __init__(self, client: "S3Client", bucket: str, steps: Steps, multipart: Multipart) -> None:
        """The client stays the caller's."""
        self._client = client
        self._bucket = bucket
        self._steps = steps
        self._multipart = multipart

    def capabilities(self) -> Capabilities:
        """Raises `ObjectMissing` when there is no such bucket, `StoreUnavailable` also for an account that may not."""
        with translated(self._bucket):
            self._client.head_bucket(Bucket=self._bucket)
        conditional_put = self._refuses_second_put()
        upload_id = self._multipart.open(ONCE_KEY, {})
        try:
            verified_parts = self._refuses_damage(upload_id)
            listed_digests, conditional_join = self._parts_and_join(upload_id)
        finally:
            self._multipart.abort(ONCE_KEY, upload_id)
        return Capabilities(
            conditional_put=conditional_put,
            conditional_join=conditional_join,
            verified_parts=verified_parts,
            listed_digests=listed_digests,
            versioned=_told(self._versioned),
            locked=_told(self._locked),
        )

    def probe(self) -> None:
        """A part is stored, listed and thrown away. Raises `StoreUnavailable`, `StoreFull`."""
        try:
            upload_id = self._multipart.open(ONCE_KEY, {})
            try:
                self._multipart.send(ONCE_KEY, upload_id, 1, _BYTES)
                self._multipart.parts(ONCE_KEY, upload_id)
            finally:
                self._multipart.abort(ONCE_KEY, upload_id)
        except ObjectMissing as error:
            raise StoreUnavailable("no such bucket") from error

    def _refuses_second_put(self) -> bool:
        for _ in range(2):
            try:
                self._steps.put(ONCE_KEY, _BYTES, {}, if_absent=True)
            except ObjectExists:
                return True
        return False

    def _refuses_damage(self, upload_id: str) -> bool:
        try:
            with translated(ONCE_KEY):
                self._client.upload_part(
                    Bucket=self._bucket, Key=ONCE_KEY, UploadId=upload_id, PartNumber=1, Body=_BYTES,
                    ChecksumSHA256=digest(b"other"),
                )  # fmt: skip
        except PartDamaged:
            return True
        return False

    def _parts_and_join(self, upload_id: str) -> tuple[bool, bool]:
        """Whether digests are listed, and whether joining overwrites nothing."""
        sent = self._multipart.send(ONCE_KEY, upload_id, 1, _BYTES)
        try:
            listed = [part.sha256 for part in self._multipart.parts(ONCE_KEY, upload_id)] == [sent.sha256]
        except NoDigests:
            listed = False
        try:
            self._multipart.join(ONCE_KEY, upload_id, [sent if listed else replace(sent, sha256="")], if_absent=True)
        except ObjectExists:
            return listed, True
        return listed, False

    def _versioned(self) -> bool:
        return self._client.get_bucket_versioning(Bucket=self._bucket).get("Status") == "Enabled"

    def _locked(self) -> bool:
        found = self._client.get_object_lock_configuration(Bucket=self._bucket)
        return found["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled"


def _told(ask: Callable[[], bool]) -> bool | None:
    """None when the server refuses to tell (it knows no such call, or we may not ask); 404 is a plain no."""
    try:
        with translated(""):
            return ask()
    except StorageError as error:
        cause = error.__cause__
        status = cause.response["ResponseMetadata"]["HTTPStatusCode"] if isinstance(cause, ClientError) else 0
        return False if status == 404 else None
