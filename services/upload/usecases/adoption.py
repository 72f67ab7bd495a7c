"""A file that was not sent: another service derived it from one of the dossier's files, and it lies in the store."""

import re
from dataclasses import dataclass

from services.catalogue import sniff
from services.kernel.errors import AppError, Kind, not_found
from services.kernel.storage.port import Excerpt, ObjectChanged, ObjectMissing, StoreFull
from services.upload.domain.acceptance import check_acceptance, check_quota
from services.upload.domain.records import Area, File, FileState, Place, check_request, object_key
from services.upload.ports import Scope, Unit
from services.upload.usecases.completion import SNIFF_BYTES
from services.upload.usecases.context import Context, file_of

_ID = re.compile(r"^[A-Za-z0-9-]{1,64}$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Adopted:
    """What becomes a file, and where."""

    file_id: str
    place: Place
    file_name: str
    source: Excerpt
    #: The file in whose place it is to stand, "" for none.
    replaces: str = ""


async def adopt_file(context: Context, scope: Scope, new: Adopted) -> File:
    """Copy the object inside the store; the file row and its events are committed together. Safe to repeat.

    The file that it replaces goes out of use in the same transaction, and its bytes stay.

    Raises `AppError` as announcing a file does, request.not-found (the object is not one of the dossier's, or not there
    any more; the file that is to be replaced is not in use in that component), upload.store-full.
    """
    async with context.work.begin(scope) as unit:
        found = await unit.file(new.file_id)
    if found is not None and found.state is FileState.DELETED:
        raise AppError("request.not-found", Kind.NOT_FOUND, what="file")
    if found is not None:
        return found
    size_bytes = new.source.length
    if not _ID.match(new.file_id) or not _derived(new.source.key, scope.dossier_id):
        raise AppError("request.not-found", Kind.NOT_FOUND, what="object")
    check_request(place=new.place, file_name=new.file_name, size_bytes=size_bytes, declared_sha256="")
    check_acceptance(context.catalogue, new.place, new.file_name, size_bytes, context.settings.part_size_bytes)
    async with context.work.begin(scope) as unit:
        check_quota(await unit.held_bytes(scope.dossier_id), size_bytes, context.settings.dossier_quota_bytes)
        if new.replaces:
            await _replaceable(unit, new)
    key = object_key(Area.STAGING, context.catalogue.cycle.year, new.place, new.file_id)
    try:
        info = (await context.storage.compose(key, [new.source])).info
    except (ObjectMissing, ObjectChanged) as error:
        raise AppError("request.not-found", Kind.NOT_FOUND, what="object") from error
    except StoreFull as error:
        raise AppError("upload.store-full", Kind.UNAVAILABLE, retryable=True) from error
    head = await context.storage.read(key, 0, SNIFF_BYTES, etag=info.etag)
    file = File(
        file_id=new.file_id,
        place=new.place,
        file_name=new.file_name,
        size_bytes=info.size_bytes,
        media_type=sniff.media_type(head),
        sha256="",
        declared_sha256="",
        object_key=key,
        etag=info.etag,
        area=Area.STAGING,
        state=FileState.STORED,
        stored_at=context.clock.now(),
        replaces=new.replaces,
    )
    async with context.work.begin(scope) as unit:
        check_quota(await unit.held_bytes(scope.dossier_id), size_bytes, context.settings.dossier_quota_bytes)
        again = await unit.file(new.file_id)
        if again is not None:  # somebody else was faster, with the same bytes under the same key
            return again
        if new.replaces:
            await unit.save_file((await _replaceable(unit, new)).replaced())
        await unit.announce_stored(file)
        await unit.enqueue("verify", file.place, file.file_id, key=f"verify:{file.file_id}")
        await unit.save_file(file)
    return file


async def _replaceable(unit: Unit, new: Adopted) -> File:
    """The file that goes out of use. Raises `AppError` request.not-found."""
    file = await file_of(unit, new.replaces)
    if file.place != new.place:
        raise not_found("file")
    return file


def _derived(key: str, dossier_id: str) -> bool:
    """Whether the key is below what some service derived of this dossier."""
    match key.split("/"):
        case ["derived", _, "dossiers", owner, *rest]:
            return owner == dossier_id and bool(rest) and not {".", "..", ""} & set(rest)
    return False
