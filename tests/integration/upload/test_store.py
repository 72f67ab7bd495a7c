"""Rows and store side by side: what is swept, what never is, and how much a dossier may hold when two ask at once."""

import asyncio
from datetime import timedelta

import pytest

from services.kernel.db.hold import hold_removals
from services.kernel.errors import AppError
from services.upload.domain.records import Area, File, Place, UploadState, object_key
from services.upload.usecases import files, sessions
from services.upload.usecases.completion import complete_upload
from services.upload.usecases.sessions import NewUpload
from services.upload.usecases.sweeping import sweep_store
from tests.integration.upload.conftest import Service

PLACE = Place(
    dossier_id="d1", organisation_path="/sc/", material_id="m1", item_id="annual_assessment",
    component_id="assessment_proof",
)  # fmt: skip
SCOPE = sessions.scope_of(PLACE)
BODY = b"%PDF-1.7 x"
DERIVED = "derived/video/dossiers/d1/f/a.iso"
A_DAY = timedelta(days=1)


def new(size_bytes: int = len(BODY), file_name: str = "考核.pdf") -> NewUpload:
    return NewUpload(place=PLACE, file_name=file_name, size_bytes=size_bytes)


async def stored(service: Service) -> File:
    upload, _ = await sessions.create_upload(service.context, new())
    await service.storage.send(upload.object_key, upload.store_upload_id, 1, BODY)
    return await complete_upload(service.context, SCOPE, upload.upload_id)


async def keys(service: Service) -> list[str]:
    return [info.key async for info in service.storage.store.list("")]


async def unfinished(service: Service) -> list[tuple[str, str]]:
    later = service.clock.now() + timedelta(days=365)
    return [found async for found in service.storage.store.stale_uploads(later)]


def orphan(service: Service, area: Area = Area.STAGING) -> str:
    return object_key(area, service.context.catalogue.cycle.year, PLACE, service.context.ids.new())


async def test_what_no_row_names_goes_after_a_day_and_not_before(service: Service) -> None:
    kept = await stored(service)
    other = orphan(service, Area.EVIDENCE)
    for key in (orphan(service), other, DERIVED):
        await service.storage.store.put(key, BODY)
    before = await keys(service)
    service.clock.moment += A_DAY - timedelta(minutes=5)
    assert await sweep_store(service.context) == (0, 0)
    assert await keys(service) == before
    service.clock.moment += timedelta(minutes=10)
    assert await sweep_store(service.context) == (0, 1)
    assert await keys(service) == sorted([kept.object_key, other, DERIVED])
    assert await sweep_store(service.context) == (0, 0)


async def test_an_object_whose_row_is_about_to_be_written_survives(service: Service) -> None:
    """The sweeper comes between the store's completion and the commit of the file's row."""
    upload, _ = await sessions.create_upload(service.context, new())
    part = await service.storage.send(upload.object_key, upload.store_upload_id, 1, BODY)
    await service.storage.store.complete_upload(upload.object_key, upload.store_upload_id, [part])
    late = orphan(service)
    await service.storage.store.put(late, BODY)
    assert await sweep_store(service.context) == (0, 0)
    service.clock.moment += 2 * A_DAY  # its session is a row that names it, however old it is
    assert await sweep_store(service.context) == (0, 1)
    assert await keys(service) == [upload.object_key]


async def test_files_that_are_deleted_or_evidence_are_left_to_their_own_jobs(service: Service) -> None:
    gone = await stored(service)
    await files.delete_file(service.context, SCOPE, gone.file_id)
    submitted = await stored(service)
    info = await files.preserve(service.context, submitted)
    async with service.context.work.begin(SCOPE) as unit:
        await unit.save_file(submitted.moved(info.key, info.etag, Area.EVIDENCE))
    service.clock.moment += 2 * A_DAY
    assert await sweep_store(service.context) == (0, 1)  # the draft's copy, which evidence has replaced
    assert sorted(await keys(service)) == sorted([info.key, gone.object_key])


async def test_nothing_is_removed_while_a_backup_is_made(service: Service) -> None:
    """A draft that evidence has replaced since the backup's snapshot is still named there."""
    key = orphan(service)
    await service.storage.store.put(key, BODY)
    service.clock.moment += 2 * A_DAY
    async with hold_removals([service.database.url]):
        assert await sweep_store(service.context) == (0, 0)
        assert await keys(service) == [key]
    assert await sweep_store(service.context) == (0, 1)


async def test_uploads_of_the_store_that_no_session_knows_go_after_a_day(service: Service) -> None:
    known, _ = await sessions.create_upload(service.context, new())
    second = await service.storage.store.create_upload(known.object_key)
    for key in (orphan(service), DERIVED):
        await service.storage.store.create_upload(key)
    assert await sweep_store(service.context) == (0, 0)
    assert len(await unfinished(service)) == 4
    service.clock.moment += A_DAY + timedelta(minutes=5)
    assert await sweep_store(service.context) == (3, 0)
    assert await unfinished(service) == [(known.object_key, known.store_upload_id)]
    assert second != known.store_upload_id
    await service.storage.send(known.object_key, known.store_upload_id, 1, BODY)
    assert (await complete_upload(service.context, SCOPE, known.upload_id)).size_bytes == len(BODY)


async def test_of_many_announced_at_once_only_what_fits_is_let_in(service: Service) -> None:
    half = service.context.settings.dossier_quota_bytes // 2
    asked = [sessions.create_upload(service.context, new(half, f"{n}.pdf")) for n in range(5)]
    results = await asyncio.gather(*asked, return_exceptions=True)
    refused = [result for result in results if isinstance(result, AppError)]
    assert [error.code for error in refused] == ["upload.quota"] * 3
    assert len(await unfinished(service)) == 2
    with pytest.raises(AppError, match=r"upload\.quota"):
        await sessions.create_upload(service.context, new(1, "one.pdf"))


async def test_a_session_that_was_given_up_is_none(service: Service) -> None:
    upload, _ = await sessions.create_upload(service.context, new())
    await sessions.abort_upload(service.context, SCOPE, upload.upload_id)
    found = await sessions.list_parts(service.context, SCOPE, upload.upload_id)
    assert found[0].state is UploadState.ABORTED
    assert await unfinished(service) == []
