"""Suggestions of components in PostgreSQL, sealed: a heading may name a person."""

import json
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.crypto import KeyRing
from services.kernel.db.engine import Database, Scope
from services.kernel.ids import Ids
from services.kernel.jobs.queue import NewJob, enqueue
from services.pdfcheck.domain.headings import Suggestion
from services.pdfcheck.ports import Suggested
from services.pdfcheck.repository.reports import SERVICE, metadata

STAGE = "headings"
_BODY = "pdfcheck.suggestions.body"
suggestions = sa.Table(
    "suggestions",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("dossier_id", "organisation_path", "item_id")),
    sa.Column("body", sa.LargeBinary),
)


class PostgresSuggestions:
    """See the port."""

    def __init__(self, database: Database, keys: KeyRing, ids: Ids) -> None:
        """`database` is the service's own."""
        self._database = database
        self._keys = keys
        self._ids = ids

    async def request(self, dossier_id: str, organisation_path: str, file_id: str, item_id: str) -> None:
        """See the port."""
        values = {
            "file_id": file_id,
            "dossier_id": dossier_id,
            "organisation_path": organisation_path,
            "item_id": item_id,
        }
        scope = Scope(organisation_path=organisation_path, dossier_id=dossier_id)
        async with self._database.transaction(scope) as connection:
            statement = pg.insert(suggestions).values(values).on_conflict_do_nothing().returning(sa.literal(1))
            if (await connection.execute(statement)).first() is None:
                return
            job = NewJob(
                stage=STAGE,
                dedup_key=f"{STAGE}:{file_id}",
                organisation_path=organisation_path,
                dossier_id=dossier_id,
                subject_id=file_id,
                argument=item_id,
                priority=30,
            )
            await enqueue(connection, SERVICE, self._ids, job)

    async def suggested(self, dossier_id: str, organisation_path: str, file_id: str) -> Suggested | None:
        """See the port."""
        scope = Scope(organisation_path=organisation_path, dossier_id=dossier_id)
        async with self._database.transaction(scope) as connection:
            query = sa.select(suggestions).where(suggestions.c.file_id == file_id)
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            return None
        if row["body"] is None:
            return Suggested(item_id=row["item_id"], pages=None)
        told = json.loads(self._keys.open(row["body"], _BODY))
        return Suggested(item_id=row["item_id"], pages=tuple(Suggestion(**each) for each in told))

    async def save(self, connection: AsyncConnection, file_id: str, found: tuple[Suggestion, ...]) -> None:
        """See the port."""
        sealed = self._keys.seal(json.dumps([asdict(each) for each in found], ensure_ascii=False), _BODY)
        own = suggestions.c.file_id == file_id
        await connection.execute(sa.update(suggestions).where(own).values(body=sealed))

    async def forget(self, connection: AsyncConnection, file_id: str) -> None:
        """See the port."""
        await connection.execute(sa.delete(suggestions).where(suggestions.c.file_id == file_id))
