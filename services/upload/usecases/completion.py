"""Turning a session's parts into a file, once, whatever is repeated or lost on the way."""

from collections.abc import Sequence
from dataclasses import replace

from services.catalogue import sniff
from services.kernel.errors import AppError, Kind, not_found
from services.kernel.storage.port import ObjectExists, ObjectInfo, ObjectMissing, PartDamaged, StoredPart
from services.upload.domain.records import (
    Area,
    ExpectedPart,
    File,
    FileState,
    Upload,
    UploadState,
    check_parts,
    is_sha256,
)
from services.upload.ports import Scope, Unit
from services.upload.usecases.context import Context, upload_of

#: Enough of a file to tell what it is.
SNIFF_BYTES = 4096


async def complete_upload(context: Context, scope: Scope, upload_id: str, declared_sha256: str = "") -> File:
    """Join the parts; the file row and its events are committed together. Safe to repeat at any point.

    Raises `AppError` upload.parts-missing, upload.ended (aborted), upload.bad-hash, upload.hash-conflict (another
    hash than at the start), upload.lost (the store lost the parts: send the file again), request.not-found.
    """
    if declared_sha256 and not is_sha256(declared_sha256):
        raise AppError("upload.bad-hash", Kind.INVALID)
    upload = await _begin(context, scope, upload_id, declared_sha256)
    if upload.state is UploadState.COMPLETED:
        return await _finished(context, scope, upload)
    info = await _join(context, upload)
    head = await context.storage.read(upload.object_key, 0, SNIFF_BYTES, etag=info.etag)
    return await _commit(context, scope, upload, info, sniff.media_type(head))


async def _begin(context: Context, scope: Scope, upload_id: str, declared_sha256: str) -> Upload:
    """Record what is expected, so that a later call can tell whether the store finished what this one began."""
    async with context.work.begin(scope) as unit:
        upload = await upload_of(unit, upload_id)
    if upload.state is UploadState.ABORTED:
        raise AppError("upload.ended", Kind.GONE, state=upload.state)
    if upload.state is not UploadState.OPEN:
        return upload
    stored = await _stored(context, upload)
    check_parts(upload, stored)
    async with context.work.begin(scope) as unit:
        upload = await upload_of(unit, upload_id)
        if upload.state is not UploadState.OPEN:
            return upload
        upload = replace(_declare(upload, declared_sha256), state=UploadState.COMPLETING, expected_parts=stored)
        await unit.save_upload(upload)
    return upload


async def _stored(context: Context, upload: Upload) -> tuple[ExpectedPart, ...]:
    try:
        parts = await context.storage.list_parts(upload.object_key, upload.store_upload_id)
    except ObjectMissing as error:
        raise AppError("upload.lost", Kind.GONE) from error
    return tuple(ExpectedPart(number=p.number, size_bytes=p.size_bytes, sha256=p.sha256) for p in parts)


def _declare(upload: Upload, declared_sha256: str) -> Upload:
    if upload.declared_sha256 and declared_sha256 not in ("", upload.declared_sha256):
        raise AppError("upload.hash-conflict", Kind.CONFLICT)
    return replace(upload, declared_sha256=upload.declared_sha256 or declared_sha256)


async def _join(context: Context, upload: Upload) -> ObjectInfo:
    """Complete at the store; when an earlier call's answer was lost, compare what is there."""
    try:
        parts = await context.storage.list_parts(upload.object_key, upload.store_upload_id)
        return await context.storage.complete_upload(upload.object_key, upload.store_upload_id, _same(upload, parts))
    except (ObjectMissing, ObjectExists) as error:
        try:
            info = await context.storage.head(upload.object_key)
        except ObjectMissing:
            raise AppError("upload.lost", Kind.GONE) from error
        if info.size_bytes != upload.size_bytes:
            raise AppError("upload.lost", Kind.GONE) from error
        return info
    except PartDamaged as error:
        raise AppError("upload.parts-changed", Kind.CONFLICT, retryable=True) from error


def _same(upload: Upload, parts: Sequence[StoredPart]) -> Sequence[StoredPart]:
    """The store's own list, provided it is the recorded one; raises `PartDamaged` when a part was replaced since."""
    expected = {(part.number, part.size_bytes, part.sha256) for part in upload.expected_parts}
    if {(part.number, part.size_bytes, part.sha256) for part in parts} != expected:
        raise PartDamaged(upload.upload_id)
    return parts


async def _commit(context: Context, scope: Scope, upload: Upload, info: ObjectInfo, media_type: str) -> File:
    async with context.work.begin(scope) as unit:
        upload = await upload_of(unit, upload.upload_id)
        if upload.state is UploadState.COMPLETED:
            return await _file(unit, upload)
        file = File(
            file_id=upload.file_id,
            place=upload.place,
            file_name=upload.file_name,
            size_bytes=info.size_bytes,
            media_type=media_type,
            sha256="",
            declared_sha256=upload.declared_sha256,
            object_key=upload.object_key,
            etag=info.etag,
            area=Area.STAGING,
            state=FileState.STORED,
            stored_at=context.clock.now(),
        )
        await unit.announce_stored(file)
        if len(upload.expected_parts) == 1:
            file = file.judged(upload.expected_parts[0].sha256)
            await unit.announce_judged(file)
        else:
            await unit.enqueue("verify", file.place, file.file_id, key=f"verify:{file.file_id}")
        await unit.save_file(file)
        await unit.save_upload(replace(upload, state=UploadState.COMPLETED))
    return file


async def _finished(context: Context, scope: Scope, upload: Upload) -> File:
    async with context.work.begin(scope) as unit:
        return await _file(unit, upload)


async def _file(unit: Unit, upload: Upload) -> File:
    file = await unit.file(upload.file_id)
    if file is None:
        raise not_found("file")
    return file
