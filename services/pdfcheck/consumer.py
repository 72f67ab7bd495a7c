"""Event type → jobs: a check for a stored document, a merge for a requested one, an end for what is gone or stale."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue.model import Catalogue
from services.gen.events.v1 import events_pb2 as pb
from services.kernel.events.consumer import Handler
from services.kernel.events.envelope import Event, message_of
from services.kernel.events.outbox import Outbox
from services.kernel.ids import Ids
from services.kernel.jobs.queue import NewJob, cancel_of, enqueue
from services.pdfcheck.ports import Coaching, Qualities, Recipe, RecipePart, Suggestions, Twins, TypedTexts, Writing

SERVICE = "pdfcheck"


def _about_file(stage: str, file: pb.FileRef, priority: int, version: int = 1) -> NewJob:
    """Once for each `version` of the file about which it is due."""
    again = f":{version}" if version > 1 else ""
    return NewJob(
        stage=stage,
        dedup_key=f"{stage}:{file.file_id}{again}",
        organisation_path=file.organisation_path,
        dossier_id=file.dossier_id,
        subject_id=file.file_id,
        argument=f"{file.material_id}/{file.item_id}/{file.component_id}",
        priority=priority,
    )


def _recipe(body: pb.MaterialChanged | pb.MergeRequested, version: int) -> Recipe:
    parts = [
        RecipePart(
            file_id=part.file_id,
            component_id=part.component_id,
            sha256=part.sha256,
            pages=tuple((chosen.page, chosen.turn) for chosen in part.pages),
        )
        for part in body.parts
    ]
    return Recipe(
        material_id=body.material_id,
        dossier_id=body.dossier_id,
        organisation_path=body.organisation_path,
        item_id=body.item_id,
        recipe_sha256=body.recipe_sha256,
        parts=tuple(parts),
        version=version,
    )


def _about_material(stage: str, recipe: Recipe, priority: int) -> NewJob:
    return NewJob(
        stage=stage,
        dedup_key=f"{stage}:{recipe.material_id}:{recipe.recipe_sha256}:{recipe.version}",
        organisation_path=recipe.organisation_path,
        dossier_id=recipe.dossier_id,
        subject_id=recipe.material_id,
        argument=recipe.recipe_sha256,
        priority=priority,
    )


def handlers(
    catalogue: Catalogue,
    reports: Writing,
    qualities: Qualities,
    suggestions: Suggestions,
    twins: Twins,
    coaching: Coaching,
    typed: TypedTexts,
    ids: Ids,
) -> Mapping[str, Handler]:
    """Event type → handler."""

    async def stored(connection: AsyncConnection, _outbox: Outbox, event: Event) -> None:
        file = message_of(event, pb.FileStored).file
        if not catalogue.item(file.item_id).is_video:
            await enqueue(connection, SERVICE, ids, _about_file("check", file, 10, event.aggregate_version))

    async def gone(connection: AsyncConnection, _outbox: Outbox, event: Event) -> None:
        body = message_of(event, pb.FileDeleted)
        file = body.file
        await cancel_of(connection, file.file_id)
        if not catalogue.item(file.item_id).is_video:
            await reports.forget_report(connection, file.file_id)
            await qualities.forget_quality(connection, file.file_id)
            await suggestions.forget(connection, file.file_id)
            await twins.forget(connection, file.file_id)
            await typed.forget(connection, file.file_id)
            await enqueue(connection, SERVICE, ids, _about_file("forget", file, 90))
            if body.restored_file_id:
                await coaching.take_back(connection, file.file_id, event.time)

    async def rejected(connection: AsyncConnection, _outbox: Outbox, event: Event) -> None:
        await cancel_of(connection, message_of(event, pb.FileRejected).file.file_id)

    async def material_changed(connection: AsyncConnection, _outbox: Outbox, event: Event) -> None:
        recipe = _recipe(message_of(event, pb.MaterialChanged), event.aggregate_version)
        if catalogue.item(recipe.item_id).is_video:
            return
        await cancel_of(connection, recipe.material_id)
        await reports.save_recipe(connection, recipe)
        await enqueue(connection, SERVICE, ids, _about_material("discard", recipe, 90))

    async def merge_requested(connection: AsyncConnection, _outbox: Outbox, event: Event) -> None:
        recipe = _recipe(message_of(event, pb.MergeRequested), event.aggregate_version)
        await reports.save_recipe(connection, recipe)
        await enqueue(connection, SERVICE, ids, _about_material("merge", recipe, 20))

    return {
        "shenbao.upload.file-stored.v1": stored,
        "shenbao.upload.file-deleted.v1": gone,
        "shenbao.upload.file-rejected.v1": rejected,
        "shenbao.review.material-changed.v1": material_changed,
        "shenbao.review.merge-requested.v1": merge_requested,
    }
