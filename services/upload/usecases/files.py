"""What happens to a file once it is in the store."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence

from services.kernel.errors import AppError, Kind, not_found
from services.kernel.storage.port import ObjectInfo, ObjectMissing, PresignedRequest
from services.upload.domain.records import Area, File, FileState, check_file_name, extension_of, object_key
from services.upload.ports import Scope
from services.upload.usecases.context import Context, file_of


async def describe_file(context: Context, scope: Scope, file_id: str, *, replaced_too: bool = False) -> File:
    """The file. Raises `AppError` request.not-found."""
    async with context.work.begin(scope) as unit:
        return await file_of(unit, file_id, replaced_too=replaced_too)


async def list_files(context: Context, scope: Scope) -> Sequence[File]:
    """The dossier's files that are in use, oldest first."""
    async with context.work.begin(scope) as unit:
        return await unit.files(scope.dossier_id)


async def delete_file(context: Context, scope: Scope, file_id: str) -> None:
    """Remove a draft's file and the original it was made from; their bytes go by jobs. What was submitted stays as
    evidence, only out of use.

    Repeating it changes nothing.
    """
    async with context.work.begin(scope) as unit:
        file = await unit.file(file_id)
        if file is not None and file.state is FileState.REPLACED:
            return  # it is kept as long as what stands in its place
        while file is not None and file.state is not FileState.DELETED:
            gone = file.deleted()
            await unit.save_file(gone)
            await unit.announce_deleted(gone)
            if file.area is Area.STAGING:
                await unit.enqueue("purge", file.place, file.file_id, key=f"purge:{file.file_id}")
            file = await unit.file(file.replaces) if file.replaces else None


async def restore_original(context: Context, scope: Scope, file_id: str) -> File:
    """Put the original back into the place of the file that was made from it; that one goes as a deleted file does.
    Repeating it changes nothing.

    Raises `AppError` request.not-found: it was made from none, or something else stands in its place by now.
    """
    async with context.work.begin(scope) as unit:
        file = await unit.file(file_id)
        original = await unit.file(file.replaces) if file is not None and file.replaces else None
        if file is None or original is None:
            raise not_found("original")
        if file.state is FileState.DELETED and original.in_use:
            return original
        if not file.in_use or original.state is not FileState.REPLACED:
            raise not_found("original")
        restored = original.restored()
        await unit.announce_stored(restored, instead_of=file_id)
        if restored.sha256:
            restored = restored.judged(restored.sha256)
            await unit.announce_judged(restored)
        else:
            again = f"verify:{restored.file_id}:{restored.version}"
            await unit.enqueue("verify", restored.place, restored.file_id, key=again)
        await unit.save_file(restored)
        gone = file.deleted()
        await unit.save_file(gone)
        await unit.announce_deleted(gone, restored=restored.file_id)
        if file.area is Area.STAGING:
            await unit.enqueue("purge", file.place, file_id, key=f"purge:{file_id}")
        return restored


async def rename_file(context: Context, scope: Scope, file_id: str, file_name: str) -> File:
    """Give a file another name and announce it; the bytes stay. The same name changes nothing.

    Raises `AppError` request.not-found, upload.bad-file-name, upload.other-extension.
    """
    async with context.work.begin(scope) as unit:
        file = await file_of(unit, file_id)
        if file.file_name == file_name:
            return file
        check_file_name(file_name)
        if extension_of(file_name) != extension_of(file.file_name):
            raise AppError(
                "upload.other-extension", Kind.INVALID, measured=extension_of(file_name),
                allowed=extension_of(file.file_name),
            )  # fmt: skip
        renamed = file.renamed(file_name)
        await unit.save_file(renamed)
        await unit.announce_renamed(renamed)
        return renamed


async def presign_download(
    context: Context, scope: Scope, file_id: str, *, replaced_too: bool = False
) -> PresignedRequest:
    """A download under the file's own name. Raises `AppError` request.not-found."""
    file = await describe_file(context, scope, file_id, replaced_too=replaced_too)
    return await context.storage.presign_get(
        file.object_key,
        expires_s=context.settings.download_url_expires_s,
        filename=file.file_name,
        media_type=file.media_type,
    )


async def hash_of(context: Context, file: File, progress: Callable[[float], None]) -> str:
    """SHA-256 of the stored bytes, read once in order with flat memory; `progress` hears fractions of 1.

    Raises `AppError` upload.lost when the bytes are gone; `StoreUnavailable` is left to the caller's retry.
    """
    digest = hashlib.sha256()
    done = 0
    try:
        async for chunk in context.storage.stream(file.object_key):
            await asyncio.to_thread(digest.update, chunk)
            done += len(chunk)
            progress(done / file.size_bytes)
    except ObjectMissing as error:
        raise AppError("upload.lost", Kind.GONE) from error
    return digest.hexdigest()


async def preserve(context: Context, file: File) -> ObjectInfo:
    """Copy a submitted file's bytes into the evidence area; the caller switches the row."""
    target = object_key(Area.EVIDENCE, context.catalogue.cycle.year, file.place, file.file_id)
    return await context.storage.copy(file.object_key, target, etag=file.etag)


def staging_key(context: Context, file: File) -> str:
    """Where the file lay while it was a draft."""
    return object_key(Area.STAGING, context.catalogue.cycle.year, file.place, file.file_id)
