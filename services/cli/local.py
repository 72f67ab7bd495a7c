"""Files named on the command line: opened once and safely, hashed, told apart; and the sandbox that reads them."""

import hashlib
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.catalogue.sniff import HEAD_BYTES, MediaType, media_type
from services.catalogue.wording import Lang
from services.kernel import telemetry
from services.kernel.sandbox.port import Sandbox
from services.kernel.sandbox.sandbox import FileSource, ForkingSandbox

_CHUNK_BYTES = 2**20
_SAID: dict[str, dict[Lang, str]] = {
    "missing": {"zh": "没有这个文件：{path}", "en": "There is no such file: {path}"},
    "directory": {
        "zh": "这是文件夹，不是文件：{path}。请逐个列出其中的文件。",
        "en": "This is a folder, not a file: {path}. Name the files in it.",
    },
    "special": {"zh": "这不是普通文件：{path}", "en": "This is not an ordinary file: {path}"},
    "unreadable": {
        "zh": "无法读取：{path}（{reason}）。请检查权限，或是否被其他程序占用。",
        "en": "Cannot be read: {path} ({reason}). Check its permissions and whether another program holds it.",
    },
}


class UnreadablePathError(Exception):
    """A path that names no readable ordinary file: exit code 2."""

    def __init__(self, path: Path, kind: str, reason: str = "") -> None:
        """`kind` is one of missing, directory, special, unreadable; `reason` is the system's."""
        super().__init__(kind)
        self.path = path
        self.kind = kind
        self.reason = reason

    def worded(self, lang: Lang) -> str:
        """What is wrong, in `lang`."""
        return _SAID[self.kind][lang].format(path=shown(self.path), reason=self.reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalFile:
    """An ordinary readable file and what its first bytes say that it is."""

    path: Path
    size_bytes: int
    media_type: MediaType

    @property
    def shown(self) -> str:
        """The path as it can be printed."""
        return shown(self.path)

    def source(self) -> FileSource:
        """Its bytes for the sandbox; close it afterwards. Raises :class:`UnreadablePathError`."""
        with _reading(self.path):
            return FileSource(self.path)

    def sha256(self, progress: Callable[[int], None] = lambda _: None) -> str:
        """The hash of the whole file, in hexadecimal; `progress` gets the bytes of each step.

        Raises :class:`UnreadablePathError`.
        """
        digest = hashlib.sha256()
        with _reading(self.path), self.path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
                progress(len(chunk))
        return digest.hexdigest()


def look_at(path: Path) -> LocalFile:
    """Open `path` without waiting on pipes or devices, read its head. Raises :class:`UnreadablePathError`."""
    with _reading(path):
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(handle)
            if stat.S_ISDIR(status.st_mode):
                raise UnreadablePathError(path, "directory")
            if not stat.S_ISREG(status.st_mode):
                raise UnreadablePathError(path, "special")
            head = os.pread(handle, HEAD_BYTES, 0)
        finally:
            os.close(handle)
    return LocalFile(path=path, size_bytes=status.st_size, media_type=media_type(head))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what the system says into an unreadable path."""
    try:
        yield
    except FileNotFoundError as error:
        raise UnreadablePathError(path, "missing") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise UnreadablePathError(path, "unreadable", reason or type(error).__name__) from error


def shown(path: Path) -> str:
    """A path as text that every terminal and JSON reader takes, whatever bytes it is made of."""
    return os.fsencode(path).decode("utf-8", "replace")


@asynccontextmanager
async def sandboxed(preload: Sequence[str]) -> AsyncIterator[Sandbox]:
    """The sandbox that the services use, for one command; what it logs goes to standard error, warnings and worse."""
    telemetry.configure(service="cli", level="WARNING")
    sandbox = ForkingSandbox(preload=preload)
    try:
        yield sandbox
    finally:
        await sandbox.close()
