"""Reading over a network that breaks: what was begun goes on, in the same object or not at all."""

import random

import pytest

from services.kernel.storage.port import ObjectChanged, StoreUnavailable
from services.kernel.storage.s3 import S3Store
from services.kernel.storage.s3.reading import MOST_RESUMES
from tests.fault_proxy import Fault, Proxy, fates, random_plan

KEY = "derived/a"
BODY = random.Random(1).randbytes(3 * 2**20 + 7)


async def test_a_read_that_is_reset_within_goes_on_where_it_was(store: S3Store, shaky: S3Store, proxy: Proxy) -> None:
    await store.put(KEY, BODY)
    proxy.plan = fates(*[Fault.RESET_WITHIN] * 3, only="GET ")
    assert await shaky.read(KEY, 1, len(BODY)) == BODY[1:]
    assert proxy.faults == [Fault.RESET_WITHIN] * 3


async def test_it_goes_on_in_the_same_object_only(store: S3Store, shaky: S3Store, proxy: Proxy) -> None:
    await store.put(KEY, BODY)
    stream = shaky.stream(KEY)
    long = BODY * 4
    await store.put(KEY, long, if_absent=False)
    assert await anext(stream)
    await store.put(KEY, BODY, if_absent=False)
    with pytest.raises(ObjectChanged):
        async for _ in stream:
            pass


async def test_what_always_breaks_is_given_up(store: S3Store, shaky: S3Store, proxy: Proxy) -> None:
    await store.put(KEY, BODY)
    proxy.plan = lambda _number, line: Fault.RESET_WITHIN if line.startswith("GET ") else Fault.NONE
    with pytest.raises(StoreUnavailable):
        await shaky.read(KEY, 0, 2**40)
    assert len(proxy.faults) == MOST_RESUMES + 1


async def test_a_stream_survives_a_network_that_fails_now_and_then(
    store: S3Store, shaky: S3Store, proxy: Proxy
) -> None:
    long = BODY * 8
    await store.put(KEY, long)
    proxy.plan = random_plan(1, {Fault.RESET_WITHIN: 0.3, Fault.ERROR: 0.2, Fault.RESET_BEFORE: 0.1})
    assert b"".join([chunk async for chunk in shaky.stream(KEY)]) == long
    assert proxy.faults


async def test_an_overloaded_server_is_asked_again_and_then_away(store: S3Store, shaky: S3Store, proxy: Proxy) -> None:
    known = await store.put(KEY, b"x")
    proxy.plan = fates(Fault.ERROR, Fault.ERROR)
    assert await shaky.head(KEY) == known
    proxy.plan = lambda _number, _line: Fault.ERROR
    with pytest.raises(StoreUnavailable) as away:
        await shaky.head(KEY)
    assert away.value.retryable
    with pytest.raises(StoreUnavailable):
        await shaky.probe()
