"""Event type → jobs: a verdict for a stored video, a disc for a requested one, an end for what is gone."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue.model import Catalogue
from services.gen.events.v1 import events_pb2 as pb
from services.kernel.events.consumer import Handler
from services.kernel.events.envelope import Event, message_of
from services.kernel.events.outbox import Outbox
from services.kernel.ids import Ids
from services.kernel.jobs.queue import NewJob, cancel_of, enqueue

SERVICE = "video"
#: Stages whose work bears the file's name.
NAMED = ("verdict", "disc")


def _job(stage: str, file: pb.FileRef, *, key: str, priority: int, argument: str = "") -> NewJob:
    return NewJob(
        stage=stage,
        dedup_key=key,
        organisation_path=file.organisation_path,
        dossier_id=file.dossier_id,
        subject_id=file.file_id,
        argument=argument,
        priority=priority,
    )


def handlers(catalogue: Catalogue, ids: Ids) -> Mapping[str, Handler]:
    """Event type → handler."""

    async def stored(connection: AsyncConnection, _outbox: Outbox, event: Event) -> None:
        file = message_of(event, pb.FileStored).file
        if catalogue.item(file.item_id).is_video:
            place = f"{file.material_id}/{file.item_id}/{file.component_id}"
            job = _job("verdict", file, key=f"verdict:{file.file_id}", priority=10, argument=place)
            await enqueue(connection, SERVICE, ids, job)

    async def renamed(connection: AsyncConnection, _outbox: Outbox, event: Event) -> None:
        body = message_of(event, pb.FileRenamed)
        file = body.file
        if catalogue.item(file.item_id).is_video:
            place = f"{file.material_id}/{file.item_id}/{file.component_id}"
            key = f"verdict:{file.file_id}:{body.file_version}"
            await cancel_of(connection, file.file_id, stages=NAMED)  # what is being judged or built has the old name
            await enqueue(connection, SERVICE, ids, _job("verdict", file, key=key, priority=5, argument=place))

    async def disc_requested(connection: AsyncConnection, _outbox: Outbox, event: Event) -> None:
        file = message_of(event, pb.DiscRequested).file
        place = f"{file.material_id}/{file.item_id}/{file.component_id}"
        await enqueue(connection, SERVICE, ids, _job("disc", file, key=f"disc:{event.id}", priority=50, argument=place))

    async def gone(connection: AsyncConnection, _outbox: Outbox, event: Event) -> None:
        file = message_of(event, pb.FileDeleted).file
        await cancel_of(connection, file.file_id)
        if catalogue.item(file.item_id).is_video:
            await enqueue(connection, SERVICE, ids, _job("forget", file, key=f"forget:{file.file_id}", priority=90))

    async def rejected(connection: AsyncConnection, _outbox: Outbox, event: Event) -> None:
        await cancel_of(connection, message_of(event, pb.FileRejected).file.file_id)

    return {
        "shenbao.upload.file-stored.v1": stored,
        "shenbao.upload.file-renamed.v1": renamed,
        "shenbao.upload.file-deleted.v1": gone,
        "shenbao.upload.file-rejected.v1": rejected,
        "shenbao.review.disc-requested.v1": disc_requested,
    }
