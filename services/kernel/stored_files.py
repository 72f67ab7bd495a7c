"""Files as the services that measure them get them: described by their owner, read from the store in ranges."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import grpc

from services.gen.upload.v1 import upload_pb2, upload_pb2_grpc
from services.kernel.errors import AppError, Kind
from services.kernel.grpc_client import call
from services.kernel.storage.port import ObjectStore

#: A copy inside the store, of at most some hundred megabytes.
_COPYING_DEADLINE_S = 300.0
#: (dossier id, organisation path) → token for the owner of the files.
OwnToken = Callable[[str, str], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFile:
    """A file and where its bytes are now. `sha256` is empty until it was verified."""

    file_id: str
    file_name: str
    size_bytes: int
    media_type: str
    sha256: str
    object_key: str
    etag: str
    stored_at: datetime
    component_id: str
    material_id: str = ""
    item_id: str = ""
    #: Grows with every change of the file, its name included.
    version: int = 0


class StoredFiles:
    """Asks the upload service."""

    def __init__(self, channel: grpc.aio.Channel, token: OwnToken) -> None:
        """The channel stays the caller's."""
        self._stub = upload_pb2_grpc.UploadServiceStub(channel)
        self._token = token

    async def describe(
        self, dossier_id: str, organisation_path: str, file_id: str, *, replaced_too: bool = False
    ) -> StoredFile | None:
        """The file, None when it was deleted; `replaced_too` finds evidence that was replaced since.

        Raises `AppError` otherwise.
        """
        asked = upload_pb2.DescribeFileRequest(dossier_id=dossier_id, file_id=file_id, replaced_too=replaced_too)
        token = self._token(dossier_id, organisation_path)
        try:
            file = (await call(self._stub.DescribeFile, asked, token=token, idempotent=True)).file
        except AppError as error:
            if error.kind is Kind.NOT_FOUND:
                return None
            raise
        return StoredFile(
            file_id=file.file_id,
            file_name=file.file_name,
            size_bytes=file.size_bytes,
            media_type=file.media_type,
            sha256=file.sha256,
            object_key=file.object_key,
            etag=file.etag,
            stored_at=file.stored_at.ToDatetime(UTC),
            component_id=file.component_id,
            material_id=file.material_id,
            item_id=file.item_id,
            version=file.version,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeFile:
    """An object that a service derived, to become a file in the place of `replaces`."""

    file_id: str
    material_id: str
    item_id: str
    component_id: str
    file_name: str
    key: str
    etag: str
    size_bytes: int
    replaces: str


class Adopting:
    """Asks the upload service to make files of what was derived, in the name of whoever asked for it."""

    def __init__(self, channel: grpc.aio.Channel, token: OwnToken) -> None:
        """The channel stays the caller's; `token` allows to send files."""
        self._stub = upload_pb2_grpc.UploadServiceStub(channel)
        self._token = token

    async def adopt(self, dossier_id: str, organisation_path: str, made: MadeFile) -> None:
        """By a copy inside the store; the same file id again changes nothing. Raises `AppError` as
        `AdoptFile` does: request.not-found (the file to be replaced is gone), upload.quota, upload.too-large, …
        """
        asked = upload_pb2.AdoptFileRequest(
            dossier_id=dossier_id,
            file_id=made.file_id,
            material_id=made.material_id,
            item_id=made.item_id,
            component_id=made.component_id,
            file_name=made.file_name,
            source_key=made.key,
            source_etag=made.etag,
            size_bytes=made.size_bytes,
            replaces_file_id=made.replaces,
        )
        token = self._token(dossier_id, organisation_path)
        await call(self._stub.AdoptFile, asked, token=token, idempotent=True, timeout_s=_COPYING_DEADLINE_S)


class StoredSource:
    """An object as a source for the sandbox: ranges of exactly one version of it."""

    def __init__(self, store: ObjectStore, key: str, size_bytes: int, etag: str) -> None:
        """Nothing is read yet."""
        self._store = store
        self._key = key
        self._etag = etag
        self._size_bytes = size_bytes

    @property
    def size_bytes(self) -> int:
        """The object's size."""
        return self._size_bytes

    async def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`. Raises `ObjectChanged`, `ObjectMissing`, `StoreUnavailable`."""
        return await self._store.read(self._key, offset, length, etag=self._etag)

    async def descriptor(self) -> int | None:
        """The object's file, where the store has files. Raises as `read`."""
        return await self._store.descriptor(self._key, etag=self._etag)


class ObjectSource(StoredSource):
    """A file of `upload` as such a source, in the version that was described."""

    def __init__(self, store: ObjectStore, file: StoredFile) -> None:
        """Nothing is read yet."""
        super().__init__(store, file.object_key, file.size_bytes, file.etag)
