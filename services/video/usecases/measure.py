"""Measures one video in the sandbox; what the sandbox had to stop becomes a problem of the file."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.kernel.sandbox.port import LIMITS_HIT, VIDEO, ByteSource, Sandbox
from services.video.domain.bmff.source import READ_AHEAD_BYTES
from services.video.domain.facts import Probe, Problem, ProblemKind, from_plain

#: What the sandbox calls. Preload the modules.
PROBE = "services.video.tools.probe:probe"
PRELOAD = ("services.video.tools.probe",)
#: The reason of a file that took more memory, time or bytes than any honest video does.
OUT_OF_RESOURCES = "resources"


async def measure(sandbox: Sandbox, source: ByteSource) -> Probe:
    """The facts of `source`, whatever it holds.

    Raises `SandboxFailed` (a bug of ours), `ZygoteLost` (retryable), `UnreadableProbe` (the child answered nonsense)
    and whatever the source raises.
    """
    try:
        async with _ahead(source) as ahead:
            outcome = await sandbox.run(PROBE, {}, profile=VIDEO, sources=[ahead])
    except LIMITS_HIT:
        problem = Problem(kind=ProblemKind.DAMAGED, reason=OUT_OF_RESOURCES)
        return Probe(size_bytes=source.size_bytes, bytes_read=0, facts=None, problem=problem)
    return from_plain(outcome.value if isinstance(outcome.value, dict) else {})


class _Ahead:
    """A source whose first bytes are asked for at once, and its last ones with the first that lie in its second half:
    there an index begins at which the file ends, and what is looked for last stands at its end.
    """

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self.size_bytes = source.size_bytes
        self._last_offset = max(0, source.size_bytes - READ_AHEAD_BYTES)
        self._asked: dict[int, asyncio.Future[bytes]] = {}
        self._ask(0)

    def _ask(self, offset: int) -> None:
        if offset not in self._asked:
            self._asked[offset] = asyncio.ensure_future(self._source.read(offset, READ_AHEAD_BYTES))

    async def read(self, offset: int, length: int) -> bytes:
        if 2 * offset > self.size_bytes and offset < self._last_offset:
            self._ask(self._last_offset)
        for begins, asked in self._asked.items():
            if begins <= offset and offset + length <= begins + READ_AHEAD_BYTES:
                return (await asyncio.shield(asked))[offset - begins :][:length]
        return await self._source.read(offset, length)

    async def close(self) -> None:
        for asked in self._asked.values():
            asked.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)


@asynccontextmanager
async def _ahead(source: ByteSource) -> AsyncIterator[_Ahead]:
    found = _Ahead(source)
    try:
        yield found
    finally:
        await found.close()
