"""The tables that every service's events need, made by its own first migration."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

metadata = sa.MetaData()

#: Events committed with their effect and not yet in the log. Rows go when they are sent.
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("event_id", sa.Text, nullable=False, unique=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("headers", pg.JSONB, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("added_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)

#: Which events a group has had its effect from.
inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("consumer_group", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("received_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Index("inbox_received_at", "received_at"),
)

#: The newest version of each aggregate that a group has seen, per source; older events are ignored.
inbox_versions = sa.Table(
    "inbox_versions",
    metadata,
    sa.Column("consumer_group", sa.Text, primary_key=True),
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("aggregate_id", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
)


def create_event_tables(schema: str) -> None:
    """Make the three tables in `schema`."""
    for table in (outbox, inbox, inbox_versions):
        op.execute(sa.schema.CreateTable(table.to_metadata(sa.MetaData(), schema=schema)))
    op.create_index("inbox_received_at", "inbox", ["received_at"], schema=schema)


def rename_topics(schema: str) -> None:
    """What waits in the outbox goes to the one topic of its service, as everything since the log's second migration."""
    op.execute(f"UPDATE {schema}.outbox SET topic = 'shenbao.{schema}' WHERE topic LIKE 'shenbao.{schema}.%'")


def drop_event_tables(schema: str) -> None:
    """Remove them again."""
    for table in (outbox, inbox, inbox_versions):
        op.drop_table(table.name, schema=schema)
