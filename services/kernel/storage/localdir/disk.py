"""The few file system steps that durability rests on, each with its reason."""

import contextlib
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.kernel.storage.port import StorageError, StoreFull, StoreUnavailable

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
#: The kernel or this pair of file systems cannot copy by itself.
_NO_KERNEL_COPY = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM})
_COPY_STEP_BYTES = 2**26
_READ_STEP_BYTES = 2**20


@contextmanager
def translated() -> Iterator[None]:
    """What the operating system refuses, in the words of the port."""
    try:
        yield
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "unknown")
        if error.errno in _FULL:
            raise StoreFull(name) from error
        raise StoreUnavailable(name) from error


def sync_folder(folder: Path) -> None:
    """Make the entries of `folder` survive a power loss: syncing a file does not sync its name.

    A folder that somebody has removed meanwhile has nothing to keep.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folders(folder: Path) -> None:
    """`mkdir -p`, readable by the owner only, each new name synced.

    Raises `FileNotFoundError` when somebody prunes a folder while the next is made in it. A name that is there already
    is none of this function's errors: it may be gone again before anybody can look what it was.
    """
    if folder.is_dir():
        return
    make_folders(folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    sync_folder(folder.parent)


def prune(folder: Path, stop: Path) -> None:
    """Remove `folder` and the folders above it as far as they are empty; `stop` stays."""
    while folder != stop and folder.is_relative_to(stop):
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
                return
            raise
        folder = folder.parent


def refuse_links(path: Path) -> None:
    """Raises `StorageError` when a component of `path` is a symbolic link: it may lead out of the store."""
    if path.resolve() != path:
        raise StorageError("a symbolic link inside the object store")


def write_all(handle: int, data: bytes | memoryview) -> None:
    """Write every byte of `data`."""
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


def append(source: int, target: int, most: int | None = None) -> int:
    """Copy the rest of `source`, or `most` bytes of it, to `target` at their offsets; returns bytes copied.

    The kernel does it (sharing blocks where the file system can); otherwise the bytes go through this process.
    """
    copied = 0
    while step := _step(most, copied, _COPY_STEP_BYTES):
        try:
            done = os.copy_file_range(source, target, step)
        except (OSError, AttributeError) as error:
            if isinstance(error, OSError) and error.errno not in _NO_KERNEL_COPY:
                raise
            return copied + _append_by_hand(source, target, None if most is None else most - copied)
        if done == 0:
            break
        copied += done
    return copied


def _append_by_hand(source: int, target: int, most: int | None) -> int:
    copied = 0
    while (step := _step(most, copied, _READ_STEP_BYTES)) and (chunk := os.read(source, step)):
        write_all(target, chunk)
        copied += len(chunk)
    return copied


def _step(most: int | None, done: int, step: int) -> int:
    return step if most is None else min(step, most - done)


def read_range(handle: int, offset: int, length: int) -> bytes:
    """Up to `length` bytes from `offset`; fewer only at the end of the file."""
    pieces = []
    while length > 0 and (piece := os.pread(handle, min(length, 2**30), offset)):
        pieces.append(piece)
        offset += len(piece)
        length -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
