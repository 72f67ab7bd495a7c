"""One child's side of the talk: what it asks for, within its budget; nothing that it says is trusted."""

import asyncio
import errno
import json
import socket
import time
from collections.abc import Sequence

from services.kernel.sandbox import wire
from services.kernel.sandbox.port import (
    ByteSource,
    Json,
    Profile,
    Progress,
    SandboxBudget,
    SandboxCrashed,
    SandboxError,
    SandboxFailed,
    SandboxMemory,
    SandboxTimeout,
    SourceSlow,
)


async def within(dialogue: "Dialogue", order: object, wall_s: float) -> Json:
    """The dialogue's value. Raises `SandboxTimeout`, or `SourceSlow` when the sources took most of the time."""
    deadline = asyncio.timeout(wall_s)
    try:
        async with deadline:
            return await dialogue.run(order)
    except TimeoutError as error:
        if not deadline.expired():  # a source's own
            raise
        raise SourceSlow if dialogue.waited_s > wall_s / 2 else SandboxTimeout("wall clock") from error


class Dialogue:
    """Serves one child until it sends its value."""

    def __init__(
        self,
        connection: socket.socket,
        sources: Sequence[ByteSource],
        profile: Profile,
        progress: Progress | None,
        handles: Sequence[int] = (),
    ) -> None:
        """`connection` leads to the child; `progress` hears its fractions. `handles` are sent along with the order and
        stay the caller's.
        """
        self._handles = handles
        self._connection = connection
        self._sources = sources
        self._budget = profile.read_budget_bytes
        self._progress = progress
        self.bytes_read = 0
        #: How long the sources kept the child waiting.
        self.waited_s = 0.0

    async def run(self, order: object) -> Json:
        """Send the order, answer what is asked, return the value. Raises `SandboxError`, `wire.WireClosed`."""
        reader, writer = await asyncio.open_connection(sock=self._connection.dup())
        try:
            body = json.dumps(order).encode()
            wire.send_header(self._connection, len(body), self._handles)
            await _send(writer, body, header=False)
            while True:
                message = await _message(reader)
                if "read" in message:
                    await _send(writer, await self._bytes(message["read"]))
                elif "progress" in message:
                    if self._progress is not None and isinstance(message["progress"], int | float):
                        self._progress(min(1.0, max(0.0, float(message["progress"]))))
                elif "value" in message:
                    return message["value"]
                else:
                    raise _failure(message)
        finally:
            writer.close()

    async def _bytes(self, wanted: Json) -> bytes:
        match wanted:
            case [int(index), int(offset), int(length)] if 0 <= index < len(self._sources) and offset >= 0:
                source = self._sources[index]
            case _:
                raise SandboxCrashed("not a request")
        length = max(0, min(length, wire.MAX_READ_BYTES, source.size_bytes - offset))
        if self.bytes_read + length > self._budget:
            raise SandboxBudget(f"more than {self._budget} bytes asked for")
        if not length:
            return b""
        started = time.monotonic()
        try:
            data = await source.read(offset, length)
        finally:
            self.waited_s += time.monotonic() - started
        self.bytes_read += len(data)
        return data


async def _send(writer: asyncio.StreamWriter, body: bytes, *, header: bool = True) -> None:
    try:
        writer.write(wire.pack(body) if header else body)
        await writer.drain()
    except ConnectionError as error:
        raise wire.WireClosed from error


async def _message(reader: asyncio.StreamReader) -> dict[str, Json]:
    """What the child says, which may be anything."""
    try:
        length = wire.length_of(await reader.readexactly(wire.HEADER_BYTES))
        if length > wire.MAX_FRAME_BYTES:
            raise SandboxBudget(f"a result of {length} bytes")
        body = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise wire.WireClosed from error
    try:
        message = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise SandboxCrashed("not a message") from error
    if not isinstance(message, dict):
        raise SandboxCrashed("not a message")
    return message


def _no_number(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _failure(message: dict[str, Json]) -> SandboxError:
    if message.get("memory"):
        return SandboxMemory()
    kind, detail = str(message.get("raised", "")), str(message.get("detail", ""))
    if kind == "OSError" and f"[Errno {errno.ENOMEM}]" in detail:  # the address space has no room for a mapping
        return SandboxMemory()
    if kind == "OSError" and f"[Errno {errno.EFBIG}]" in detail:
        return SandboxBudget("file size limit")
    if kind == wire.FrameTooLarge.__name__:
        return SandboxBudget(detail)
    return SandboxFailed(kind[:100], detail)
