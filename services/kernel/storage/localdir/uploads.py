"""Uploads in parts on the disk, blocking: `uploads/<id>/upload.json` and a slot per part under `uploads/<id>/parts`,
or the parts in their places within one file (`laid`).

An upload appears and disappears as a whole folder in one rename. A part's etag is its SHA-256, as verified while it
came in; the joined object's etag is made from those, so joining reads nothing twice.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from services.kernel.clock import Clock
from services.kernel.ids import Ids
from services.kernel.storage.keys import check_key, check_order
from services.kernel.storage.localdir import laid, slots
from services.kernel.storage.localdir.disk import make_folders, refuse_links, sync_folder
from services.kernel.storage.localdir.objects import Objects
from services.kernel.storage.localdir.workspace import Draft, Workspace
from services.kernel.storage.port import (
    ObjectExists,
    ObjectInfo,
    ObjectMissing,
    PartDamaged,
    StoredPart,
)
from services.kernel.storage.presign import PartClaim

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_RECORD = "upload.json"
_PARTS = "parts"


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

    def create(self, key: str, part_bytes: int | None = None) -> str:
        """Open an upload; with `part_bytes`, one whose parts are written to their places."""
        lays = part_bytes if laid.SUPPORTED else None
        record = {"key": check_key(key), "opened_at": self._clock.now().isoformat(), "part_bytes": lays}
        upload_id = self._ids.new()
        draft = Draft(self._workspace.path())
        try:
            draft.open()
            draft.write(json.dumps(record).encode())
            (draft.folder / _PARTS).mkdir(mode=0o700)
            if lays is not None:
                (draft.folder / laid.MARKS).mkdir(mode=0o700)
                (draft.folder / laid.FILE).touch(mode=0o600)
            draft.seal(_RECORD).rename(self._root / upload_id)
            sync_folder(self._root)
        finally:
            draft.close()
        return upload_id

    def parts(self, key: str, upload_id: str) -> Sequence[StoredPart]:
        """The parts by number. Raises `ObjectMissing`."""
        folder, _ = self._open(key, upload_id)
        try:
            numbers = sorted(int(entry.name) for entry in (folder / _PARTS).iterdir())
        except FileNotFoundError as error:
            raise ObjectMissing(key) from error
        found = laid.marked(folder / laid.MARKS)
        for number in numbers:  # what came later than a mark went into a slot
            part = _stored(folder / _PARTS, number)
            if part is not None:
                found[number] = part
        return tuple(found[number] for number in sorted(found))

    def draft_for(self, claim: PartClaim) -> Draft | laid.Region:
        """Where the part is to be written: its place in the whole where that can be had, a slot of its own otherwise.

        Raises `ObjectMissing` when the upload has ended or never was.
        """
        folder, part_bytes = self._open(claim.key, claim.upload_id)
        if part_bytes is None or claim.size_bytes > part_bytes or self._there(folder, claim.number) is not None:
            return self._objects.draft()
        region = laid.take(folder, (claim.number - 1) * part_bytes, claim.size_bytes)
        if region is not None and self._there(folder, claim.number) is not None:  # it came while we waited
            region.close()
            region = None
        return region if region is not None else self._objects.draft()

    def _there(self, folder: Path, number: int) -> StoredPart | None:
        return _stored(folder / _PARTS, number) or laid.marked(folder / laid.MARKS).get(number)

    def receive(self, claim: PartClaim, draft: Draft | laid.Region) -> StoredPart:
        """Put a verified part in place, or accept the same one that is there. Raises `ObjectMissing`."""
        folder, _ = self._open(claim.key, claim.upload_id)
        wanted = StoredPart(number=claim.number, size_bytes=claim.size_bytes, sha256=claim.sha256, etag=claim.sha256)
        if self._there(folder, claim.number) == wanted:
            return wanted
        try:
            if isinstance(draft, laid.Region):
                draft.seal(folder / laid.MARKS, wanted)
            else:
                slots.replace(draft, _slot(folder / _PARTS, claim.number), claim.sha256, make_parents=False)
        except FileNotFoundError as error:
            raise ObjectMissing(claim.key) from error
        return wanted

    def complete(self, key: str, upload_id: str, parts: Sequence[StoredPart]) -> ObjectInfo:
        """Join the parts into the object. Raises as the port.

        Killed after the object appeared and before the upload went, it finds its own object when called again.
        """
        folder, part_bytes = self._open(key, upload_id)
        etag = _joined_etag(parts)
        with laid.whole(folder) as whole:
            try:
                info = self._objects.head(key)
            except ObjectMissing:
                in_place = whole is not None and part_bytes is not None and _in_place(folder, parts, part_bytes)
                info = self._join_or_missing(key, upload_id, parts, etag, whole if in_place else None)
            if info.etag != etag:
                raise ObjectExists(key)
            self._workspace.discard(folder)
        return info

    def abort(self, key: str, upload_id: str) -> None:
        """Throw the upload away, if it is there."""
        try:
            self._open(key, upload_id)
        except ObjectMissing:
            return
        self._workspace.discard(self._root / upload_id)

    def stale(self, older_than: datetime) -> Iterator[tuple[str, str]]:
        """(key, upload id) of uploads opened before `older_than`."""
        for entry in sorted(self._root.iterdir()):
            record = _record(entry)
            if record is not None and record.opened_at < older_than:
                yield record.key, entry.name

    def _open(self, key: str, upload_id: str) -> tuple[Path, int | None]:
        """The upload's folder and the size of its parts. Raises `ObjectMissing` when it has ended or never was."""
        check_key(key)
        folder = self._root / upload_id
        record = _record(folder) if _ID.fullmatch(upload_id) else None
        if record is None or record.key != key:
            raise ObjectMissing(key)
        refuse_links(folder)
        return folder, record.part_bytes

    def _join_or_missing(
        self, key: str, upload_id: str, parts: Sequence[StoredPart], etag: str, whole: int | None
    ) -> ObjectInfo:
        """As `_join`; parts that went because another call ended the upload are no damage but `ObjectMissing`."""
        folder, part_bytes = self._open(key, upload_id)
        try:
            return self._join(key, folder, parts, etag, part_bytes or 0, whole)
        except (PartDamaged, FileNotFoundError):
            self._open(key, upload_id)
            raise

    def _join(
        self, key: str, folder: Path, parts: Sequence[StoredPart], etag: str, part_bytes: int, whole: int | None
    ) -> ObjectInfo:
        """`whole` is the open, locked file that holds every part in its place; without it they are copied."""
        check_order(parts)
        draft = self._objects.draft()
        try:
            if whole is not None:
                os.ftruncate(whole, sum(part.size_bytes for part in parts))
                draft.link(folder / laid.FILE)
            else:
                draft.open()
                for part in parts:
                    _append(draft, folder, part, part_bytes)
            return self._objects.publish(draft, key, etag, if_absent=True)
        except ObjectExists:
            return self._objects.head(key)  # another call was quicker; the caller compares
        finally:
            draft.close()


