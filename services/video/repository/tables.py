"""The service's tables, by file, and how a row is written."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from services.video.ports import Subject

metadata = sa.MetaData()


def texts(*names: str) -> list[sa.Column[str]]:
    """Columns of text that are never null."""
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


reports = sa.Table(
    "reports",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    *texts("dossier_id", "organisation_path", "report_id", "verdict"),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
)
openings = sa.Table(
    "openings",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    *texts("dossier_id", "organisation_path", "opening_id"),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
)
looks = sa.Table(
    "looks",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    *texts("dossier_id", "organisation_path", "look_id", "object_key"),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("body", pg.JSONB, nullable=False),
    sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
)
proxies = sa.Table(
    "proxies",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    *texts("dossier_id", "organisation_path", "proxy_id", "object_key"),
    *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("version", "size_bytes", "width_px", "height_px")),
    sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
)
discs = sa.Table(
    "discs",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    *texts("dossier_id", "organisation_path", "disc_id", "object_key", "sha256", "file_sha256", "label"),
    sa.Column("file_name", sa.LargeBinary, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("built_at", sa.DateTime(timezone=True), nullable=False),
)
title_cards = sa.Table(
    "title_cards",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    *texts("dossier_id", "organisation_path", "card_id", "object_key"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
)


def owner(subject: Subject) -> dict[str, str]:
    """Whose row it is: what row security looks at, and the key."""
    return {
        "file_id": subject.file_id,
        "dossier_id": subject.dossier_id,
        "organisation_path": subject.organisation_path,
    }


async def upsert(connection: AsyncConnection, table: sa.Table, values: dict[str, Any]) -> None:
    """Insert the row of a file, or replace all of it."""
    changing = {name: value for name, value in values.items() if name != "file_id"}
    statement = pg.insert(table).values(values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["file_id"], set_=changing))
