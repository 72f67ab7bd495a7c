"""A store is tried out before a service begins: what it lacks is said, and what it must have is insisted on."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from services.kernel import wiring
from services.kernel.clock import SystemClock
from services.kernel.config import ServiceSettings
from services.kernel.errors import AppError
from services.kernel.ids import TimeOrderedIds
from services.kernel.storage.s3 import S3Store, starting
from services.kernel.storage.s3.address import Address
from services.kernel.storage.s3.client import Credentials
from services.kernel.storage.s3.probing import ONCE_KEY, Capabilities
from tests.fault_proxy import Fault, Proxy, fates
from tests.integration.kernel.s3.conftest import opened
from tests.object_server import ROOT, ObjectServer

WHOLE = Capabilities(
    conditional_put=True,
    conditional_join=True,
    verified_parts=True,
    listed_digests=True,
    versioned=False,
    locked=False,
)


async def refusal(store: S3Store) -> AppError:
    with pytest.raises(AppError) as refused:
        await starting.check(store, deadline_s=0)
    return refused.value


async def test_what_a_server_can_do_is_found_out_twice_and_leaves_one_object(store: S3Store) -> None:
    for _ in range(2):
        assert await starting.check(store, deadline_s=0) == WHOLE
    assert [info.key async for info in store.list("")] == [ONCE_KEY]
    await store.probe()
    assert [info.key async for info in store.list("")] == [ONCE_KEY]


@pytest.mark.parametrize("locked", [True, False])
async def test_versions_and_locks_are_told(object_server: ObjectServer, locked: bool) -> None:
    store = opened(object_server.fresh(versioned=True, locked=locked))
    found = await starting.check(store, deadline_s=0)
    assert found == replace(WHOLE, versioned=True, locked=locked)
    assert found.missed == (() if locked else ("locked",))
    store.close()


def forget(name: str, call: str, store: S3Store) -> None:
    """Make the server one that does not know a parameter of a call: it never hears of it."""

    def drop(params: dict[str, Any], **_: Any) -> None:
        params.pop(name, None)

    store._client.meta.events.register(f"provide-client-params.s3.{call}", drop)


@pytest.mark.parametrize(
    ("unheard", "lacking"),
    [
        ({"PutObject": "IfNoneMatch"}, "conditional_put"),
        ({"CompleteMultipartUpload": "IfNoneMatch"}, "conditional_join"),
        ({"CreateMultipartUpload": "ChecksumAlgorithm", "UploadPart": "ChecksumSHA256"}, "verified_parts"),
        ({"CreateMultipartUpload": "ChecksumAlgorithm", "UploadPart": "ChecksumSHA256"}, "listed_digests"),
    ],
)
async def test_a_server_that_overwrites_or_does_not_verify_is_refused(
    store: S3Store, unheard: Mapping[str, str], lacking: str
) -> None:
    for call, name in unheard.items():
        forget(name, call, store)
    refused = await refusal(store)
    assert refused.code == "storage.not-capable"
    assert lacking in str(refused.params["lacking"])


async def test_without_its_bucket_nothing_begins(bucket: Address) -> None:
    store = opened(replace(bucket, bucket="not-there"))
    refused = await refusal(store)
    assert (refused.code, refused.params["bucket"]) == ("storage.no-bucket", "not-there")
    store.close()


async def test_a_wrong_account_is_not_waited_for_beyond_the_deadline(bucket: Address) -> None:
    other = Credentials(access_key=ROOT.access_key, secret_key="wrong")
    store = S3Store(bucket, other, SystemClock(), TimeOrderedIds())
    refused = await refusal(store)
    assert (refused.code, refused.retryable) == ("storage.unavailable", True)
    assert "wrong" not in str(refused)
    store.close()


async def test_a_server_that_comes_late_is_waited_for(shaky: S3Store, proxy: Proxy) -> None:
    proxy.plan = fates(*[Fault.RESET_BEFORE] * 5)
    assert await starting.check(shaky, deadline_s=60) == WHOLE
    assert len(proxy.faults) == 5


async def test_a_bucket_is_made_once_and_lets_its_pages_send(object_server: ObjectServer) -> None:
    settings = ServiceSettings(
        objects=object_server.url("made-by-wiring"),
        objects_access_key=ROOT.access_key,
        objects_secret_key=ROOT.secret_key,
        public_url="https://shenbao.test/somewhere",
    )
    for _ in range(2):
        wiring.make_bucket(settings)
    store = wiring.open_storage(settings, SystemClock(), TimeOrderedIds())
    assert isinstance(store, S3Store)
    assert (await starting.check(store, deadline_s=0)).versioned
    store.close()
    assert wiring.objects_origin(settings) == object_server.endpoint
    assert wiring.open_endpoint(settings, SystemClock(), TimeOrderedIds()) is None
