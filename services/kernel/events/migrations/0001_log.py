"""The embedded event log: topics, records, members and positions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "events_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the log."""
    op.create_table(
        "topics",
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("partitions", sa.Integer, nullable=False),
        schema="events",
    )
    op.create_table(
        "ends",
        sa.Column("topic", sa.Text, sa.ForeignKey("events.topics.topic"), primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True),
        sa.Column("next_offset", sa.BigInteger, nullable=False, server_default="0"),
        schema="events",
    )
    op.create_table(
        "records",
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True),
        sa.Column("log_offset", sa.BigInteger, primary_key=True),
        #: The record's number in the whole log: an effect's is higher than its cause's, whatever their topics.
        sa.Column("log_position", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("headers", pg.JSONB, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("appended_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        schema="events",
    )
    op.create_table(
        "positions",
        sa.Column("consumer_group", sa.Text, primary_key=True),
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
        schema="events",
    )
    op.create_index("records_appended_at", "records", ["appended_at"], schema="events")


def downgrade() -> None:
    """Remove the log."""
    for table in ("positions", "records", "ends", "topics"):
        op.drop_table(table, schema="events")
