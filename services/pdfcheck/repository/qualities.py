"""What was seen on pages in PostgreSQL, sealed: first pages say who they are about. Events in the same transaction."""

import json
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue.pages.model import Repeat, SeenPage
from services.catalogue.pages.plain import plain_file, seen_file
from services.gen.events.v1 import events_pb2
from services.kernel.clock import Clock
from services.kernel.crypto import KeyRing
from services.kernel.db.engine import Database, Scope
from services.kernel.events.envelope import Event
from services.kernel.events.outbox import Outbox
from services.kernel.ids import Ids
from services.pdfcheck.domain.prints import NEAR, number_of, pieces_of
from services.pdfcheck.ports import NearPage, Quality, Subject
from services.pdfcheck.repository.reports import SERVICE, metadata

_BODY = "pdfcheck.qualities.body"
_PIECES = tuple(f"piece_{number}" for number in range(7))
#: Wide enough to find a page among those of every dossier.
WIDE = tuple(f"wide_{number}" for number in range(4))
#: Candidates that are looked at of one file.
MOST_CANDIDATES = 400


def sixteen_bits(number: int) -> str:
    """The SQL of one wide piece of the column `print`."""
    return f"((print >> {16 * number}) & 65535::bigint)::integer"


qualities = sa.Table(
    "qualities",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("dossier_id", "organisation_path", "quality_id")),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("repeats", pg.JSONB, nullable=False),
    sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
)
prints = sa.Table(
    "prints",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    sa.Column("page", sa.Integer, primary_key=True),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("dossier_id", "organisation_path")),
    sa.Column("print", sa.BigInteger, nullable=False),
    *(sa.Column(name, sa.SmallInteger, nullable=False) for name in _PIECES),
    *(sa.Column(name, sa.Integer, sa.Computed(sixteen_bits(number))) for number, name in enumerate(WIDE)),
    *(sa.Index(f"prints_{name}", name) for name in ("dossier_id", *_PIECES, *WIDE)),
)


class PostgresQualities:
    """See the port."""

    def __init__(self, database: Database, keys: KeyRing, clock: Clock, ids: Ids) -> None:
        """`database` is the service's own."""
        self._database = database
        self._keys = keys
        self._clock = clock
        self._ids = ids

    async def quality(self, dossier_id: str, organisation_path: str, file_id: str) -> Quality | None:
        """See the port."""
        scope = Scope(organisation_path=organisation_path, dossier_id=dossier_id)
        async with self._database.transaction(scope) as connection:
            query = sa.select(qualities).where(qualities.c.file_id == file_id)
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            return None
        body = json.loads(self._keys.open(row["body"], _BODY))
        seen = seen_file({**body, "version": row["version"], "repeats": row["repeats"]})
        return Quality(quality_id=row["quality_id"], seen=seen, looked_at=row["looked_at"])

    async def near_pages(self, dossier_id: str, organisation_path: str, file_id: str) -> tuple[NearPage, ...]:
        """See the port."""
        mine, other = prints.alias("mine"), prints.alias("other")
        apart = sa.func.bit_count(sa.cast(mine.c.print.bitwise_xor(other.c.print), pg.BIT(64)))
        alike = sa.or_(*(mine.c[piece] == other.c[piece] for piece in _PIECES))
        before = (other.c.file_id != mine.c.file_id) | (other.c.page < mine.c.page)
        query = (
            sa.select(mine.c.page, other.c.file_id, other.c.page.label("other_page"), apart.label("apart"))
            .where(mine.c.file_id == file_id, mine.c.dossier_id == dossier_id, other.c.dossier_id == dossier_id)
            .where(alike, before, apart <= NEAR)
            .order_by(apart, mine.c.page, other.c.file_id, other.c.page)
            .limit(MOST_CANDIDATES)
        )
        async with self._database.transaction(Scope(organisation_path=organisation_path, dossier_id=dossier_id)) as at:
            rows = (await at.execute(query)).mappings().all()
        return tuple(
            NearPage(
                page=row["page"], other_file_id=row["file_id"], other_page=row["other_page"], apart=row["apart"]
            )
            for row in rows
        )  # fmt: skip

    async def save_quality(
        self, connection: AsyncConnection, outbox: Outbox, subject: Subject, quality: Quality
    ) -> None:
        """See the port."""
        body = {name: value for name, value in plain_file(quality.seen).items() if name not in ("version", "repeats")}
        values = {
            **_owner(subject),
            "quality_id": quality.quality_id,
            "version": quality.seen.version,
            "body": self._keys.seal(json.dumps(body, ensure_ascii=False), _BODY),
            "repeats": [asdict(each) for each in quality.seen.repeats],
            "looked_at": quality.looked_at,
        }
        changing = {name: value for name, value in values.items() if name != "file_id"}
        statement = pg.insert(qualities).values(values)
        await connection.execute(statement.on_conflict_do_update(index_elements=["file_id"], set_=changing))
        await connection.execute(sa.delete(prints).where(prints.c.file_id == subject.file_id))
        rows = [_print(subject, page) for page in quality.seen.pages if not page.is_blank]
        if rows:
            await connection.execute(sa.insert(prints), rows)
        self._announce(outbox, subject, quality.quality_id, quality.seen.version)

    async def save_repeats(
        self, connection: AsyncConnection, outbox: Outbox, subject: Subject, repeats: tuple[Repeat, ...], version: int
    ) -> None:
        """See the port."""
        changed = (
            sa.update(qualities)
            .where(qualities.c.file_id == subject.file_id)
            .values(repeats=[asdict(each) for each in repeats], version=version)
            .returning(qualities.c.quality_id)
        )
        quality_id = (await connection.execute(changed)).scalar_one_or_none()
        if quality_id is not None and repeats:
            self._announce(outbox, subject, quality_id, version)

    async def forget_quality(self, connection: AsyncConnection, file_id: str) -> None:
        """See the port."""
        for table in (prints, qualities):
            await connection.execute(sa.delete(table).where(table.c.file_id == file_id))

    def _announce(self, outbox: Outbox, subject: Subject, quality_id: str, version: int) -> None:
        file = events_pb2.FileRef(**asdict(subject))
        told = events_pb2.PagesSeen(file=file, quality_id=quality_id, quality_version=version)
        outbox.add(
            Event(
                id=self._ids.new(),
                type="shenbao.pdfcheck.pages-seen.v1",
                source=SERVICE,
                aggregate_id=subject.file_id,
                aggregate_version=version,
                time=self._clock.now(),
                payload=told.SerializeToString(deterministic=True),
            )
        )


def _owner(subject: Subject) -> dict[str, str]:
    return {name: getattr(subject, name) for name in ("file_id", "dossier_id", "organisation_path")}


def _print(subject: Subject, page: SeenPage) -> dict[str, Any]:
    pieces = dict(zip(_PIECES, pieces_of(page.print), strict=True))
    return {**_owner(subject), "page": page.page, "print": number_of(page.print), **pieces}
