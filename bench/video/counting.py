"""Stands between everybody and the object server, and counts what goes to and fro: bytes and requests."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event

_PIECE_BYTES = 2**16


@dataclass(frozen=True, slots=True)
class Counted:
    """What one reading cost: bytes of answers with their heads, and requests."""

    bytes_sent: int
    requests: int
    #: By whoever asked, with the heads of requests.
    bytes_taken: int


class Counter:
    """Of everything since the last `take`."""

    def __init__(
        self, url: str, sent: "Synchronized[int]", asked: "Synchronized[int]", taken: "Synchronized[int]"
    ) -> None:
        """`url` is where the counting endpoint answers."""
        self.url = url
        self._sent, self._asked, self._taken = sent, asked, taken

    def take(self) -> Counted:
        """What was counted, and begin anew."""
        with self._sent.get_lock(), self._asked.get_lock(), self._taken.get_lock():
            found = Counted(self._sent.value, self._asked.value, self._taken.value)
            self._sent.value = self._asked.value = self._taken.value = 0
        return found


@contextmanager
def counting(port: int, upstream: int) -> Iterator[Counter]:
    """A process of its own forwards `port` to `upstream`, both on 127.0.0.1."""
    sent = multiprocessing.Value("Q", 0)
    asked = multiprocessing.Value("Q", 0)
    taken = multiprocessing.Value("Q", 0)
    ready = multiprocessing.Event()
    process = multiprocessing.Process(target=_run, args=(port, upstream, sent, asked, taken, ready), daemon=True)
    process.start()
    try:
        if not ready.wait(20):
            raise RuntimeError("the counting endpoint does not start")
        yield Counter(f"http://127.0.0.1:{port}", sent, asked, taken)
    finally:
        process.terminate()
        process.join()


def _run(
    port: int, upstream: int, sent: "Synchronized[int]", asked: "Synchronized[int]", taken: "Synchronized[int]",
    ready: Event,
) -> None:  # fmt: skip
    asyncio.run(_serve(port, upstream, sent, asked, taken, ready))


async def _serve(
    port: int, upstream: int, sent: "Synchronized[int]", asked: "Synchronized[int]", taken: "Synchronized[int]",
    ready: Event,
) -> None:  # fmt: skip
    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", upstream)
        ways = [
            asyncio.ensure_future(_carry(reader, there_writer, taken, asked)),
            asyncio.ensure_future(_carry(there_reader, writer, sent, None)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for each in (writer, there_writer):
            each.close()

    server = await asyncio.start_server(carry, "127.0.0.1", port)
    ready.set()
    async with server:
        await server.serve_forever()


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, carried: "Synchronized[int]",
    requests: "Synchronized[int] | None",
) -> None:  # fmt: skip
    try:
        while piece := await reader.read(_PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
            with carried.get_lock():
                carried.value += len(piece)
            if requests is not None:
                with requests.get_lock():
                    requests.value += piece.count(b" HTTP/1.1\r\n")
    except ConnectionError:
        return
