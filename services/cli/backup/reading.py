"""Reads a backup. Nothing is ever unpacked by a name that stands in it, and no link is followed. All calls block."""

import io
import os
import stat
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from services.cli.backup.members import FOLDER, MANIFEST, NAME, damaged
from services.kernel.errors import AppError, Kind

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Reader(Protocol):
    """A backup being read."""

    def sizes(self) -> Mapping[str, int]:
        """Name → bytes of every member. Raises `AppError` backup.damaged for anything that is no member."""
        ...

    def reading(self, name: str) -> AbstractContextManager[BinaryIO]:
        """A member that `sizes` told of."""
        ...

    def close(self) -> None:
        """Let the file go."""
        ...


def reader_for(source: Path) -> Reader:
    """Raises `AppError` backup.not-one, for what is neither such a folder nor such a file."""
    if source.is_dir() and (source / MANIFEST).is_file():
        return FolderReader(source)
    if source.is_file():
        with suppress(tarfile.TarError, OSError):
            return TarReader(source)
    raise AppError("backup.not-one", Kind.INVALID, place=str(source))


class FolderReader:
    """A folder; links are never followed."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read yet."""
        self._folder = folder

    def sizes(self) -> Mapping[str, int]:
        """See the port."""
        found: dict[str, int] = {}
        for at, folders, files in os.walk(self._folder):
            for name in (*folders, *files):
                path = Path(at) / name
                place, known = path.relative_to(self._folder).as_posix(), path.lstat()
                if stat.S_ISDIR(known.st_mode) and FOLDER.fullmatch(place):
                    continue
                if not stat.S_ISREG(known.st_mode) or not NAME.fullmatch(place):
                    raise damaged(place, measured="not a member", allowed="members only")
                found[place] = known.st_size
        return found

    @contextmanager
    def reading(self, name: str) -> Iterator[BinaryIO]:
        """See the port."""
        with os.fdopen(os.open(self._folder / name, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            yield file

    def close(self) -> None:
        """See the port."""


class TarReader:
    """One file; nothing is ever unpacked by its name."""

    def __init__(self, path: Path) -> None:
        """Raises `tarfile.TarError`."""
        self._path = path
        self._tar = tarfile.open(path, "r:")  # noqa: SIM115 - closed by `close`
        self._members: dict[str, tarfile.TarInfo] = {}

    def sizes(self) -> Mapping[str, int]:
        """See the port."""
        size_bytes = self._path.stat().st_size
        try:
            for member in self._tar:
                if not member.isreg() or not NAME.fullmatch(member.name) or member.name in self._members:
                    raise damaged(member.name[:100], measured="not a member", allowed="members only, each once")
                if member.offset_data + member.size > size_bytes:
                    raise damaged(member.name, measured=f"{size_bytes} B", allowed="more: the file was cut")
                self._members[member.name] = member
        except (tarfile.TarError, OSError) as error:
            raise damaged(self._path.name, measured=str(error)[:100], allowed="a whole tar file") from error
        return {name: member.size for name, member in self._members.items()}

    @contextmanager
    def reading(self, name: str) -> Iterator[BinaryIO]:
        """See the port."""
        member = self._members[name]
        with self._path.open("rb") as file:
            file.seek(member.offset_data)
            yield io.BufferedReader(_Part(file, member.size))

    def close(self) -> None:
        """See the port."""
        self._tar.close()


class _Part(io.RawIOBase):
    """The next `left` bytes of a file."""

    def __init__(self, file: BinaryIO, left: int) -> None:
        self._file = file
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer") -> int:
        view = memoryview(buffer)
        data = self._file.read(min(len(view), self._left))
        view[: len(data)] = data
        self._left -= len(data)
        return len(data)