def _in_place(folder: Path, parts: Sequence[StoredPart], part_bytes: int) -> bool:
    """Whether the parts stand one behind the other in the whole, each as it is listed."""
    marks = laid.marked(folder / laid.MARKS)
    if any((folder / _PARTS).iterdir()):
        return False
    numbers = [part.number for part in parts]
    full = all(part.size_bytes == part_bytes for part in parts[:-1])
    return full and numbers == list(range(1, len(parts) + 1)) and all(marks.get(p.number) == p for p in parts)


def _append(draft: Draft, folder: Path, part: StoredPart, part_bytes: int) -> None:
    opened = slots.open_current(_slot(folder / _PARTS, part.number))
    if opened is None:
        if laid.marked(folder / laid.MARKS).get(part.number) != part:
            raise PartDamaged(f"part {part.number} is not there")
        draft.append_range(folder / laid.FILE, (part.number - 1) * part_bytes, part.size_bytes)
        return
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Record:
    """What was said when the upload was opened."""

    key: str
    opened_at: datetime
    part_bytes: int | None


def _record(folder: Path) -> _Record | None:
    """None when the upload ended."""
    try:
        record = json.loads((folder / _RECORD).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    opened_at = datetime.fromisoformat(record["opened_at"])
    return _Record(key=str(record["key"]), opened_at=opened_at, part_bytes=record.get("part_bytes"))
