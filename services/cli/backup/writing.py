"""Writes a backup, as a folder or as one file, beside its target; it is renamed when it is whole. All calls block."""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from services.kernel.errors import AppError, Kind

_COPY_BYTES = 2**20


class Sink(Protocol):
    """Takes a member's bytes."""

    def write(self, data: bytes, /) -> int:
        """All of them, in order."""
        ...


class Writer(Protocol):
    """A backup being written."""

    #: A folder for files that `adopt` takes.
    scratch: Path

    def writing(self, name: str, size_bytes: int) -> AbstractContextManager[Sink]:
        """A member of exactly that size; of a block that raises nothing is kept. Raises `WrongSize`."""
        ...

    def adopt(self, name: str, path: Path) -> None:
        """Make a file of the scratch folder a member."""
        ...

    def finish(self) -> None:
        """Make it durable and put it in its place."""
        ...

    def discard(self) -> None:
        """Leave nothing behind; after `finish` nothing is done."""
        ...


class WrongSize(Exception):
    """A member was announced with another size."""


def writer_for(target: Path) -> Writer:
    """A folder, or one file for a name that ends in `.tar`. Raises `AppError` backup.target-exists; `OSError`."""
    if target.exists() or target.is_symlink():
        raise AppError("backup.target-exists", Kind.CONFLICT, place=str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    return TarWriter(target) if target.suffix == ".tar" else FolderWriter(target)


class FolderWriter:
    """A backup as a folder: each member is a file."""

    def __init__(self, target: Path) -> None:
        """Nothing is at `target` before `finish`."""
        self._target = target
        self._folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        self.scratch = self._folder

    @contextmanager
    def writing(self, name: str, size_bytes: int) -> Iterator[Sink]:
        """See the port."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("xb") as file:
                yield file
                _check_size(file.tell(), size_bytes)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def adopt(self, name: str, path: Path) -> None:
        """See the port."""
        path.rename(self._folder / name)

    def finish(self) -> None:
        """See the port."""
        for at, _, files in os.walk(self._folder):
            for name in files:
                sync(Path(at) / name)
            sync(Path(at))
        self._folder.rename(self._target)
        sync(self._target.parent)

    def discard(self) -> None:
        """See the port."""
        shutil.rmtree(self._folder, ignore_errors=True)


class TarWriter:
    """A backup as one file."""

    def __init__(self, target: Path) -> None:
        """Nothing is at `target` before `finish`."""
        self._target = target
        self.scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        self._path = self.scratch / "whole.tar"
        self._file = self._path.open("xb")
        self._path.chmod(0o600)

    @contextmanager
    def writing(self, name: str, size_bytes: int) -> Iterator[Sink]:
        """See the port."""
        begin = self._file.tell()
        header = tarfile.TarInfo(name)
        header.size, header.mode = size_bytes, 0o600
        try:
            self._file.write(header.tobuf(tarfile.PAX_FORMAT))
            first = self._file.tell()
            yield self._file
            _check_size(self._file.tell() - first, size_bytes)
            self._file.write(b"\0" * (-size_bytes % tarfile.BLOCKSIZE))
        except BaseException:
            self._file.seek(begin)
            self._file.truncate()
            raise

    def adopt(self, name: str, path: Path) -> None:
        """See the port."""
        with path.open("rb") as file, self.writing(name, path.stat().st_size) as sink:
            while chunk := file.read(_COPY_BYTES):
                sink.write(chunk)
        path.unlink()

    def finish(self) -> None:
        """See the port."""
        self._file.write(b"\0" * (2 * tarfile.BLOCKSIZE))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.rename(self._target)
        sync(self._target.parent)
        self.discard()

    def discard(self) -> None:
        """See the port."""
        self._file.close()
        shutil.rmtree(self.scratch, ignore_errors=True)


def _check_size(written: int, announced: int) -> None:
    if written != announced:
        raise WrongSize(f"{written} bytes, announced were {announced}")


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, last."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
