"""What the server or the network says, in the words of the port: the only place where codes of S3 are known."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from urllib3.exceptions import HTTPError

from services.kernel.storage.port import (
    ObjectMissing,
    PartDamaged,
    PartTooSmall,
    StorageError,
    StoreFull,
    StoreUnavailable,
)

_MISSING = frozenset({"NoSuchKey", "NoSuchUpload", "NotFound", "404"})
_REFUSED = frozenset({"PreconditionFailed", "412"})
_DAMAGED = frozenset(
    {
        "BadDigest", "IncompleteBody", "InvalidDigest", "InvalidPart", "InvalidPartOrder",
        "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch",
    }
)  # fmt: skip
_SMALL = frozenset({"EntityTooSmall"})
_FULL = frozenset(
    {
        "EntityTooLarge", "InsufficientCapacity", "InsufficientStorage", "QuotaExceeded", "ServiceQuotaExceeded",
        "StorageFull", "XMinioAdminBucketQuotaExceeded", "XMinioStorageFull",
    }
)  # fmt: skip
_INSUFFICIENT_STORAGE = 507
_BAD_RANGE = 416
_CONFLICT = 409


class OtherWriter(StoreUnavailable):
    """Somebody else writes under the same key now (409): what comes of it is seen in a moment."""


class BadRange(StorageError):
    """No byte of the range exists (416); the object is there."""


@contextmanager
def translated(key: str, refused: type[StorageError] = StorageError) -> Iterator[None]:
    """`refused` is what a failed precondition (412) of this step means."""
    try:
        yield
    except ClientError as error:
        raise _of_answer(error, key, refused) from error
    except ParamValidationError:
        raise  # a mistake of this package
    except (BotoCoreError, HTTPError, ConnectionError, TimeoutError) as error:
        raise StoreUnavailable(type(error).__name__) from error


def code_of(error: ClientError) -> str:
    """The server's code, or the HTTP status where an answer has no body."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _of_answer(error: ClientError, key: str, refused: type[StorageError]) -> StorageError:
    code = code_of(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    for codes, meaning in ((_MISSING, ObjectMissing), (_REFUSED, refused)):
        if code in codes:
            return meaning(key)
    for codes, meaning in ((_DAMAGED, PartDamaged), (_FULL, StoreFull), (_SMALL, PartTooSmall)):
        if code in codes:
            return meaning(code)
    if status == _INSUFFICIENT_STORAGE:
        return StoreFull(code)
    return {_BAD_RANGE: BadRange, _CONFLICT: OtherWriter}.get(status, StoreUnavailable)(code)
