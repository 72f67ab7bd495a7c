"""A server that enforces the example policies: each service can do its work, and nothing beside it."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing

import pytest

from services.kernel.clock import SystemClock
from services.kernel.ids import TimeOrderedIds
from services.kernel.storage.port import StorageError, StoreUnavailable
from services.kernel.storage.s3 import S3Store, starting
from services.kernel.storage.s3.client import Credentials
from tests.object_server import ObjectServer, running
from tests.unit.deploy.s3_policies import BUCKET, policies

Stores = Mapping[str, S3Store]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """One with room for a policy of four services."""
    with running(tmp_path_factory.mktemp("versitygw"), beside=True) as started:
        yield started


@pytest.fixture(scope="module")
def accounts(server: ObjectServer) -> Mapping[str, Credentials]:
    return {service: server.account(service) for service in policies()}


@pytest.fixture
async def stores(server: ObjectServer, accounts: Mapping[str, Credentials]) -> AsyncIterator[Stores]:
    """One bucket, with the policies of all services as its own: what an account may is then decided by the server."""
    address = server.fresh(versioned=True)
    statements = [
        {
            **statement,
            "Sid": f"{service}-{statement['Sid']}",
            "Principal": {"AWS": [accounts[service].access_key]},
            "Resource": [r.replace(BUCKET, f"arn:aws:s3:::{address.bucket}") for r in statement["Resource"]],
        }
        for service, policy in policies().items()
        for statement in policy["Statement"]
    ]
    whole = json.dumps({"Version": "2012-10-17", "Statement": statements})
    server.client.put_bucket_policy(Bucket=address.bucket, Policy=whole)
    made = {
        service: S3Store(address, account, SystemClock(), TimeOrderedIds()) for service, account in accounts.items()
    }
    yield made
    for store in made.values():
        store.close()


@pytest.mark.parametrize("service", sorted(policies()))
async def test_every_service_can_start(stores: Stores, service: str) -> None:
    await starting.check(stores[service], deadline_s=0)
    await stores[service].probe()


async def test_a_file_goes_its_way(stores: Stores) -> None:
    upload, video, pdfcheck = (stores[name] for name in ("upload", "video", "pdfcheck"))
    await upload.put("staging/a", b"draft")
    await upload.copy("staging/a", "evidence/a")
    await upload.delete("staging/a")
    for reader in (upload, video, pdfcheck):
        assert await reader.read("evidence/a", 0, 9) == b"draft"
    for service, key in ((video, "derived/video/a"), (pdfcheck, "derived/pdfcheck/a")):
        await service.put(key, b"made")
        await service.delete(key)
    await stores["review"].put("anchors/a", b"heads")


@pytest.mark.parametrize(
    ("service", "key"),
    [
        ("upload", "derived/video/a"),
        ("upload", "anchors/a"),
        ("video", "evidence/a"),
        ("video", "staging/a"),
        ("video", "derived/pdfcheck/a"),
        ("pdfcheck", "derived/video/a"),
        ("review", "evidence/a"),
        ("review", "other/a"),
    ],
)
async def test_it_puts_nothing_where_it_has_no_business(stores: Stores, service: str, key: str) -> None:
    with pytest.raises(StoreUnavailable, match="AccessDenied"):
        await stores[service].put(key, b"x")


async def test_evidence_and_anchors_are_deleted_by_nobody(stores: Stores) -> None:
    await stores["upload"].put("evidence/a", b"kept")
    await stores["review"].put("anchors/a", b"kept")
    for store in stores.values():
        for key in ("evidence/a", "anchors/a"):
            with pytest.raises(StorageError):
                await store.delete(key)
    async with aclosing(stores["upload"].stream("evidence/a")) as stream:
        assert await anext(stream) == b"kept"


async def test_drafts_are_nothing_to_the_audit(stores: Stores) -> None:
    await stores["upload"].put("staging/a", b"draft")
    with pytest.raises(StoreUnavailable):
        await stores["review"].read("staging/a", 0, 1)
