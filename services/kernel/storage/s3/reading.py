"""Reading that goes on where it was broken off, in exactly the object in which it began."""

import asyncio
from collections.abc import AsyncGenerator

from services.kernel.storage.port import StoreUnavailable
from services.kernel.storage.s3.steps import Steps
from services.kernel.storage.threads import Threads

#: So often in one range; the connection's own attempts to get an answer at all come on top.
MOST_RESUMES = 5
_FIRST_PAUSE_S = 0.05
#: A stream is a row of ranges: nothing stays open while its reader is busy.
_STREAM_BYTES = 8 * 2**20


class Reader:
    """Ranges and streams of a bucket's objects."""

    def __init__(self, threads: Threads, steps: Steps) -> None:
        """Both stay the caller's."""
        self._threads = threads
        self._steps = steps

    async def read(self, key: str, offset: int, length: int, etag: str | None) -> bytes:
        """As the port; `ValueError` for a negative range."""
        return (await self._range(key, offset, length, etag))[0]

    async def stream(self, key: str, chunk_bytes: int) -> AsyncGenerator[bytes, None]:
        """As the port. Raises `ObjectChanged` when it is replaced meanwhile."""
        etag: str | None = None
        offset = 0
        while True:
            data, etag = await self._range(key, offset, _STREAM_BYTES, etag)
            for start in range(0, len(data), chunk_bytes):
                yield data[start : start + chunk_bytes]
            offset += len(data)
            if len(data) < _STREAM_BYTES:
                return

    async def _range(self, key: str, offset: int, length: int, etag: str | None) -> tuple[bytes, str]:
        """The bytes, and the etag of the object that they are from ("" where that was not said)."""
        if offset < 0 or length < 0:
            raise ValueError(f"a range of {length} bytes from {offset}")
        if length == 0:
            return b"", (await self._threads.ask(self._steps.head, key, etag)).info.etag
        got = bytearray()
        for resumed in range(MOST_RESUMES + 1):
            if resumed:
                await asyncio.sleep(_FIRST_PAUSE_S * 2**resumed)
            fetched = await self._threads.ask(self._steps.fetch, key, offset + len(got), length - len(got), etag)
            got += fetched.data
            etag = fetched.etag or etag
            if not fetched.broken or len(got) == length:
                return bytes(got), etag or ""
        raise StoreUnavailable("the connection broke again and again")
