"""Objects on the disk, blocking: each key is a slot under `objects`, its folders those of the key.

A slot's name ends in "%", which no key holds, so the key `a` and the key `a/b` never meet.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from services.kernel.storage.keys import check_key, check_prefix
from services.kernel.storage.localdir import slots
from services.kernel.storage.localdir.disk import make_folders, prune, read_range, refuse_links
from services.kernel.storage.localdir.workspace import Draft, Workspace
from services.kernel.storage.port import Excerpt, ObjectChanged, ObjectExists, ObjectInfo, ObjectMissing

_SLOT = "%"
_COMPARE_BYTES = 2**20


class Objects:
    """Blobs under keys in the folder `root`."""

    def __init__(self, root: Path, workspace: Workspace) -> None:
        """`root` is resolved and on the workspace's file system."""
        make_folders(root)
        self._root = root
        self._workspace = workspace

    def draft(self) -> Draft:
        """A new file, not yet opened, unseen until published."""
        return Draft(self._workspace.path())

    def head(self, key: str) -> ObjectInfo:
        """Raises `ObjectMissing`."""
        handle, blob = self.open(key)
        try:
            return _info(key, blob.etag, os.fstat(handle))
        finally:
            os.close(handle)

    def open(self, key: str, etag: str | None = None) -> tuple[int, slots.Blob]:
        """The object opened for reading. Raises `ObjectMissing`, `ObjectChanged`."""
        opened = slots.open_current(self._slot(key))
        if opened is None:
            raise ObjectMissing(key)
        if etag is not None and opened[1].etag != etag:
            os.close(opened[0])
            raise ObjectChanged(key)
        return opened

    def read(self, key: str, offset: int, length: int, etag: str | None) -> bytes:
        """A range of the object. Raises as `open`; `ValueError` for a negative range."""
        if offset < 0 or length < 0:
            raise ValueError(f"a range of {length} bytes from {offset}")
        handle, _ = self.open(key, etag)
        try:
            return read_range(handle, offset, length)
        finally:
            os.close(handle)

    def publish(self, draft: Draft, key: str, etag: str, *, if_absent: bool) -> ObjectInfo:
        """Put the draft under the key. Raises `ObjectExists`."""
        slot = self._slot(key)
        if not if_absent:
            slots.replace(draft, slot, etag, make_parents=True)
        elif not slots.put_in_place(draft, slot, etag, make_parents=True):
            raise ObjectExists(key)
        return _info(key, etag, draft.stat())

    def publish_equal(self, draft: Draft, key: str, etag: str) -> ObjectInfo:
        """As `publish`, but an object of the same content under the key is accepted and stays."""
        try:
            return self.publish(draft, key, etag, if_absent=True)
        except ObjectExists:
            handle, blob = self.open(key)
            try:
                if blob.etag != etag and not _same_bytes(handle, draft.folder):
                    raise
                return _info(key, blob.etag, os.fstat(handle))
            finally:
                os.close(handle)

    def copy(self, source: str, target: str, etag: str | None) -> ObjectInfo:
        """Raises as the port."""
        check_key(target)
        handle, blob = self.open(source, etag)
        try:
            if source == target:
                return _info(source, blob.etag, os.fstat(handle))
            draft = self.draft()
            try:
                draft.open()
                draft.append(handle)
                return self.publish_equal(draft, target, blob.etag)
            finally:
                draft.close()
        finally:
            os.close(handle)

    def compose(self, key: str, pieces: Sequence[bytes | Excerpt]) -> ObjectInfo:
        """Raises as the port. The etag follows from those of the sources: nothing of theirs is read."""
        identity = hashlib.sha256()
        draft = self.draft()
        try:
            draft.open()
            for piece in pieces:
                if isinstance(piece, bytes):
                    identity.update(b"bytes %d %s\n" % (len(piece), hashlib.sha256(piece).digest()))
                    draft.write(piece)
                else:
                    identity.update(f"{piece.etag} {piece.offset} {piece.length}\n".encode())
                    self._append(draft, piece)
            return self.publish(draft, key, identity.hexdigest(), if_absent=False)
        finally:
            draft.close()

    def _append(self, draft: Draft, excerpt: Excerpt) -> None:
        handle, _ = self.open(excerpt.key, excerpt.etag)
        try:
            if draft.append_excerpt(handle, excerpt.offset, excerpt.length) != excerpt.length:
                raise ObjectChanged(excerpt.key)
        finally:
            os.close(handle)

    def delete(self, key: str) -> None:
        """Remove the object and the folders that it leaves empty."""
        slot = self._slot(key)
        self._workspace.discard(slot)
        prune(slot.parent, self._root)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Objects in key order; what comes or goes meanwhile may or may not be seen."""
        folders = check_prefix(prefix).rpartition("/")[0]
        start = self._root / folders if folders else self._root
        refuse_links(start)
        return self._walk(start, f"{folders}/" if folders else "", prefix)

    def _walk(self, folder: Path, above: str, prefix: str) -> Iterator[ObjectInfo]:
        for name in _ordered(folder):
            key = above + name
            if name.endswith("/"):
                if key.startswith(prefix) or prefix.startswith(key):
                    yield from self._walk(folder / name, key, prefix)
            elif key.startswith(prefix):
                try:
                    yield self.head(key)
                except ObjectMissing:
                    continue

    def _slot(self, key: str) -> Path:
        path = self._root / (check_key(key) + _SLOT)
        refuse_links(path)
        return path


def _ordered(folder: Path) -> list[str]:
    """Names of the folder's objects, and its folders with a slash behind, in the order of the keys."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []
    return sorted(name.removesuffix(_SLOT) if name.endswith(_SLOT) else f"{name}/" for name in names)


def _info(key: str, etag: str, stat: os.stat_result) -> ObjectInfo:
    modified_at = datetime.fromtimestamp(stat.st_mtime, UTC)
    return ObjectInfo(key=key, size_bytes=stat.st_size, etag=etag, modified_at=modified_at)


def _same_bytes(handle: int, folder: Path) -> bool:
    """Whether the open file and the only file in `folder` hold the same bytes."""
    [other] = folder.iterdir()
    if other.stat().st_size != os.fstat(handle).st_size:
        return False
    offset = 0
    with other.open("rb") as file:
        while chunk := file.read(_COMPARE_BYTES):
            if read_range(handle, offset, len(chunk)) != chunk:
                return False
            offset += len(chunk)
    return True
