"""Openings that were asked for, sealed: they hold names."""

import json
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue.findings import Finding
from services.kernel.crypto import KeyRing
from services.kernel.db.engine import Database, Scope
from services.kernel.ids import Ids
from services.kernel.jobs.queue import NewJob, cancel_of, enqueue
from services.video.ports import Subject, TitleCard
from services.video.repository.tables import owner, title_cards, upsert

SERVICE = "video"
STAGE = "titlecard"
_BODY = "video.title_cards.body"
_HEAD = ("card_id", "object_key", "requested_at")


class PostgresTitleCards:
    """See the port."""

    def __init__(self, database: Database, keys: KeyRing, ids: Ids) -> None:
        """`database` is the service's own."""
        self._database = database
        self._keys = keys
        self._ids = ids

    async def find(self, dossier_id: str, organisation_path: str, file_id: str) -> TitleCard | None:
        """See the port."""
        scope = Scope(organisation_path=organisation_path, dossier_id=dossier_id)
        query = sa.select(title_cards).where(title_cards.c.file_id == file_id)
        async with self._database.transaction(scope) as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            return None
        body = json.loads(self._keys.open(row["body"], _BODY))
        findings = tuple(Finding(**finding) for finding in body.pop("findings"))
        return TitleCard(**{name: row[name] for name in _HEAD}, **body, findings=findings)

    async def request(self, subject: Subject, card: TitleCard) -> None:
        """See the port."""
        scope = Scope(organisation_path=subject.organisation_path, dossier_id=subject.dossier_id)
        async with self._database.transaction(scope) as connection:
            await cancel_of(connection, subject.file_id, stages=(STAGE,))
            await self.save(connection, subject, card)
            job = NewJob(
                stage=STAGE,
                dedup_key=f"{STAGE}:{card.card_id}",
                organisation_path=subject.organisation_path,
                dossier_id=subject.dossier_id,
                subject_id=subject.file_id,
                argument=card.card_id,
                priority=20,
            )
            await enqueue(connection, SERVICE, self._ids, job)

    async def save(self, connection: AsyncConnection, subject: Subject, card: TitleCard) -> None:
        """See the port."""
        body = asdict(card)
        head = {name: body.pop(name) for name in _HEAD}
        sealed = self._keys.seal(json.dumps(body, ensure_ascii=False, default=dict), _BODY)
        await upsert(connection, title_cards, {**head, **owner(subject), "body": sealed})

    async def forget(self, connection: AsyncConnection, file_id: str) -> None:
        """See the port."""
        await connection.execute(sa.delete(title_cards).where(title_cards.c.file_id == file_id))
