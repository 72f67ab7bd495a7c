"""The proxy that fails on purpose fails as it was told, and otherwise not at all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.fault_proxy import Fault, Proxy, fates, proxying, random_plan

BODY = bytes(range(256)) * 4096


class Upstream:
    """An HTTP server that answers with the body it was sent, or with `BODY`, and counts."""

    def __init__(self) -> None:
        self.heard = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                self.heard += 1
                length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0]) if b"content-length" in head else 0
                body = await reader.readexactly(length) or BODY
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        writer.close()


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
async def address(upstream: Upstream) -> AsyncIterator[str]:
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@pytest.fixture
async def proxy(address: str) -> AsyncIterator[Proxy]:
    async with proxying(address) as running:
        yield running


@pytest.fixture
async def client(proxy: Proxy) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=proxy.url, trust_env=False) as made:
        yield made


async def test_what_passes_is_the_same(client: httpx.AsyncClient, proxy: Proxy) -> None:
    for body in (b"", b"x", BODY):
        assert (await client.put("/a", content=body)).content == (body or BODY)
    assert proxy.calls == [("PUT /a HTTP/1.1", Fault.NONE)] * 3


@pytest.mark.parametrize(
    ("fault", "reached"), [(Fault.RESET_BEFORE, 0), (Fault.LOST_ANSWER, 1), (Fault.RESET_WITHIN, 1)]
)
async def test_a_reset_comes_where_it_was_ordered(
    client: httpx.AsyncClient, proxy: Proxy, upstream: Upstream, fault: Fault, reached: int
) -> None:
    proxy.plan = fates(fault)
    with pytest.raises(httpx.TransportError):
        await client.put("/a", content=BODY)
    assert upstream.heard == reached
    assert (await client.put("/a", content=BODY)).content == BODY


async def test_an_error_is_answered_in_the_servers_stead(
    client: httpx.AsyncClient, proxy: Proxy, upstream: Upstream
) -> None:
    proxy.plan, proxy.status, proxy.body = fates(Fault.ERROR, only="PUT"), 507, b"full"
    assert (await client.get("/a")).status_code == 200
    answer = await client.put("/a", content=BODY)
    assert (answer.status_code, answer.content, upstream.heard) == (507, b"full", 1)
    assert proxy.faults == [Fault.ERROR]


def test_chance_is_repeatable() -> None:
    plans = [random_plan(seed, {Fault.ERROR: 0.5}) for seed in (1, 1, 2)]
    drawn = [[plan(number, "") for number in range(50)] for plan in plans]
    assert drawn[0] == drawn[1] != drawn[2]
    assert {*drawn[0]} == {Fault.ERROR, Fault.NONE}


async def test_any_protocol_is_carried_or_cut(address: str, upstream: Upstream) -> None:
    async with proxying(address, raw=True) as proxy:
        async with httpx.AsyncClient(base_url=proxy.url, trust_env=False) as client:
            assert (await client.get("/a")).content == BODY
        proxy.plan = fates(Fault.RESET_BEFORE)
        async with httpx.AsyncClient(base_url=proxy.url, trust_env=False) as client:
            with pytest.raises(httpx.TransportError):
                await client.get("/a")
    assert upstream.heard == 1
