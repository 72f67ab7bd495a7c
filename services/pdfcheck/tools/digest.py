"""The SHA-256 of a file while it is still being written from beginning to end: then it takes hardly longer."""

import hashlib
import mmap
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

#: Looked at in one go, mapped into memory. A writer that keeps the interpreter to itself lets it go only now and then;
#: digesting needs it once for each of these.
_WINDOW_BYTES = 8 * 2**20
#: Between looking for what has come: some megabytes are written meanwhile.
_PAUSE_S = 0.002


class Following:
    """Reads behind the writer."""

    def __init__(self) -> None:
        """Nothing read yet."""
        self._digest = hashlib.sha256()
        self._all_there = Event()

    def all_there(self) -> None:
        """Nothing more will be written."""
        self._all_there.set()

    def hexdigest(self) -> str:
        """Of the whole file, outside of :func:`following`."""
        return self._digest.hexdigest()

    def follow(self, handle: int) -> None:
        """Until everything is there and read."""
        begin = 0
        while True:
            last = self._all_there.is_set()
            end = min(os.fstat(handle).st_size, begin + _WINDOW_BYTES)
            whole = end - begin == _WINDOW_BYTES
            if whole or (last and end > begin):
                with mmap.mmap(handle, end - begin, access=mmap.ACCESS_READ, offset=begin) as window:
                    self._digest.update(window)
                begin = end
            elif last:
                return
            else:
                self._all_there.wait(_PAUSE_S)


@contextmanager
def following(path: Path) -> Iterator[Following]:
    """Of the file at `path`, which exists and only grows. At the end of the block what there is has been read.

    Raises what opening and mapping raise.
    """
    made = Following()
    with path.open("rb", buffering=0) as file, ThreadPoolExecutor(1) as beside:
        reading = beside.submit(made.follow, file.fileno())
        try:
            yield made
        finally:
            made.all_there()
        reading.result()
