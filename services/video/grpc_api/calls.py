"""What every call of the service needs."""

from dataclasses import dataclass

from services.gen.common.v1 import common_pb2
from services.kernel.clock import Clock
from services.kernel.errors import not_found
from services.kernel.ids import Ids
from services.kernel.jobs.queue import Queue
from services.kernel.sandbox.port import Sandbox
from services.kernel.storage.port import ObjectStore, PresignedRequest
from services.kernel.stored_files import StoredFile, StoredFiles
from services.kernel.tokens import Claims
from services.video.ports import Reports, TitleCards


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """What the calls work with; `expires_s` bounds presigned downloads."""

    reports: Reports
    cards: TitleCards
    store: ObjectStore
    queue: Queue
    files: StoredFiles
    sandbox: Sandbox
    clock: Clock
    ids: Ids
    expires_s: int

    async def file(self, claims: Claims, file_id: str) -> StoredFile:
        """A file of the caller's dossier, also one that was replaced. Raises `AppError` request.not-found."""
        found = await self.files.describe(claims.dossier_id, claims.organisation_path, file_id, replaced_too=True)
        if found is None:
            raise not_found("file")
        return found

    async def download(self, key: str, *, filename: str, media_type: str) -> common_pb2.PresignedRequest:
        """A presigned download of an object."""
        link = await self.store.presign_get(key, expires_s=self.expires_s, filename=filename, media_type=media_type)
        return presigned(link)


def presigned(link: PresignedRequest) -> common_pb2.PresignedRequest:
    """It as a message."""
    message = common_pb2.PresignedRequest(method=link.method, url=link.url, headers=dict(link.headers))
    message.expires_at.FromDatetime(link.expires_at)
    return message
