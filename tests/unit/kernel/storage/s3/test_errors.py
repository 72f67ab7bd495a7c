"""Every answer of a server, in the words of the port."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError, ResponseStreamingError
from urllib3.exceptions import SSLError

from services.kernel.storage.port import (
    ObjectChanged,
    ObjectExists,
    ObjectMissing,
    PartDamaged,
    PartTooSmall,
    StorageError,
    StoreFull,
    StoreUnavailable,
)
from services.kernel.storage.s3.errors import BadRange, OtherWriter, translated


def answer(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Call")  # type: ignore[typeddict-item]  # what is read of it


@pytest.mark.parametrize(
    ("code", "status", "meaning"),
    [
        ("NoSuchKey", 404, ObjectMissing),
        ("NoSuchUpload", 404, ObjectMissing),
        ("404", 404, ObjectMissing),
        ("NoSuchBucket", 404, StoreUnavailable),
        ("BadDigest", 400, PartDamaged),
        ("XAmzContentChecksumMismatch", 400, PartDamaged),
        ("InvalidPart", 400, PartDamaged),
        ("EntityTooSmall", 400, PartTooSmall),
        ("EntityTooLarge", 400, StoreFull),
        ("QuotaExceeded", 403, StoreFull),
        ("XMinioStorageFull", 507, StoreFull),
        ("Unheard-of", 507, StoreFull),
        ("InvalidRange", 416, BadRange),
        ("ConditionalRequestConflict", 409, OtherWriter),
        ("SlowDown", 503, StoreUnavailable),
        ("InternalError", 500, StoreUnavailable),
        ("AccessDenied", 403, StoreUnavailable),
        ("RequestTimeTooSkewed", 403, StoreUnavailable),
    ],
)
def test_an_error_of_the_server_has_its_meaning(code: str, status: int, meaning: type[StorageError]) -> None:
    with pytest.raises(StorageError) as raised, translated("k"):
        raise answer(code, status)
    assert type(raised.value) is meaning


@pytest.mark.parametrize("meaning", [ObjectExists, ObjectChanged])
@pytest.mark.parametrize("code", ["PreconditionFailed", "412"])
def test_a_failed_precondition_means_what_the_step_asked(meaning: type[StorageError], code: str) -> None:
    with pytest.raises(meaning), translated("k", meaning):
        raise answer(code, 412)


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="http://x"),
        ResponseStreamingError(error="reset"),
        SSLError("no"),
        ConnectionResetError(),
        TimeoutError(),
    ],
)
def test_a_broken_network_is_an_outage_that_may_pass(error: Exception) -> None:
    with pytest.raises(StoreUnavailable) as raised, translated("k"):
        raise error
    assert raised.value.retryable


def test_a_mistake_of_ours_is_none_of_the_store() -> None:
    with pytest.raises(ParamValidationError), translated("k"):
        raise ParamValidationError(report="x")


def test_what_the_caller_raises_goes_through() -> None:
    with pytest.raises(FileNotFoundError), translated("k"):
        raise FileNotFoundError
