"""What `make stack` and `deploy/compose` set up at a real versitygw: every service can start with its account."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from services.kernel.clock import SystemClock
from services.kernel.ids import TimeOrderedIds
from services.kernel.storage.port import StorageError
from services.kernel.storage.s3 import S3Store, starting
from services.kernel.storage.s3.address import parse
from services.kernel.storage.s3.client import Credentials
from tests.object_server import ROOT, ObjectServer, running
from tools.stack import bucket

ORIGIN = "https://pages.test"
SECRETS = {service: f"{service}-secret-for-tests-only" for service in bucket.STORING}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    with running(tmp_path_factory.mktemp("versitygw"), beside=True) as started:
        yield started


def store(url: str, service: str, secret: str = "") -> S3Store:
    known = Credentials(access_key=service, secret_key=secret or SECRETS[service])
    return S3Store(parse(url), known, SystemClock(), TimeOrderedIds())


async def test_every_service_can_start_and_again_after_a_repeat(server: ObjectServer) -> None:
    url = server.url("prepared-bucket")
    for _ in range(2):
        bucket.prepare(ROOT, parse(url), ORIGIN, SECRETS)
    for service in bucket.STORING:
        opened = store(url, service)
        await starting.check(opened, deadline_s=0)
        opened.close()
    rules = server.client.get_bucket_cors(Bucket="prepared-bucket")["CORSRules"]
    assert [rule["AllowedOrigins"] for rule in rules] == [[ORIGIN]]


async def test_an_account_has_its_own_rights_only(server: ObjectServer) -> None:
    url = server.url("narrow-bucket")
    bucket.prepare(ROOT, parse(url), ORIGIN, SECRETS)
    review, upload = store(url, "review"), store(url, "upload")
    await review.put("anchors/a", b"heads")
    with pytest.raises(StorageError):
        await review.put("evidence/a", b"forged")
    await upload.put("evidence/a", b"file")
    with pytest.raises(StorageError):
        await upload.delete("evidence/a")
    review.close()
    upload.close()


def test_a_wrong_administrator_is_refused(server: ObjectServer) -> None:
    address = parse(server.url("refused-bucket"))
    with pytest.raises(StorageError):
        bucket.prepare(Credentials(access_key="root", secret_key="wrong"), address, ORIGIN, SECRETS)


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [("", "403 .*SignatureDoesNotMatch"), ("http://127.0.0.1:1", "Could not connect")],
    ids=["wrong administrator", "no server"],
)
def test_an_account_that_cannot_be_made_is_told(server: ObjectServer, endpoint: str, said: str) -> None:
    address = parse(f"s3://any-bucket?endpoint={endpoint or server.endpoint}")
    wrong = Credentials(access_key=ROOT.access_key, secret_key="wrong")
    with pytest.raises(bucket.ObjectsFailed, match=f"(?s)no account for video: {said}"):
        bucket.make_account(wrong, address, Credentials(access_key="video", secret_key="a-secret"))


def run(environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tools.stack.bucket"], env=dict(environment), cwd=Path(bucket.__file__).parents[2],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_missing_setting_is_named() -> None:
    told = run({"SHENBAO_OBJECTS": "s3://shenbao?endpoint=http://127.0.0.1:1"})
    assert told.returncode == 2
    assert "OBJECTS_ROOT_KEY" in told.stderr
    assert "SHENBAO_OBJECTS," not in told.stderr


def test_a_wrong_url_is_refused_without_a_trace_of_secrets() -> None:
    keys = {f"OBJECTS_{service.upper()}_KEY": "a-secret" for service in bucket.STORING}
    told = run({**keys, "OBJECTS_ROOT_KEY": "a-secret", "SHENBAO_PUBLIC_URL": ORIGIN, "SHENBAO_OBJECTS": "s3://x y"})
    assert told.returncode == 1
    assert "settings.bad-objects-url" in told.stderr
    assert "a-secret" not in told.stderr
