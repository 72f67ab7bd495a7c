"""Opens transactions, and what belongs to no dossier; see the port."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.clock import Clock
from services.kernel.crypto import KeyRing
from services.kernel.db.engine import EVERYTHING, Database
from services.kernel.db.engine import Scope as RowScope
from services.kernel.events.outbox import Outbox
from services.kernel.ids import Ids
from services.kernel.wakeup import Bell
from services.review.domain.audit import AuditRow, Head
from services.review.domain.records import Actor, Dossier, DossierState, Office, Organisation, Role
from services.review.ports import Change, Scope, Unit, Waiting
from services.review.repository import mapping, tables
from services.review.repository.unit import CHANGES_CHANNEL, PostgresUnit


def _rows(scope: Scope) -> RowScope:
    return RowScope(organisation_path=scope.organisation_path, dossier_id=scope.dossier_id)


def _seen_by(applicant_id: str, level: str) -> list[sa.ColumnElement[bool]]:
    """One's own dossiers, or those that have reached one's level."""
    columns = tables.dossiers.c
    return [columns.applicant_id == applicant_id if applicant_id else columns.reached.contains([level])]


class PostgresWork:
    """The port over PostgreSQL."""

    def __init__(self, database: Database, keys: KeyRing, audit_key: bytes, clock: Clock, ids: Ids) -> None:
        """`database` is the service's own."""
        self._database = database
        self._keys = keys
        self._audit_key = audit_key
        self._clock = clock
        self._ids = ids
        self._bell = Bell(database.url, CHANGES_CHANNEL)

    @asynccontextmanager
    async def begin(self, scope: Scope) -> AsyncIterator[Unit]:
        """See the port."""
        async with self._database.transaction(_rows(scope)) as connection, self.within(connection) as unit:
            yield unit

    @asynccontextmanager
    async def within(self, connection: AsyncConnection, outbox: Outbox | None = None) -> AsyncIterator[PostgresUnit]:
        """A unit over a transaction that somebody else commits: a job's, or a consumer's with its own outbox."""
        unit = PostgresUnit(connection, self._keys, self._audit_key, self._clock, self._ids)
        if outbox is not None:
            unit.outbox = outbox
        yield unit
        await unit.flush()

    async def actor(self, account_id: str) -> Actor:
        """See the port."""
        return (await self.actors([account_id]))[account_id]

    async def actors(self, account_ids: Sequence[str]) -> Mapping[str, Actor]:
        """See the port."""
        joined = tables.offices.join(
            tables.organisations, tables.organisations.c.organisation_id == tables.offices.c.organisation_id
        )
        columns = tables.offices.c
        query = sa.select(columns.account_id, columns.role, tables.organisations).select_from(joined)
        async with self._database.transaction() as connection:
            found = await connection.execute(query.where(columns.account_id.in_(list(account_ids))))
            rows = found.mappings().all()
        offices: dict[str, list[Office]] = {account_id: [] for account_id in account_ids}
        for row in rows:
            office = Office(role=Role(row["role"]), organisation=mapping.organisation(row))
            offices[row["account_id"]].append(office)
        return {each: Actor(account_id=each, offices=tuple(held)) for each, held in offices.items()}

    async def organisation(self, organisation_id: str) -> Organisation | None:
        """See the port."""
        query = sa.select(tables.organisations).where(tables.organisations.c.organisation_id == organisation_id)
        async with self._database.transaction() as connection:
            row = (await connection.execute(query)).mappings().first()
        return None if row is None else mapping.organisation(row)

    async def organisations(self, below: str, after: str, size: int) -> Sequence[Organisation]:
        """See the port."""
        path = tables.organisations.c.path
        query = sa.select(tables.organisations).where(sa.func.starts_with(path, below), path > after)
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query.order_by(path).limit(size))).mappings().all()
        return [mapping.organisation(row) for row in rows]

    async def save_organisation(self, organisation: Organisation) -> None:
        """See the port."""
        names = ("organisation_id", "path", "name", "level", "kind")
        values = {name: getattr(organisation, name) for name in names}
        statement = pg.insert(tables.organisations).values(values)
        async with self._database.transaction() as connection:
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["organisation_id"], set_={"name": organisation.name})
            )

    async def assign(self, account_id: str, role: Role, organisation_id: str, name: str) -> None:
        """See the port."""
        office = {"account_id": account_id, "role": role, "organisation_id": organisation_id}
        person = pg.insert(tables.persons).values(person_id=account_id, name=name)
        async with self._database.transaction() as connection:
            await connection.execute(pg.insert(tables.offices).values(office).on_conflict_do_nothing())
            if name:
                await connection.execute(
                    person.on_conflict_do_update(index_elements=["person_id"], set_={"name": name})
                )

    async def names(self, account_ids: Sequence[str]) -> Mapping[str, str]:
        """See the port."""
        query = sa.select(tables.persons.c.person_id, tables.persons.c.name)
        wanted = tables.persons.c.person_id.in_(list(account_ids))
        async with self._database.transaction() as connection:
            return {row[0]: row[1] for row in await connection.execute(query.where(wanted))}

    async def dossiers(
        self, scope: Scope, *, applicant_id: str, level: str, state: str, waiting: bool, within: str, before: str,
        size: int,
    ) -> Sequence[tuple[Dossier, str]]:  # fmt: skip
        """See the port."""
        table = tables.dossiers
        query = sa.select(table).order_by(table.c.dossier_id.desc()).limit(size)
        query = query.where(*_seen_by(applicant_id, level), sa.func.starts_with(table.c.organisation_path, within))
        if waiting:
            query = query.where(table.c.level == level, table.c.state == DossierState.IN_REVIEW)
        if state:
            query = query.where(table.c.state == state)
        if before:
            query = query.where(table.c.dossier_id < before)
        async with self._database.transaction(_rows(scope)) as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [(mapping.dossier(row), row["status"]) for row in rows]

    async def count_dossiers(self, scope: Scope, *, applicant_id: str, level: str) -> tuple[Mapping[str, int], int]:
        """See the port."""
        table = tables.dossiers
        held = sa.func.count().filter(table.c.level == level, table.c.state == DossierState.IN_REVIEW)
        query = sa.select(table.c.state, sa.func.count(), held).where(*_seen_by(applicant_id, level))
        async with self._database.transaction(_rows(scope)) as connection:
            rows = (await connection.execute(query.group_by(table.c.state))).all()
        return {row[0]: row[1] for row in rows}, sum(row[2] for row in rows)

    async def organisation_names(self, organisation_ids: Sequence[str]) -> Mapping[str, str]:
        """See the port."""
        columns = tables.organisations.c
        query = sa.select(columns.organisation_id, columns.name)
        async with self._database.transaction() as connection:
            found = await connection.execute(query.where(columns.organisation_id.in_(list(organisation_ids))))
            return {row[0]: row[1] for row in found}

    async def chain(self, scope: Scope, dossier_id: str) -> tuple[Sequence[AuditRow], Head | None]:
        """See the port."""
        rows = sa.select(tables.audit).where(tables.audit.c.dossier_id == dossier_id).order_by(tables.audit.c.sequence)
        heads = sa.select(tables.audit_heads).where(tables.audit_heads.c.dossier_id == dossier_id)
        async with self._database.transaction(_rows(scope)) as connection:
            found = (await connection.execute(rows)).mappings().all()
            head = (await connection.execute(heads)).mappings().first()
        lines = [AuditRow(sequence=row["sequence"], body=row["body"], mac=row["mac"]) for row in found]
        names = ("dossier_id", "length", "mac", "seal")
        return lines, None if head is None else Head(**{name: head[name] for name in names})

    async def chained(self) -> Sequence[str]:
        """See the port."""
        query = sa.union(sa.select(tables.audit.c.dossier_id), sa.select(tables.audit_heads.c.dossier_id))
        async with self._database.transaction(EVERYTHING) as connection:
            return sorted(row[0] for row in await connection.execute(query))

    async def prune_early_reports(self, before: datetime) -> None:
        """See the port."""
        old = sa.delete(tables.early_reports).where(tables.early_reports.c.arrived_at < before)
        async with self._database.transaction(EVERYTHING) as connection:
            await connection.execute(old)

    async def last_change(self) -> int:
        """See the port."""
        async with self._database.transaction(EVERYTHING) as connection:
            found = await connection.execute(sa.select(sa.func.coalesce(sa.func.max(tables.changes.c.seq), 0)))
            return int(found.scalar_one())

    async def changes(self, scope: Scope, after: int, up_to: int, size: int) -> Sequence[tuple[Change, Dossier]]:
        """See the port."""
        table, dossiers = tables.changes, tables.dossiers
        query = (
            sa.select(table.c.seq, table.c.material_id, table.c.kind, dossiers)
            .join_from(table, dossiers, dossiers.c.dossier_id == table.c.dossier_id)
            .where(table.c.seq > after, table.c.seq <= up_to)
            .order_by(table.c.seq)
            .limit(size)
        )
        async with self._database.transaction(_rows(scope)) as connection:
            rows = (await connection.execute(query)).mappings().all()
        names = ("seq", "dossier_id", "material_id", "kind")
        return [(Change(**{name: row[name] for name in names}), mapping.dossier(row)) for row in rows]

    async def pruned_to(self) -> int:
        """See the port. A gap in the numbers just there only makes a reader read anew who need not have."""
        first = sa.select(sa.func.coalesce(sa.func.min(tables.changes.c.seq), 1))
        async with self._database.transaction(EVERYTHING) as connection:
            return int((await connection.execute(first)).scalar_one()) - 1

    async def prune_changes(self, before: datetime, size: int) -> int:
        """See the port. Reads no further than it deletes: numbers and times grow together."""
        table = tables.changes.c
        oldest = sa.select(table.seq, table.at).order_by(table.seq).limit(size).subquery()
        newest = sa.select(sa.func.max(table.seq)).scalar_subquery()
        old = sa.select(oldest.c.seq).where(oldest.c.at < before)
        statement = sa.delete(tables.changes).where(table.seq.in_(old), table.seq < newest)
        async with self._database.transaction(EVERYTHING) as connection:
            return (await connection.execute(statement)).rowcount

    def watch(self) -> AbstractAsyncContextManager[Waiting]:
        """See the port."""
        return self._bell.heard()
