"""A store in a fresh bucket of a real server, and one that reaches it over a network that fails."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from services.kernel.clock import SystemClock
from services.kernel.ids import TimeOrderedIds
from services.kernel.storage.port import MIN_PART_BYTES
from services.kernel.storage.s3 import S3Store
from services.kernel.storage.s3.address import Address
from tests.fault_proxy import Proxy, proxying
from tests.object_server import ROOT, ObjectServer


def opened(address: Address) -> S3Store:
    """A store whose parts are as small as they may be."""
    return S3Store(
        address, ROOT, SystemClock(), TimeOrderedIds(), put_part_bytes=MIN_PART_BYTES, copy_part_bytes=MIN_PART_BYTES
    )


@pytest.fixture
def bucket(object_server: ObjectServer) -> Address:
    return object_server.fresh()


@pytest.fixture
async def store(bucket: Address) -> AsyncIterator[S3Store]:
    """Over a network that works."""
    made = opened(bucket)
    yield made
    made.close()


@pytest.fixture
async def proxy(bucket: Address) -> AsyncIterator[Proxy]:
    async with proxying(bucket.endpoint) as running:
        yield running


@pytest.fixture
async def shaky(bucket: Address, proxy: Proxy) -> AsyncIterator[S3Store]:
    """The same bucket by way of the proxy."""
    made = opened(replace(bucket, endpoint=proxy.url, public_endpoint=bucket.endpoint))
    yield made
    made.close()
