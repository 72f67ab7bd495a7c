"""What this service does when it hears of something: it only writes jobs down."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from services.gen.events.v1 import events_pb2
from services.kernel.events.consumer import Handler
from services.kernel.events.envelope import Event, message_of
from services.kernel.events.outbox import Outbox
from services.kernel.ids import Ids
from services.kernel.jobs.queue import NewJob, enqueue


def handlers(ids: Ids) -> Mapping[str, Handler]:
    """Event type → handler."""

    async def dossier_submitted(connection: AsyncConnection, _outbox: Outbox, event: Event) -> None:
        body = message_of(event, events_pb2.DossierSubmitted)
        for file in body.files:
            job = NewJob(
                stage="preserve",
                dedup_key=f"preserve:{file.file_id}",
                organisation_path=body.organisation_path,
                dossier_id=body.dossier_id,
                subject_id=file.file_id,
                argument=file.sha256,
            )
            await enqueue(connection, "upload", ids, job)

    return {"shenbao.review.dossier-submitted.v1": dossier_submitted}
