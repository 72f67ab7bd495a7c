"""Ten-line stand-ins for the ports of the upload service."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from services.catalogue import load
from services.kernel.storage.port import (
    Composed,
    Excerpt,
    ObjectChanged,
    ObjectExists,
    ObjectInfo,
    ObjectMissing,
    PresignedRequest,
    Room,
    StoredPart,
)
from services.upload.domain.records import Area, File, FileState, Place, Upload, UploadState
from services.upload.ports import Scope, StoreUpload, Unit
from services.upload.settings import Settings
from services.upload.usecases.context import Context

NOW = datetime(2023, 6, 1, 8, tzinfo=UTC)
PLACE = Place(
    dossier_id="d1", organisation_path="/sc/", material_id="m1", item_id="annual_assessment",
    component_id="assessment_proof",
)  # fmt: skip
SCOPE = Scope(organisation_path="/sc/", dossier_id="d1")
PART = 5 * 2**20
UNFINISHED = (UploadState.OPEN, UploadState.COMPLETING)


class Counted:
    """Ids 1, 2, 3 and a clock that stands."""

    def __init__(self) -> None:
        self.last = 0

    def new(self) -> str:
        self.last += 1
        return str(self.last)

    def now(self) -> datetime:
        return NOW


class Rows:
    """Work and Unit in one: rows in dictionaries, what was announced in a list."""

    def __init__(self) -> None:
        self.uploads: dict[str, Upload] = {}
        self.kept: dict[str, File] = {}
        self.told: list[str] = []
        self.jobs: list[str] = []

    @asynccontextmanager
    async def begin(self, scope: Scope) -> AsyncIterator[Unit]:
        self.scope = scope
        yield self

    async def upload(self, upload_id: str) -> Upload | None:
        return self.uploads.get(upload_id)

    async def resumable(self, place: Place, file_name: str, size_bytes: int, declared_sha256: str) -> Upload | None:
        wanted = (place, file_name, size_bytes, UploadState.OPEN)
        for u in self.uploads.values():
            if (u.place, u.file_name, u.size_bytes, u.state) == wanted and u.declared_sha256 in ("", declared_sha256):
                return u
        return None

    async def save_upload(self, upload: Upload) -> None:
        self.uploads[upload.upload_id] = upload

    async def file(self, file_id: str) -> File | None:
        return self.kept.get(file_id)

    async def files(self, dossier_id: str) -> Sequence[File]:
        return [f for f in self.kept.values() if f.state not in (FileState.DELETED, FileState.REPLACED)]

    async def held_bytes(self, dossier_id: str) -> int:
        kept = sum(f.size_bytes for f in self.kept.values())
        return kept + sum(u.size_bytes for u in self.uploads.values() if u.state in UNFINISHED)

    async def save_file(self, file: File) -> None:
        self.kept[file.file_id] = file

    async def announce_stored(self, file: File, *, instead_of: str = "") -> None:
        self.told.append(f"stored {file.version}" + (f" instead of {instead_of}" if instead_of else ""))

    async def announce_judged(self, file: File) -> None:
        self.told.append(f"{file.state} {file.version}")

    async def announce_renamed(self, file: File) -> None:
        self.told.append(f"renamed {file.version}")

    async def announce_deleted(self, file: File, *, restored: str = "") -> None:
        self.told.append(f"deleted {file.version}" + (f", {restored} restored" if restored else ""))

    async def enqueue(self, stage: str, place: Place, file_id: str, *, key: str) -> None:
        self.jobs.append(key)

    async def named(self, keys: Sequence[str]) -> set[str]:
        sessions = {u.object_key for u in self.uploads.values() if u.state in UNFINISHED}
        return (sessions | {f.object_key for f in self.kept.values()}).intersection(keys)

    @asynccontextmanager
    async def removal(self) -> AsyncIterator[bool]:
        yield True

    async def awaited(self, store_uploads: Sequence[StoreUpload]) -> set[StoreUpload]:
        known = {(u.object_key, u.store_upload_id) for u in self.uploads.values() if u.state in UNFINISHED}
        return known.intersection(store_uploads)

    async def overdue(self, now: datetime, limit: int) -> Sequence[tuple[Scope, str]]:
        return [(SCOPE, u.upload_id) for u in self.uploads.values() if u.state is UploadState.COMPLETING]

    async def prune(self, before: datetime, size: int) -> int:
        gone = [u.upload_id for u in self.uploads.values() if u.state is UploadState.ABORTED and u.expires_at < before]
        for upload_id in gone:
            del self.uploads[upload_id]
        return len(gone)


class Store:
    """A store of parts and objects; `lost_answer` completes and then says that the upload is gone."""

    def __init__(self) -> None:
        self.parts: dict[str, dict[int, StoredPart]] = {}
        self.objects: dict[str, bytes] = {}
        self.lost_answer = False
        self.free_bytes: int | None = None

    async def room(self) -> Room | None:
        return None if self.free_bytes is None else Room(free_bytes=self.free_bytes, total_bytes=2**40)

    async def create_upload(self, key: str, *, part_bytes: int | None = None) -> str:
        self.parts[key] = {}
        return f"s-{key}"

    def receive(self, upload: Upload, number: int, sha256: str) -> None:
        size = upload.part_bytes(number)
        self.parts[upload.object_key][number] = StoredPart(number=number, size_bytes=size, sha256=sha256, etag=sha256)

    async def presign_part(
        self, key: str, upload_id: str, *, number: int, size_bytes: int, sha256: str, expires_s: int
    ) -> PresignedRequest:
        return PresignedRequest(method="PUT", url=f"{key}/{number}/{sha256}", headers=(), expires_at=NOW)

    async def list_parts(self, key: str, upload_id: str) -> Sequence[StoredPart]:
        if key not in self.parts:
            raise ObjectMissing(key)
        return [self.parts[key][n] for n in sorted(self.parts[key])]

    async def complete_upload(self, key: str, upload_id: str, parts: Sequence[StoredPart]) -> ObjectInfo:
        if key in self.objects:
            raise ObjectExists(key)
        self.objects[key] = b"%PDF-1.7\n".ljust(sum(p.size_bytes for p in parts), b" ")
        del self.parts[key]
        if self.lost_answer:
            raise ObjectMissing(key)
        return await self.head(key)

    async def abort_upload(self, key: str, upload_id: str) -> None:
        self.parts.pop(key, None)

    async def head(self, key: str) -> ObjectInfo:
        if key not in self.objects:
            raise ObjectMissing(key)
        return ObjectInfo(key=key, size_bytes=len(self.objects[key]), etag="e", modified_at=NOW)

    async def compose(self, key: str, pieces: Sequence[bytes | Excerpt]) -> Composed:
        made = b""
        for piece in pieces:
            assert isinstance(piece, Excerpt)
            if piece.key not in self.objects:
                raise ObjectMissing(piece.key)
            part = self.objects[piece.key][piece.offset : piece.offset + piece.length]
            if piece.etag != "e" or len(part) < piece.length:
                raise ObjectChanged(piece.key)
            made += part
        self.objects[key] = made
        return Composed(info=await self.head(key), pinned_bytes=len(made))

    async def read(self, key: str, offset: int, length: int, *, etag: str | None = None) -> bytes:
        return self.objects[key][offset : offset + length]


def context(rows: Rows, store: Store, quota_bytes: int = 2**30) -> Context:
    """The service over the stand-ins, with parts of 5 MiB."""
    ids = Counted()
    return Context(
        work=rows,
        storage=store,  # type: ignore[arg-type]  # only what uploading needs
        catalogue=load.default(),
        clock=ids,
        ids=ids,
        settings=Settings(part_size_bytes=PART, dossier_quota_bytes=quota_bytes),
    )


def file(**changes: object) -> File:
    """A stored file."""
    made = File(
        file_id="f1",
        place=PLACE,
        file_name="a.pdf",
        size_bytes=9,
        media_type="application/pdf",
        sha256="",
        declared_sha256="",
        object_key="k",
        etag="e",
        area=Area.STAGING,
        state=FileState.STORED,
        stored_at=NOW,
    )
    return replace(made, **changes)  # type: ignore[arg-type]
