"""Where files are written before anybody sees them, and what is left of them when a process was killed.

Several processes share one store. Each works in a folder of its own under `tmp` and holds a lock on it; the kernel
drops the lock with the process, so a folder that can be locked is a dead one's and is swept.
"""

import fcntl
import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from services.kernel.storage.localdir.disk import append, make_folders, read_range, sync_folder, write_all

_PIECE_BYTES = 4 * 2**20


class Workspace:
    """This process's folder under `tmp`."""

    def __init__(self, tmp: Path, name: str) -> None:
        """Sweep what dead processes left, then take the folder `name`, which nobody had before."""
        make_folders(tmp)
        self.folder = tmp / name
        self._numbers = itertools.count()
        with _locked(tmp):
            for left in tmp.iterdir():
                _sweep(left)
            self.folder.mkdir(mode=0o700)
            self._lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def path(self) -> Path:
        """A name in this process's folder that was not used before."""
        return self.folder / str(next(self._numbers))

    def discard(self, folder: Path) -> None:
        """Move `folder` out of sight in one step, make that durable, then delete it. Missing is no error."""
        trash = self.path()
        try:
            folder.rename(trash)
        except FileNotFoundError:
            return
        sync_folder(folder.parent)
        shutil.rmtree(trash, ignore_errors=True)

    def close(self) -> None:
        """Give the folder up."""
        if self._lock >= 0:
            shutil.rmtree(self.folder, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1


class Draft:
    """A file being written where nobody sees it, alone in a folder that is then put in place as a whole."""

    def __init__(self, folder: Path) -> None:
        """Nothing is made before `open`, so that `close` tidies up wherever the writing was broken off."""
        self.folder = folder
        self._file = folder / "data"
        self._handle = -1

    def open(self) -> Self:
        """Make the folder and an empty file in it."""
        self.folder.mkdir(mode=0o700)
        self._handle = os.open(self._file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        return self

    def write(self, data: bytes) -> None:
        """Append `data`."""
        write_all(self._handle, data)

    def link(self, source: Path) -> None:
        """Make the folder, and in it the file `source` under one more name: nothing is copied."""
        self.folder.mkdir(mode=0o700)
        os.link(source, self._file, follow_symlinks=False)
        self._handle = os.open(self._file, os.O_RDWR | os.O_NOFOLLOW)

    def append_range(self, source: Path, offset: int, length: int) -> None:
        """Append a range of the file `source`, which must hold it."""
        with source.open("rb") as file:
            while length:
                piece = read_range(file.fileno(), offset, min(length, _PIECE_BYTES))
                if not piece:
                    raise OSError("a laid part is shorter than its mark says")
                self.write(piece)
                offset, length = offset + len(piece), length - len(piece)

    def append(self, source: int) -> int:
        """Append the rest of the open file `source`; returns its bytes."""
        return append(source, self._handle)

    def append_excerpt(self, source: int, offset: int, length: int) -> int:
        """Append a range of the open file `source`; returns its bytes, fewer only where it ends."""
        os.lseek(source, offset, os.SEEK_SET)
        return append(source, self._handle, length)

    def stat(self) -> os.stat_result:
        """Size and time of what was written."""
        return os.fstat(self._handle)

    def seal(self, name: str) -> Path:
        """Make content and `name` durable, still unseen, and return the folder."""
        os.fsync(self._handle)
        self._file = self._file.rename(self.folder / name)
        sync_folder(self.folder)
        return self.folder

    def close(self) -> None:
        """Close, and remove what was not put in place."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def _locked(tmp: Path) -> Iterator[None]:
    """One process at a time takes or sweeps folders, so that none is swept between its making and its lock."""
    handle = os.open(tmp, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sweep(left: Path) -> None:
    try:
        handle = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except NotADirectoryError:
        left.unlink()
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(left)
    finally:
        os.close(handle)
