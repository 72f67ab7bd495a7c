"""Event type → what it changes. Nothing here asks another service: that is a job's matter."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager

from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue.findings import LEVELS, Finding
from services.gen.events.v1 import events_pb2 as pb
from services.kernel.events.consumer import Handler
from services.kernel.events.envelope import Event, message_of
from services.kernel.events.outbox import Outbox
from services.review.domain.records import Disc, File, FileState, Merged, Report
from services.review.ports import Unit
from services.review.usecases import hearing
from services.review.usecases.context import Context

Effect = Callable[[Context, Unit, Event], Awaitable[None]]
#: A unit over the consumer's transaction and outbox.
Within = Callable[[AsyncConnection, Outbox], AbstractAsyncContextManager[Unit]]


async def _stored(context: Context, unit: Unit, event: Event) -> None:
    body = message_of(event, pb.FileStored)
    file = File(
        file_id=body.file.file_id,
        component_id=body.file.component_id,
        position=0,
        file_name="",
        size_bytes=body.size_bytes,
        media_type=body.media_type,
        sha256=body.sha256,
        state=FileState.STORED,
    )
    where = (body.file.dossier_id, body.file.material_id)
    await hearing.file_stored(context, unit, *where, file, body.replaces_file_id, event.aggregate_version)


async def _verified(context: Context, unit: Unit, event: Event) -> None:
    body = message_of(event, pb.FileVerified)
    await hearing.file_verified(context, unit, body.file.dossier_id, body.file.file_id, body.sha256)


async def _rejected(context: Context, unit: Unit, event: Event) -> None:
    body = message_of(event, pb.FileRejected)
    await hearing.file_rejected(context, unit, body.file.dossier_id, body.file.file_id, body.code)


async def _renamed(context: Context, unit: Unit, event: Event) -> None:
    body = message_of(event, pb.FileRenamed)
    await hearing.file_renamed(context, unit, body.file.dossier_id, body.file.file_id, body.file_version)


async def _deleted(context: Context, unit: Unit, event: Event) -> None:
    body = message_of(event, pb.FileDeleted)
    if body.restored_file_id:  # what is told of that one takes this one out, and keeps its place
        return
    await hearing.file_deleted(context, unit, body.file.dossier_id, body.file.file_id)


def _codes(codes: list[pb.FoundCode]) -> tuple[Finding, ...]:
    """What an event tells of findings: codes and numbers; the texts follow by a job."""
    return tuple(Finding(code=c.code, rule_id="", measured=c.measured) for c in codes if c.code in LEVELS)


async def _video_checked(context: Context, unit: Unit, event: Event) -> None:
    body = message_of(event, pb.VideoChecked)
    report = Report(
        report_id=body.report_id,
        version=body.report_version,
        verdict=body.verdict,
        fetched=False,
        findings=_codes(list(body.codes)),
        duration_s=body.duration_s,
        file_version=body.file_version,
    )
    await hearing.checked(context, unit, body.file.dossier_id, body.file.file_id, report, "fetch-video-report")


async def _opening_read(_context: Context, unit: Unit, event: Event) -> None:
    body = message_of(event, pb.OpeningRead)
    await hearing.opening_read(unit, body.file.dossier_id, body.file.file_id, body.opening_version)


async def _document_checked(context: Context, unit: Unit, event: Event) -> None:
    body = message_of(event, pb.DocumentChecked)
    report = Report(
        report_id=body.report_id,
        version=body.report_version,
        verdict=body.verdict,
        fetched=False,
        findings=_codes(list(body.codes)),
        pages=body.pages,
    )
    await hearing.checked(context, unit, body.file.dossier_id, body.file.file_id, report, "fetch-document-report")


async def _pages_seen(_context: Context, unit: Unit, event: Event) -> None:
    body = message_of(event, pb.PagesSeen)
    await hearing.pages_seen(unit, body.file.dossier_id, body.file.file_id, body.quality_version)


async def _merged(context: Context, unit: Unit, event: Event) -> None:
    body = message_of(event, pb.MaterialMerged)
    result = Merged(
        merged_id=body.merged_id,
        version=body.merged_version,
        recipe_sha256=body.recipe_sha256,
        sha256=body.sha256,
        size_bytes=body.size_bytes,
        pages=body.pages,
        verdict=body.verdict,
        codes=tuple(code.code for code in body.codes),
    )
    await hearing.merged(context, unit, body.dossier_id, body.material_id, result)


async def _disc_built(context: Context, unit: Unit, event: Event) -> None:
    body = message_of(event, pb.DiscBuilt)
    disc = Disc(
        disc_id=body.disc_id,
        file_id=body.file.file_id,
        sha256=body.sha256,
        size_bytes=body.size_bytes,
        file_sha256=body.file_sha256,
        version=event.aggregate_version,
    )
    await hearing.disc_built(context, unit, body.file.dossier_id, body.file.material_id, disc)


EFFECTS: Mapping[str, Effect] = {
    "shenbao.upload.file-stored.v1": _stored,
    "shenbao.upload.file-verified.v1": _verified,
    "shenbao.upload.file-rejected.v1": _rejected,
    "shenbao.upload.file-renamed.v1": _renamed,
    "shenbao.upload.file-deleted.v1": _deleted,
    "shenbao.video.video-checked.v1": _video_checked,
    "shenbao.video.opening-read.v1": _opening_read,
    "shenbao.video.disc-built.v1": _disc_built,
    "shenbao.pdfcheck.document-checked.v1": _document_checked,
    "shenbao.pdfcheck.pages-seen.v1": _pages_seen,
    "shenbao.pdfcheck.material-merged.v1": _merged,
}


def handlers(context: Context, within: Within) -> Mapping[str, Handler]:
    """The table above, each effect in the consumer's transaction."""

    def bound(effect: Effect) -> Handler:
        async def handle(connection: AsyncConnection, outbox: Outbox, event: Event) -> None:
            async with within(connection, outbox) as unit:
                await effect(context, unit, event)

        return handle

    return {event_type: bound(effect) for event_type, effect in EFFECTS.items()}
