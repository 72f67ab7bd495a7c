"""A slot: the folder that holds one blob, whose file name is its version and its etag.

So blob and etag come and go together in one rename, with no second file to fall out of step, and a backup that keeps
names keeps etags. A slot is put in place by renaming a whole folder, which the kernel refuses when the target holds
anything: that is the write-once rule, across processes and without a lock. A replacement adds the next version and
then removes the older one; whoever looks takes the highest.
"""

import errno
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from services.kernel.storage.localdir.disk import make_folders, sync_folder
from services.kernel.storage.localdir.workspace import Draft
from services.kernel.storage.port import StoreUnavailable

_TRIES = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Blob:
    """What stands in a slot."""

    path: Path
    version: int
    etag: str


def current(slot: Path) -> Blob | None:
    """What stands in the slot; None when it is empty or not there."""
    try:
        names = [entry.name for entry in slot.iterdir()]
    except FileNotFoundError:
        return None
    blobs = [
        Blob(path=slot / name, version=int(version), etag=etag)
        for name in names
        for version, dash, etag in [name.partition("-")]
        if dash and version.isdecimal()
    ]
    return max(blobs, key=lambda blob: blob.version, default=None)


def open_current(slot: Path) -> tuple[int, Blob] | None:
    """The blob opened for reading; the handle keeps its bytes even when it is replaced or deleted meanwhile."""
    for _ in range(_TRIES):
        blob = current(slot)
        if blob is None:
            return None
        try:
            return os.open(blob.path, os.O_RDONLY | os.O_NOFOLLOW), blob
        except FileNotFoundError:
            continue  # replaced between looking and opening
    raise StoreUnavailable("the object is being replaced all the time")


def put_in_place(draft: Draft, slot: Path, etag: str, *, make_parents: bool) -> bool:
    """Publish the draft durably unless the slot is taken; returns whether it was published.

    Raises `FileNotFoundError` when the slot's folder is missing and not to be made.
    """
    folder = draft.seal(_name(1, etag))
    for _ in range(_TRIES):
        try:
            if make_parents:
                make_folders(slot.parent)
            folder.rename(slot)
        except FileNotFoundError:
            if not make_parents:
                raise
            continue  # a deletion pruned the folder that was just made
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                return False
            raise
        sync_folder(slot.parent)
        return True
    raise StoreUnavailable("the folder is being removed all the time")


def replace(draft: Draft, slot: Path, etag: str, *, make_parents: bool) -> None:
    """Publish the draft durably, in the place of what stands there. Raises as `put_in_place`."""
    for _ in range(_TRIES):
        if put_in_place(draft, slot, etag, make_parents=make_parents) or _supersede(draft, slot, etag):
            return
    raise StoreUnavailable("the object is being replaced all the time")


def _supersede(draft: Draft, slot: Path, etag: str) -> bool:
    """Add the next version; False when the slot was deleted meanwhile."""
    try:
        handle = os.open(slot, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        blob = current(slot)
        if blob is None:
            return False
        try:
            (draft.folder / _name(1, etag)).rename(slot / _name(blob.version + 1, etag))
        except FileNotFoundError:
            return False
        os.fsync(handle)
        _drop_older(slot, blob.version)
    finally:
        os.close(handle)
    return True


def _drop_older(slot: Path, version: int) -> None:
    """Remove `version` and what a killed process left below it."""
    for entry in slot.iterdir():
        if int(entry.name.partition("-")[0]) <= version:
            entry.unlink(missing_ok=True)


def _name(version: int, etag: str) -> str:
    return f"{version:08d}-{etag}"
