"""A server between a client and a server that fails on purpose: for tests of what must survive a bad network.

Every HTTP request that passes is a *call*. A `Plan` decides from the call's number and first line what becomes of it:
it passes, it is answered with an error status without reaching the server, its connection is reset before the server
hears of it, after the server answered (a *lost answer*: the effect happened, nobody was told), or in the middle of the
answer's body. `random_plan` draws from a seed, so that a failing run can be repeated; a list names each call's fate.

It understands HTTP/1.1 as far as it must: one request at a time per connection, bodies by length or chunked, answers
that end by length, chunk or close. Other protocols can be carried with `raw=True`: then a connection is one call,
and only passing and resetting are possible.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

_PIECE_BYTES = 2**16
_HEAD_LIMIT_BYTES = 2**18


class Fault(StrEnum):
    """What becomes of a call."""

    NONE = "none"
    #: The proxy answers `Proxy.status` itself.
    ERROR = "error"
    #: The connection is reset; the server hears nothing.
    RESET_BEFORE = "reset-before"
    #: The server does what it is told and the connection is reset instead of its answer.
    LOST_ANSWER = "lost-answer"
    #: Half of the answer's body arrives, then the connection is reset.
    RESET_WITHIN = "reset-within"


#: (number of the call from 0, its first line such as "GET /a HTTP/1.1") → its fate.
Plan = Callable[[int, str], Fault]


def passes(_number: int, _line: str) -> Fault:
    """The plan under which nothing fails."""
    return Fault.NONE


def random_plan(seed: int, shares: Mapping[Fault, float]) -> Plan:
    """Each call fails with the given probability of each fault, by a generator of its own."""
    drawn = random.Random(seed)
    faults, weights = [*shares, Fault.NONE], [*shares.values(), 1 - sum(shares.values())]
    return lambda _number, _line: drawn.choices(faults, weights)[0]


def fates(*faults: Fault, only: str = "") -> Plan:
    """The first calls whose line contains `only` have these fates in turn; all others pass."""
    left = list(faults)
    return lambda _number, line: left.pop(0) if left and only in line else Fault.NONE


@dataclass(kw_only=True, slots=True)
class Proxy:
    """While it runs. `plan` may be changed between calls."""

    plan: Plan = passes
    #: What `Fault.ERROR` answers, and with which body.
    status: int = 503
    body: bytes = b""
    url: str = ""
    #: Every call with its fate, in order.
    calls: list[tuple[str, Fault]] = field(default_factory=list)

    @property
    def faults(self) -> Sequence[Fault]:
        """The fates of those that did not pass."""
        return [fault for _, fault in self.calls if fault is not Fault.NONE]

    def decide(self, line: str) -> Fault:
        """Ask the plan and note the call."""
        fault = self.plan(len(self.calls), line)
        self.calls.append((line, fault))
        return fault


@asynccontextmanager
async def proxying(upstream: str, plan: Plan = passes, *, raw: bool = False) -> AsyncIterator[Proxy]:
    """A proxy on a free loopback port before the server at `upstream` (`http://host:port` or `tcp://host:port`)."""
    target = urlsplit(upstream)
    proxy = Proxy(plan=plan)
    open_now: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_now.add(task)
        connection = _Connection(proxy, reader, writer, str(target.hostname), target.port or 80)
        try:
            # Cancelled at the end: asyncio's own streams complain of a handler that lets that through.
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
                await (connection.carry() if raw else connection.answer_all())
        finally:
            connection.close()
            open_now.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=_HEAD_LIMIT_BYTES)
    port = server.sockets[0].getsockname()[1]
    proxy.url = f"{target.scheme}://127.0.0.1:{port}"
    try:
        yield proxy
    finally:
        server.close()
        for task in open_now:
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)
        await server.wait_closed()


class _Connection:
    """One client's connection and the one to the server behind it."""

    def __init__(
        self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int
    ) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writer = writer
        self._host = host
        self._port = port
        self._behind: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def carry(self) -> None:
        """Bytes both ways until either side ends."""
        if self._proxy.decide("") is not Fault.NONE:
            return self._writer.transport.abort()
        reader, writer = await self._server()
        ways = [
            asyncio.create_task(_pour(self._reader, writer)),
            asyncio.create_task(_pour(reader, self._writer)),
        ]
        _, left = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in left:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        return None

    async def answer_all(self) -> None:
        """One request after the other."""
        while head := await _head(self._reader):
            line = head.split(b"\r\n", 1)[0].decode("latin-1")
            if not await self._answer(line, head, self._proxy.decide(line)):
                return

    async def _answer(self, line: str, head: bytes, fault: Fault) -> bool:
        """Whether the connection goes on."""
        if fault is Fault.RESET_BEFORE:
            self._writer.transport.abort()
            return False
        fields = _fields(head)
        if fault is Fault.ERROR:
            return await self._refuse(fields)
        reader, writer = await self._server()
        writer.write(head)
        if fields.get("expect", "").lower() == "100-continue":
            interim = await _head(reader)
            self._writer.write(interim)
            if b" 100 " not in interim[:16]:
                return False
        async for piece in _body(self._reader, fields):
            writer.write(piece)
            await writer.drain()
        return await self._pass_back(line, reader, fault)

    async def _pass_back(self, line: str, reader: asyncio.StreamReader, fault: Fault) -> bool:
        head = await _head(reader)
        if fault is Fault.LOST_ANSWER or not head:
            self._writer.transport.abort()
            return False
        fields = _fields(head)
        self._writer.write(head)
        status = int(head.split(b" ", 2)[1])
        if not line.startswith("HEAD ") and status not in (204, 304):
            half = int(fields.get("content-length", 2)) // 2
            async for piece in _body(reader, fields, answer=True):
                if fault is Fault.RESET_WITHIN:
                    self._writer.write(piece[:half])
                    half -= len(piece)
                    await self._writer.drain()
                    if half <= 0:
                        self._writer.transport.abort()
                        return False
                else:
                    self._writer.write(piece)
                    await self._writer.drain()
        await self._writer.drain()
        return fields.get("connection", "").lower() != "close"

    async def _refuse(self, fields: Mapping[str, str]) -> bool:
        """Answer with an error, as a server does that is too busy to read on: the connection ends."""
        if fields.get("expect", "").lower() != "100-continue":
            async for _ in _body(self._reader, fields):
                pass
        body = self._proxy.body
        told = f"HTTP/1.1 {self._proxy.status} Fault\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self._writer.write(told.encode() + body)
        await self._writer.drain()
        return False

    async def _server(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._behind is None:
            self._behind = await asyncio.open_connection(self._host, self._port, limit=_HEAD_LIMIT_BYTES)
        return self._behind

    def close(self) -> None:
        self._writer.close()
        if self._behind is not None:
            self._behind[1].close()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE_BYTES):
        writer.write(piece)
        await writer.drain()


async def _head(reader: asyncio.StreamReader) -> bytes:
    """A request's or an answer's head, with its empty line; b"" when the other side has ended."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def _fields(head: bytes) -> Mapping[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _body(
    reader: asyncio.StreamReader, fields: Mapping[str, str], *, answer: bool = False
) -> AsyncIterator[bytes]:
    """The bytes of a body as they were sent, chunk marks included; of an answer without a length, until it ends."""
    if "chunked" in fields.get("transfer-encoding", "").lower():
        async for piece in _chunks(reader):
            yield piece
    elif answer and "content-length" not in fields:
        while piece := await reader.read(_PIECE_BYTES):
            yield piece
    else:
        left = int(fields.get("content-length", 0))
        while left and (piece := await reader.read(min(left, _PIECE_BYTES))):
            left -= len(piece)
            yield piece


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        mark = await reader.readline()
        size_bytes = int(mark.split(b";")[0], 16)
        yield mark
        if size_bytes == 0:
            break
        yield await reader.readexactly(size_bytes + 2)
    while (line := await reader.readline()) not in (b"\r\n", b""):
        yield line
    yield b"\r\n"
