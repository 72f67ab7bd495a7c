"""Parts written where they will stand: one file per upload, which becomes the object by a link instead of a copy.

When an upload says how large its parts are, the place of each within the whole is known. A part is then written there
once, and an empty file `<number>-<size>-<sha256>` says that it is whole; without that file its region means nothing.
Whoever writes a region holds a lock on it, whoever makes the object holds one on everything, so that no byte changes
under a published object. Where this cannot be had (no such locks, another size, a region that is taken) the part goes
into a slot of its own as always, and the object is joined by copying.
"""

import contextlib
import fcntl
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from services.kernel.storage.localdir.disk import sync_folder
from services.kernel.storage.port import StoredPart

#: The file and the folder of marks within an upload's folder.
FILE, MARKS = "laid", "marks"
#: Locks that belong to an open file, not to a process: two threads exclude each other too.
SUPPORTED = hasattr(fcntl, "F_OFD_SETLK")
_FLOCK = "hhqqi4x"
_NUMBER_DIGITS = 5


def try_lock(handle: int, offset: int, length: int) -> bool:
    """Lock a region for writing until `handle` is closed; length 0 means everything. False when it is taken."""
    request = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, offset, length, 0)
    try:
        fcntl.fcntl(handle, fcntl.F_OFD_SETLK, request)
    except BlockingIOError:
        return False
    return True


class Region:
    """A part being written in its place. Takes the same steps as a draft."""

    def __init__(self, handle: int, offset: int) -> None:
        """`handle` is open and holds the region's lock; it is closed here."""
        self._handle = handle
        self._at = offset

    def open(self) -> "Region":
        """Nothing is left to do."""
        return self

    def write(self, data: bytes) -> None:
        """Write `data` after what was written before."""
        left = memoryview(data)
        while left:
            written = os.pwrite(self._handle, left, self._at)
            left, self._at = left[written:], self._at + written

    def seal(self, marks: Path, part: StoredPart) -> None:
        """Make the bytes durable, then the mark for them. Raises `FileNotFoundError` when the upload ended."""
        os.fdatasync(self._handle)
        mark = os.open(marks / _name(part), os.O_CREAT | os.O_WRONLY, 0o600)
        os.close(mark)
        sync_folder(marks)

    def close(self) -> None:
        """Give the region up."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def take(folder: Path, offset: int, length: int) -> Region | None:
    """A region of the upload in `folder`, None when it cannot be had: somebody writes it, or the object is made."""
    try:
        handle = os.open(folder / FILE, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    if try_lock(handle, offset, length) and os.fstat(handle).st_nlink == 1:
        return Region(handle, offset)
    os.close(handle)
    return None


@contextlib.contextmanager
def whole(folder: Path) -> Iterator[int | None]:
    """The file with everything locked, None when it cannot be had."""
    try:
        handle = os.open(folder / FILE, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield None
        return
    try:
        yield handle if try_lock(handle, 0, 0) else None
    finally:
        os.close(handle)


def marked(marks: Path) -> dict[int, StoredPart]:
    """The parts that are whole, by number; none for an upload that lays nothing."""
    try:
        names = [entry.name for entry in marks.iterdir()]
    except FileNotFoundError:
        return {}
    return {part.number: part for part in map(_part, names)}


def _name(part: StoredPart) -> str:
    return f"{part.number:0{_NUMBER_DIGITS}d}-{part.size_bytes}-{part.sha256}"


def _part(name: str) -> StoredPart:
    number, size_bytes, sha256 = name.split("-")
    return StoredPart(number=int(number), size_bytes=int(size_bytes), sha256=sha256, etag=sha256)
