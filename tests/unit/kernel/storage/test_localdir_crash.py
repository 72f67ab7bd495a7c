"""`kill -9` before any system call that changes the disk leaves the old state or the new one, and no rubbish."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from services.kernel.storage.localdir import LocalDir
from services.kernel.storage.port import ObjectExists, ObjectMissing
from tests.unit.kernel.storage import crash_driver as driver


async def content(store: LocalDir, key: str) -> bytes | None:
    try:
        return b"".join([chunk async for chunk in store.stream(key)])
    except ObjectMissing:
        return None


#: Contents of the two objects; number and size of the parts of every upload.
State = tuple[list[bytes | None], list[list[tuple[int, int]]]]


async def state(store: LocalDir) -> State:
    objects = [await content(store, driver.KEY), await content(store, driver.OTHER)]
    uploads = []
    async for key, upload_id in store.stale_uploads(driver.FAR):
        parts = await store.list_parts(key, upload_id)
        uploads.append([(part.number, part.size_bytes) for part in parts])
    return objects, uploads


SIZES = [(1, len(driver.FIRST)), (2, len(driver.LAST))]
WHOLE = driver.FIRST + driver.LAST
#: Per step: the states that may be found, the last of them when it has been done.
ALLOWED: dict[str, list[State]] = {
    "put": [([None, None], []), ([driver.NEW, None], [])],
    "overwrite": [([driver.OLD, None], []), ([driver.NEW, None], [])],
    "copy": [([driver.OLD, None], []), ([driver.OLD, driver.OLD], [])],
    "delete": [([driver.OLD, None], []), ([None, None], [])],
    "create": [([None, None], []), ([None, None], [[]])],
    "part": [([None, None], [[]]), ([None, None], [[(1, len(driver.NEW))]])],
    "part-again": [([None, None], [[(1, len(driver.OLD))]]), ([None, None], [[(1, len(driver.NEW))]])],
    "complete": [([None, None], [SIZES]), ([WHOLE, None], [SIZES]), ([WHOLE, None], [])],
    "abort": [([None, None], [SIZES]), ([None, None], [])],
}


async def repeat(step: str, store: LocalDir, found: State) -> None:
    """Do the step again, as its caller does after a crash; what is done already may say so."""
    if found == ALLOWED[step][-1] and step in ("create", "complete", "abort"):
        return
    try:
        await driver.STEPS[step][1](store)
    except ObjectExists:
        assert found == ALLOWED[step][-1]


def drive(folder: Path, step: str) -> int:
    """Make the stores, each killed one call later than the one before; returns how many."""
    command = [sys.executable, driver.__file__, str(folder), step]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("step", list(driver.STEPS))
async def test_a_kill_leaves_the_old_or_the_new(step: str, tmp_path: Path) -> None:
    tried = await asyncio.to_thread(drive, tmp_path, step)
    assert tried > 3
    seen = []
    for number in range(tried):
        folder = tmp_path / str(number)
        store = driver.open_store(folder)
        try:
            assert len(list((folder / "tmp").iterdir())) == 1, "what was left in tmp is swept"
            seen.append(await state(store))
            assert seen[-1] in ALLOWED[step], number
            await repeat(step, store, seen[-1])
            assert await state(store) == ALLOWED[step][-1]
        finally:
            store.close()
    order = [ALLOWED[step].index(one) for one in seen]
    assert order == sorted(order), "once done it stays done"
    assert set(order) == set(range(len(ALLOWED[step])))
