"""What every use case of this service is given, and the small steps several of them share."""

from dataclasses import dataclass

from services.catalogue.model import Catalogue
from services.kernel.clock import Clock
from services.kernel.errors import AppError, Kind, not_found
from services.kernel.ids import Ids
from services.kernel.storage.port import Storage
from services.upload.domain.records import Area, File, FileState, Upload, UploadState
from services.upload.ports import Unit, Work
from services.upload.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The ports and values of the service."""

    work: Work
    storage: Storage
    catalogue: Catalogue
    clock: Clock
    ids: Ids
    settings: Settings


async def upload_of(unit: Unit, upload_id: str) -> Upload:
    """The session, locked. Raises `AppError` request.not-found."""
    upload = await unit.upload(upload_id)
    if upload is None:
        raise not_found("upload")
    return upload


async def open_upload(unit: Unit, upload_id: str) -> Upload:
    """As `upload_of`, provided parts may still arrive. Raises `AppError` upload.ended."""
    upload = await upload_of(unit, upload_id)
    if upload.state is not UploadState.OPEN:
        raise AppError("upload.ended", Kind.GONE, state=upload.state)
    return upload


async def file_of(unit: Unit, file_id: str, *, replaced_too: bool = False) -> File:
    """A file that is in use, locked; `replaced_too` finds evidence and originals that were replaced since.

    Raises `AppError` request.not-found.
    """
    file = await unit.file(file_id)
    if file is None or not (file.in_use or (replaced_too and _kept(file))):
        raise not_found("file")
    return file


def _kept(file: File) -> bool:
    return file.state is FileState.REPLACED or (file.state is FileState.DELETED and file.area is Area.EVIDENCE)
