"""Opening, feeding and giving up an upload session."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from services.kernel.errors import AppError, Kind
from services.kernel.storage.port import ObjectMissing, PresignedRequest, StoredPart, StoreFull
from services.upload.domain.acceptance import check_acceptance, check_quota
from services.upload.domain.records import (
    Area,
    Place,
    Upload,
    UploadState,
    check_request,
    is_sha256,
    object_key,
)
from services.upload.ports import Scope, Unit
from services.upload.usecases.context import Context, open_upload, upload_of


@dataclass(frozen=True, kw_only=True, slots=True)
class NewUpload:
    """What a sender announces before a byte moves."""

    place: Place
    file_name: str
    size_bytes: int
    #: Hexadecimal SHA-256 of the whole, "" when not known yet.
    declared_sha256: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PartToSend:
    """A part that the sender is about to PUT; `sha256` is hexadecimal."""

    number: int
    size_bytes: int
    sha256: str


def scope_of(place: Place) -> Scope:
    """The scope in which everything about this place happens."""
    return Scope(organisation_path=place.organisation_path, dossier_id=place.dossier_id)


async def create_upload(context: Context, new: NewUpload) -> tuple[Upload, Sequence[StoredPart]]:
    """Open a session, or find the unfinished one for the same file at the same place.

    Returns the session and the parts that are safely there. Raises `AppError` upload.*, file.empty,
    item.* for what the item does not accept (G-04, M15-2e), upload.quota, upload.store-full.
    """
    check_request(
        place=new.place, file_name=new.file_name, size_bytes=new.size_bytes, declared_sha256=new.declared_sha256
    )
    check_acceptance(context.catalogue, new.place, new.file_name, new.size_bytes, context.settings.part_size_bytes)
    async with context.work.begin(scope_of(new.place)) as unit:
        found = await unit.resumable(new.place, new.file_name, new.size_bytes, new.declared_sha256)
        if found is None:
            await _check_quota(context, unit, new)
    if found is not None:
        try:
            return found, await context.storage.list_parts(found.object_key, found.store_upload_id)
        except ObjectMissing:
            await abort_upload(context, scope_of(new.place), found.upload_id)
    await _check_room(context, new.size_bytes)
    return await _open(context, new), ()


async def _check_room(context: Context, size_bytes: int) -> None:
    """Refuse what the store has no room for, where it tells. Raises `AppError` upload.store-full."""
    room = await context.storage.room()
    if room is not None and size_bytes > room.free_bytes:
        raise AppError("upload.store-full", Kind.UNAVAILABLE, retryable=True)


async def _open(context: Context, new: NewUpload) -> Upload:
    file_id = context.ids.new()
    key = object_key(Area.STAGING, context.catalogue.cycle.year, new.place, file_id)
    try:
        store_upload_id = await context.storage.create_upload(key, part_bytes=context.settings.part_size_bytes)
    except StoreFull as error:
        raise AppError("upload.store-full", Kind.UNAVAILABLE, retryable=True) from error
    now = context.clock.now()
    upload = Upload(
        upload_id=context.ids.new(),
        file_id=file_id,
        place=new.place,
        file_name=new.file_name,
        size_bytes=new.size_bytes,
        declared_sha256=new.declared_sha256,
        object_key=key,
        store_upload_id=store_upload_id,
        part_size_bytes=context.settings.part_size_bytes,
        state=UploadState.OPEN,
        created_at=now,
        expires_at=now + timedelta(seconds=context.settings.upload_expires_s),
    )
    try:
        async with context.work.begin(scope_of(new.place)) as unit:
            await _check_quota(context, unit, new)  # another one may have been announced meanwhile
            await unit.save_upload(upload)
    except AppError:
        await context.storage.abort_upload(key, store_upload_id)
        raise
    return upload


async def _check_quota(context: Context, unit: Unit, new: NewUpload) -> None:
    check_quota(await unit.held_bytes(new.place.dossier_id), new.size_bytes, context.settings.dossier_quota_bytes)


async def presign_parts(
    context: Context, scope: Scope, upload_id: str, parts: Sequence[PartToSend]
) -> Sequence[tuple[int, PresignedRequest]]:
    """A presigned PUT per part.

    Raises `AppError` upload.no-such-part, upload.part-size, upload.bad-hash, upload.ended.
    """
    async with context.work.begin(scope) as unit:
        upload = await open_upload(unit, upload_id)
    signed = []
    for part in parts:
        expected = upload.part_bytes(part.number)
        if part.size_bytes != expected:
            raise AppError(
                "upload.part-size",
                Kind.INVALID,
                number=part.number,
                size_bytes=part.size_bytes,
                expected_bytes=expected,
            )
        if not is_sha256(part.sha256):
            raise AppError("upload.bad-hash", Kind.INVALID)
        request = await context.storage.presign_part(
            upload.object_key,
            upload.store_upload_id,
            number=part.number,
            size_bytes=part.size_bytes,
            sha256=part.sha256,
            expires_s=context.settings.part_url_expires_s,
        )
        signed.append((part.number, request))
    return signed


async def list_parts(context: Context, scope: Scope, upload_id: str) -> tuple[Upload, Sequence[StoredPart]]:
    """The session and its parts; of an ended session, no parts.

    Raises `AppError` request.not-found, upload.lost (the store has no such upload any more: send the file again).
    """
    async with context.work.begin(scope) as unit:
        upload = await upload_of(unit, upload_id)
    if upload.state is not UploadState.OPEN:
        return upload, ()
    try:
        return upload, await context.storage.list_parts(upload.object_key, upload.store_upload_id)
    except ObjectMissing as error:
        raise AppError("upload.lost", Kind.GONE) from error


async def abort_upload(context: Context, scope: Scope, upload_id: str) -> None:
    """End an unfinished session and throw its parts away; of an ended one nothing changes.

    A session that is completing is left to complete. Raises `AppError` request.not-found.
    """
    async with context.work.begin(scope) as unit:
        upload = await upload_of(unit, upload_id)
        if upload.state is not UploadState.OPEN:
            return
        await unit.save_upload(replace(upload, state=UploadState.ABORTED))
    await context.storage.abort_upload(upload.object_key, upload.store_upload_id)
