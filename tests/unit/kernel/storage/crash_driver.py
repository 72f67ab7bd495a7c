"""Run as a program: does one step on a store and kills itself at the n-th system call that changes the disk.

Usage: crash_driver.py FOLDER STEP. For n = 0, 1, 2, … a fresh store is made in FOLDER/<n> and a forked child is killed
before its n-th such call, until a child comes through. Prints how many stores it made. The wrapping is done here, in
the test; the product knows nothing of it.
"""

import asyncio
import hashlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import cast

from services.kernel.ids import TimeOrderedIds
from services.kernel.storage.localdir import LocalDir
from services.kernel.storage.port import MIN_PART_BYTES, StoredPart
from services.kernel.storage.presign import PartClaim, PresignKey, Signer

CALLS = ("write", "copy_file_range", "fsync", "rename", "mkdir", "rmdir", "unlink", "link")
KEY, OTHER = "a/b/object", "evidence/object"
OLD, NEW = b"old content", b"new content, longer"
FIRST, LAST = b"1" * MIN_PART_BYTES, b"2"

FAR = datetime(2100, 1, 1, tzinfo=UTC)

Step = Callable[[LocalDir], Awaitable[object]]


class StoppedClock:
    """It is always the same moment."""

    def now(self) -> datetime:
        return datetime(2023, 6, 1, tzinfo=UTC)


def open_store(folder: Path) -> LocalDir:
    clock = StoppedClock()
    signer = Signer([PresignKey(key_id="test", secret="s" * 32)], clock)
    return LocalDir(folder, signer, "http://store.test", clock, TimeOrderedIds(), threads=1)


async def the_upload(store: LocalDir) -> tuple[str, tuple[StoredPart, ...]]:
    [(key, upload_id)] = [found async for found in store.stale_uploads(FAR)]
    return upload_id, tuple(await store.list_parts(key, upload_id))


async def send(store: LocalDir, upload_id: str, number: int, body: bytes) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield body

    sha256 = hashlib.sha256(body).hexdigest()
    claim = PartClaim(key=KEY, upload_id=upload_id, number=number, size_bytes=len(body), sha256=sha256, expires_at=FAR)
    await store.receive_part(claim, pieces())


async def nothing(_: LocalDir) -> None:
    return


async def put_old(store: LocalDir) -> None:
    await store.put(KEY, OLD)


async def open_upload(store: LocalDir) -> None:
    await store.create_upload(KEY)


async def send_old_part(store: LocalDir) -> None:
    await send(store, await store.create_upload(KEY), 1, OLD)


async def send_new_part(store: LocalDir) -> None:
    await send(store, (await the_upload(store))[0], 1, NEW)


async def send_both_parts(store: LocalDir) -> None:
    upload_id = await store.create_upload(KEY)
    await send(store, upload_id, 1, FIRST)
    await send(store, upload_id, 2, LAST)


async def complete(store: LocalDir) -> None:
    await store.complete_upload(KEY, *await the_upload(store))


async def abort(store: LocalDir) -> None:
    await store.abort_upload(KEY, (await the_upload(store))[0])


#: Name of a step: what is there before, and the step.
STEPS: dict[str, tuple[Step, Step]] = {
    "put": (nothing, lambda store: store.put(KEY, NEW)),
    "overwrite": (put_old, lambda store: store.put(KEY, NEW, if_absent=False)),
    "copy": (put_old, lambda store: store.copy(KEY, OTHER)),
    "delete": (put_old, lambda store: store.delete(KEY)),
    "create": (nothing, open_upload),
    "part": (open_upload, send_new_part),
    "part-again": (send_old_part, send_new_part),
    "complete": (send_both_parts, complete),
    "abort": (send_both_parts, abort),
}


def kill_before(number: int) -> None:
    """Wrap the calls of `os` so that the process dies before the `number`-th of them (from 0)."""
    made = 0
    for name in CALLS:
        real = cast("Callable[..., object]", getattr(os, name))

        def wrapped(*args: object, _real: Callable[..., object] = real, **kwargs: object) -> object:
            nonlocal made
            if made == number:
                os.kill(os.getpid(), signal.SIGKILL)
            made += 1
            return _real(*args, **kwargs)

        setattr(os, name, wrapped)


def in_child(run: Callable[[], None]) -> int:
    """The wait status of a forked child that does `run`."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            run()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


def do(folder: Path, step: Step, kill_at: int | None) -> None:
    """Open the store and do the step; the store is never closed, as in a killed process."""

    async def whole() -> None:
        await step(store)

    store = open_store(folder)
    if kill_at is not None:
        kill_before(kill_at)
    asyncio.run(whole())


def main(folder: Path, name: str) -> None:
    before, step = STEPS[name]
    number = 0
    while True:
        store = folder / str(number)
        if in_child(partial(do, store, before, None)) != 0:
            raise SystemExit("the preparation failed")
        status = in_child(partial(do, store, step, number))
        number += 1
        if status == 0:
            break
        if not os.WIFSIGNALED(status):
            raise SystemExit("the step failed instead of being killed")
    sys.stdout.write(str(number))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
