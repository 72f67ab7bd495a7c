"""Uploads in parts on the disk, blocking: `uploads/<id>/upload.json` and a slot per part under `uploads/<id>/parts`.

An upload appears and disappears as a whole folder in one rename. A part's etag is its SHA-256, as verified while it
came in; the joined object's etag is made from those, so joining reads nothing twice.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from services.kernel.clock import Clock
from services.kernel.ids import Ids
from services.kernel.storage.keys import check_key
from services.kernel.storage.localdir import slots
from services.kernel.storage.localdir.disk import make_folders, refuse_links, sync_folder
from services.kernel.storage.localdir.objects import Objects
from services.kernel.storage.localdir.workspace import Draft, Workspace
from services.kernel.storage.port import (
    MIN_PART_BYTES,
    ObjectExists,
    ObjectInfo,
    ObjectMissing,
    PartDamaged,
    PartTooSmall,
    StoredPart,
)
from services.kernel.storage.presign import PartClaim

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_RECORD = "upload.json"


class Uploads:
    """Unfinished uploads in the folder `root`."""

    def __init__(self, root: Path, workspace: Workspace, objects: Objects, clock: Clock, ids: Ids) -> None:
        """`root` is resolved and on the workspace's file system."""
        make_folders(root)
        self._root = root
        self._workspace = workspace
        self._objects = objects
        self._clock = clock
        self._ids = ids

    def create(self, key: str) -> str:
        """Open an upload."""
        record = {"key": check_key(key), "opened_at": self._clock.now().isoformat()}
        upload_id = self._ids.new()
        draft = Draft(self._workspace.path())
        try:
            draft.open()
            draft.write(json.dumps(record).encode())
            (draft.folder / "parts").mkdir(mode=0o700)
            draft.seal(_RECORD).rename(self._root / upload_id)
            sync_folder(self._root)
        finally:
            draft.close()
        return upload_id

    def parts(self, key: str, upload_id: str) -> Sequence[StoredPart]:
        """The parts by number. Raises `ObjectMissing`."""
        folder = self._parts(key, upload_id)
        try:
            numbers = sorted(int(entry.name) for entry in folder.iterdir())
        except FileNotFoundError as error:
            raise ObjectMissing(key) from error
        found = (_stored(folder, number) for number in numbers)
        return tuple(part for part in found if part is not None)

    def check_open(self, claim: PartClaim) -> None:
        """Raises `ObjectMissing` when the claim's upload has ended or never was."""
        self._parts(claim.key, claim.upload_id)

    def receive(self, claim: PartClaim, draft: Draft) -> StoredPart:
        """Put a verified part in place, or accept the same one that is there. Raises `ObjectMissing`."""
        folder = self._parts(claim.key, claim.upload_id)
        part = _stored(folder, claim.number)
        if part is not None and (part.sha256, part.size_bytes) == (claim.sha256, claim.size_bytes):
            return part
        try:
            slots.replace(draft, _slot(folder, claim.number), claim.sha256, make_parents=False)
        except FileNotFoundError as error:
            raise ObjectMissing(claim.key) from error
        return StoredPart(number=claim.number, size_bytes=claim.size_bytes, sha256=claim.sha256, etag=claim.sha256)

    def complete(self, key: str, upload_id: str, parts: Sequence[StoredPart]) -> ObjectInfo:
        """Join the parts into the object. Raises as the port.

        Killed after the object appeared and before the upload went, it finds its own object when called again.
        """
        self._parts(key, upload_id)
        etag = _joined_etag(parts)
        try:
            info = self._objects.head(key)
        except ObjectMissing:
            info = self._join_or_missing(key, upload_id, parts, etag)
        if info.etag != etag:
            raise ObjectExists(key)
        self._workspace.discard(self._root / upload_id)
        return info

    def abort(self, key: str, upload_id: str) -> None:
        """Throw the upload away, if it is there."""
        try:
            self._parts(key, upload_id)
        except ObjectMissing:
            return
        self._workspace.discard(self._root / upload_id)

    def stale(self, older_than: datetime) -> Iterator[tuple[str, str]]:
        """(key, upload id) of uploads opened before `older_than`."""
        for entry in sorted(self._root.iterdir()):
            record = _record(entry)
            if record is not None and record[1] < older_than:
                yield record[0], entry.name

    def _parts(self, key: str, upload_id: str) -> Path:
        check_key(key)
        folder = self._root / upload_id
        record = _record(folder) if _ID.fullmatch(upload_id) else None
        if record is None or record[0] != key:
            raise ObjectMissing(key)
        refuse_links(folder)
        return folder / "parts"

    def _join_or_missing(self, key: str, upload_id: str, parts: Sequence[StoredPart], etag: str) -> ObjectInfo:
        """As `_join`; parts that went because another call ended the upload are no damage but `ObjectMissing`."""
        try:
            return self._join(key, self._parts(key, upload_id), parts, etag)
        except PartDamaged:
            self._parts(key, upload_id)
            raise

    def _join(self, key: str, folder: Path, parts: Sequence[StoredPart], etag: str) -> ObjectInfo:
        _check_order(parts)
        draft = self._objects.draft()
        try:
            draft.open()
            for part in parts:
                _append(draft, folder, part)
            return self._objects.publish(draft, key, etag, if_absent=True)
        except ObjectExists:
            return self._objects.head(key)  # another call was quicker; the caller compares
        finally:
            draft.close()


def _check_order(parts: Sequence[StoredPart]) -> None:
    numbers = [part.number for part in parts]
    if not parts or numbers != sorted(set(numbers)):
        raise PartDamaged("the list of parts is empty or not in order")
    for part in parts[:-1]:
        if part.size_bytes < MIN_PART_BYTES:
            raise PartTooSmall(f"part {part.number}: {part.size_bytes} bytes, at least {MIN_PART_BYTES} are needed")


def _append(draft: Draft, folder: Path, part: StoredPart) -> None:
    opened = slots.open_current(_slot(folder, part.number))
    if opened is None:
        raise PartDamaged(f"part {part.number} is not there")
    handle, blob = opened
    try:
        if blob.etag != part.etag or os.fstat(handle).st_size != part.size_bytes:
            raise PartDamaged(f"part {part.number} is another one")
        if draft.append(handle) != part.size_bytes:
            raise PartDamaged(f"part {part.number} cannot be read in full")
    finally:
        os.close(handle)


def _joined_etag(parts: Sequence[StoredPart]) -> str:
    """Of one part, its SHA-256, so that it equals the same bytes put at once; of several, as S3 does it."""
    if len(parts) == 1:
        return parts[0].etag
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part.number}:{part.size_bytes}:{part.etag}\n".encode())
    return f"{digest.hexdigest()}-{len(parts)}"


def _stored(folder: Path, number: int) -> StoredPart | None:
    opened = slots.open_current(_slot(folder, number))
    if opened is None:
        return None
    handle, blob = opened
    try:
        size_bytes = os.fstat(handle).st_size
    finally:
        os.close(handle)
    return StoredPart(number=number, size_bytes=size_bytes, sha256=blob.etag, etag=blob.etag)


def _slot(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}"


def _record(folder: Path) -> tuple[str, datetime] | None:
    """Key and time of opening; None when the upload ended."""
    try:
        record = json.loads((folder / _RECORD).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    return str(record["key"]), datetime.fromisoformat(record["opened_at"])
