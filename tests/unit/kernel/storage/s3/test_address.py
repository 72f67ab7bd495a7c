"""The URL of an S3 store: what it may say, and that nothing secret ever stands in it or in what is said about it."""

import pytest

from services.kernel.errors import AppError
from services.kernel.storage.s3.address import Address, parse

ENDPOINT = "endpoint=http://127.0.0.1:7070"


def test_a_bucket_and_an_endpoint_are_enough() -> None:
    assert parse(f"s3://evidence?{ENDPOINT}") == Address(
        bucket="evidence",
        endpoint="http://127.0.0.1:7070",
        public_endpoint="http://127.0.0.1:7070",
        region="us-east-1",
        path_style=True,
        quota_bytes=None,
    )


def test_everything_may_be_said() -> None:
    address = parse(
        "s3://evidence?endpoint=http://store:9000&public_endpoint=HTTPS://Files.Example.org:443/&region=cn-north-1"
        "&path_style=false&quota_bytes=1024"
    )
    assert (address.endpoint, address.public_endpoint) == ("http://store:9000", "https://files.example.org")
    assert (address.region, address.path_style, address.quota_bytes) == ("cn-north-1", False, 1024)
    assert address.public_origin == "https://evidence.files.example.org"


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (f"s3://key:secret@evidence?{ENDPOINT}", "user:password@"),
        (f"s3://key@evidence?{ENDPOINT}", "user:password@"),
        (f"s3://?{ENDPOINT}", "bucket"),
        (f"s3://Evidence?{ENDPOINT}", "bucket"),
        (f"s3://ab?{ENDPOINT}", "bucket"),
        (f"s3://{'a' * 64}?{ENDPOINT}", "bucket"),
        (f"s3://evidence:9000?{ENDPOINT}", "bucket"),
        (f"s3://evidence/folder?{ENDPOINT}", "path or fragment"),
        (f"s3://evidence?{ENDPOINT}#x", "path or fragment"),
        ("s3://evidence", "endpoint"),
        ("s3://evidence?endpoint=", "endpoint"),
        ("s3://evidence?endpoint", "query"),
        ("s3://evidence?endpoint=ftp://store", "endpoint"),
        ("s3://evidence?endpoint=http://key:secret@store", "endpoint"),
        ("s3://evidence?endpoint=http://store/path", "endpoint"),
        ("s3://evidence?endpoint=http://store:99999", "endpoint"),
        ("s3://evidence?endpoint=http://sto;re", "endpoint"),
        (f"s3://evidence?{ENDPOINT}&public_endpoint='none'", "public_endpoint"),
        (f"s3://evidence?{ENDPOINT}&public_endpoint=https://a https://b", "public_endpoint"),
        (f"s3://evidence?{ENDPOINT}&{ENDPOINT}", "a parameter twice"),
        (f"s3://evidence?{ENDPOINT}&secret_key=secret", "another parameter"),
        (f"s3://evidence?{ENDPOINT}&region=a b", "region"),
        (f"s3://evidence?{ENDPOINT}&path_style=yes", "path_style"),
        (f"s3://evidence?{ENDPOINT}&quota_bytes=0", "quota_bytes"),
        (f"s3://evidence?{ENDPOINT}&quota_bytes=-1", "quota_bytes"),
        (f"s3://evidence?{ENDPOINT}&quota_bytes=1e3", "quota_bytes"),
        ("s3://[?endpoint=x", "no URL"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_repeated(url: str, found: str) -> None:
    with pytest.raises(AppError) as refused:
        parse(url)
    assert refused.value.code == "settings.bad-objects-url"
    assert refused.value.params["found"] == found
    assert "secret@" not in str(refused.value)
    assert "=secret" not in str(refused.value)


@pytest.mark.parametrize("quota", ["1", "999999999999999999"])
def test_a_quota_is_a_whole_number_from_1(quota: str) -> None:
    assert parse(f"s3://evidence?{ENDPOINT}&quota_bytes={quota}").quota_bytes == int(quota)
