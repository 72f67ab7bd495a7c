"""Advice on what is too large, and how smaller files came about. Sealed: names of a file's parts stand in it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.crypto import KeyRing
from services.kernel.db.engine import Database, Scope
from services.kernel.ids import Ids
from services.kernel.jobs.queue import NewJob, enqueue
from services.pdfcheck.domain.coaching import Advice, Derivation, Method, from_json, page_from_json, to_json
from services.pdfcheck.ports import Subject
from services.pdfcheck.repository.reports import SERVICE, metadata, texts, upsert
from services.pdfcheck.usecases.coaching import advice_job

SHRINK = "shrink"
_ADVICE, _DERIVATION = "pdfcheck.advice.body", "pdfcheck.derivations.body"
_MOMENT = sa.DateTime(timezone=True)
advices = sa.Table(
    "advice",
    metadata,
    sa.Column("subject_id", sa.Text, primary_key=True),
    *texts("dossier_id", "organisation_path", "advice_id"),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
derivations = sa.Table(
    "derivations",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    *texts("dossier_id", "organisation_path", "from_file_id", "advice_id", "asked_by"),
    sa.Column("asked_at", _MOMENT, nullable=False),
    sa.Column("adopted_at", _MOMENT),
    sa.Column("taken_back_at", _MOMENT),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index("derivations_advice", "advice_id"),
    sa.Index("derivations_dossier", "dossier_id"),
)
_HEAD = ("file_id", "from_file_id", "advice_id", "asked_by", "asked_at", "adopted_at")


class PostgresCoaching:
    """See the port."""

    def __init__(self, database: Database, keys: KeyRing, ids: Ids) -> None:
        """`database` is the service's own."""
        self._database = database
        self._keys = keys
        self._ids = ids

    async def _rows(self, dossier_id: str, organisation_path: str, query: Any) -> Sequence[Any]:
        scope = Scope(organisation_path=organisation_path, dossier_id=dossier_id)
        async with self._database.transaction(scope) as connection:
            return (await connection.execute(query)).mappings().all()

    async def advice(self, dossier_id: str, organisation_path: str, subject_id: str) -> Advice | None:
        """See the port."""
        query = sa.select(advices).where(advices.c.subject_id == subject_id)
        rows = await self._rows(dossier_id, organisation_path, query)
        return from_json(json.loads(self._keys.open(rows[0]["body"], _ADVICE))) if rows else None

    async def request_advice(self, subject: Subject, stage: str, argument: str, request_id: str) -> None:
        """See the port."""
        scope = Scope(organisation_path=subject.organisation_path, dossier_id=subject.dossier_id)
        async with self._database.transaction(scope) as connection:
            await enqueue(connection, SERVICE, self._ids, advice_job(subject, stage, argument, request_id))

    async def derivation(self, dossier_id: str, organisation_path: str, file_id: str) -> Derivation | None:
        """See the port."""
        query = sa.select(derivations).where(derivations.c.file_id == file_id)
        rows = await self._rows(dossier_id, organisation_path, query)
        return self._derivation(rows[0]) if rows else None

    async def derivations_of(self, dossier_id: str, organisation_path: str, advice_id: str) -> Sequence[Derivation]:
        """See the port."""
        stands = (derivations.c.advice_id == advice_id) & derivations.c.taken_back_at.is_(None)
        mine = sa.select(derivations).where(stands).order_by(derivations.c.file_id)
        return [self._derivation(row) for row in await self._rows(dossier_id, organisation_path, mine)]

    async def adopted(self, dossier_id: str, organisation_path: str) -> Sequence[Derivation]:
        """See the port."""
        mine = (derivations.c.dossier_id == dossier_id) & derivations.c.adopted_at.is_not(None)
        query = sa.select(derivations).where(mine).order_by(derivations.c.adopted_at, derivations.c.file_id)
        return [self._derivation(row) for row in await self._rows(dossier_id, organisation_path, query)]

    def _derivation(self, row: Any) -> Derivation:
        body = json.loads(self._keys.open(row["body"], _DERIVATION))
        told = {"pages": tuple(page_from_json(page) for page in body["pages"]), "method": Method(body["method"])}
        head = {name: row[name] for name in (*_HEAD, "taken_back_at")}
        return Derivation(**head, **{**body, **told})

    async def request_derivations(self, wanted: Sequence[tuple[Subject, Derivation]]) -> None:
        """See the port."""
        for subject, derivation in wanted:
            scope = Scope(organisation_path=subject.organisation_path, dossier_id=subject.dossier_id)
            async with self._database.transaction(scope) as connection:
                await self.save_derivation(connection, subject, derivation)
                job = NewJob(
                    stage=SHRINK,
                    dedup_key=f"{SHRINK}:{derivation.file_id}",
                    organisation_path=subject.organisation_path,
                    dossier_id=subject.dossier_id,
                    subject_id=subject.file_id,
                    argument=derivation.file_id,
                    priority=20,
                )
                await enqueue(connection, SERVICE, self._ids, job)

    async def save_advice(self, connection: AsyncConnection, subject: Subject, advice: Advice) -> None:
        """See the port."""
        values = {
            "subject_id": subject.file_id or subject.material_id,
            "dossier_id": subject.dossier_id,
            "organisation_path": subject.organisation_path,
            "advice_id": advice.advice_id,
            "body": self._keys.seal(json.dumps(to_json(advice), ensure_ascii=False), _ADVICE),
        }
        await upsert(connection, advices, values, "subject_id")

    async def save_derivation(self, connection: AsyncConnection, subject: Subject, derivation: Derivation) -> None:
        """See the port."""
        body = asdict(derivation)
        del body["taken_back_at"]
        head = {name: body.pop(name) for name in _HEAD}
        owner = {"dossier_id": subject.dossier_id, "organisation_path": subject.organisation_path}
        sealed = self._keys.seal(json.dumps(body, ensure_ascii=False), _DERIVATION)
        await upsert(connection, derivations, {**head, **owner, "body": sealed}, "file_id")

    async def take_back(self, connection: AsyncConnection, file_id: str, at: datetime) -> None:
        """See the port."""
        mine = sa.update(derivations).where(derivations.c.file_id == file_id)
        await connection.execute(mine.values(taken_back_at=at))

    async def forget_advice(self, connection: AsyncConnection, subject_id: str) -> None:
        """See the port."""
        await connection.execute(sa.delete(advices).where(advices.c.subject_id == subject_id))
