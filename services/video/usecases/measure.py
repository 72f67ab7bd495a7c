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
        async with _begun(source) as begun:
            outcome = await sandbox.run(PROBE, {}, profile=VIDEO, sources=[begun])
    except LIMITS_HIT:
        problem = Problem(kind=ProblemKind.DAMAGED, reason=OUT_OF_RESOURCES)
        return Probe(size_bytes=source.size_bytes, bytes_read=0, facts=None, problem=problem)
    return from_plain(outcome.value if isinstance(outcome.value, dict) else {})


class _Begun:
    """A source whose first bytes are on their way."""

    def __init__(self, source: ByteSource, first: asyncio.Future[bytes]) -> None:
        self._source = source
        self._first = first
        self.size_bytes = source.size_bytes

    async def read(self, offset: int, length: int) -> bytes:
        if offset == 0 and length <= READ_AHEAD_BYTES:
            return (await asyncio.shield(self._first))[:length]
        return await self._source.read(offset, length)


@asynccontextmanager
async def _begun(source: ByteSource) -> AsyncIterator[_Begun]:
    """Ask for what every reading begins with while the sandbox still makes its child."""
    first = asyncio.ensure_future(source.read(0, READ_AHEAD_BYTES))
    try:
        yield _Begun(source, first)
    finally:
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
