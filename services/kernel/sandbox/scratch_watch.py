"""How much stands in a scratch folder. The system limits each file; nothing but looking limits all of them."""

import asyncio
import os
from pathlib import Path

_EVERY_S = 0.2
#: What an empty file costs: so that many of them count as well.
_ENTRY_BYTES = 4096


async def until_overflow(folder: Path, limit_bytes: int) -> None:
    """Return when the folder has grown by more than `limit_bytes`; a task may write a little more meanwhile."""
    before = await asyncio.to_thread(occupied_bytes, folder)
    while await asyncio.to_thread(occupied_bytes, folder) - before <= limit_bytes:
        await asyncio.sleep(_EVERY_S)


def occupied_bytes(folder: Path) -> int:
    """Space taken below `folder`, links not followed; what goes away meanwhile does not count."""
    total = 0
    for path, folders, files in os.walk(folder):
        total += _ENTRY_BYTES * (len(folders) + len(files))
        for name in files:
            try:
                total += os.lstat(f"{path}/{name}").st_blocks * 512
            except FileNotFoundError:
                continue
    return total
