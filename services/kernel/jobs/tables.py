"""The table of jobs, made by each service's own migrations. It holds ids only, so it stands outside
row-level security; a worker sets the scope of its transactions from the job that it leased."""

import sqlalchemy as sa
from alembic import op

metadata = sa.MetaData()
_WAITING = "state IN ('queued', 'leased')"


def _first() -> tuple[sa.schema.SchemaItem, ...]:
    """What `create_jobs` makes: an old migration stays what it was."""
    return (
        sa.Column("job_id", sa.Text, primary_key=True),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("dedup_key", sa.Text, nullable=False, unique=True),
        sa.Column("organisation_path", sa.Text, nullable=False),
        sa.Column("dossier_id", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Text, nullable=False),
        sa.Column("argument", sa.Text, nullable=False, server_default=""),
        sa.Column("priority", sa.Integer, nullable=False, server_default="100"),
        sa.Column("state", sa.Text, nullable=False, server_default="queued"),
        sa.Column("run_after", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("max_attempts", sa.Integer, nullable=False, server_default="8"),
        sa.Column("lease_token", sa.Text, nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("progress", sa.Float, nullable=False, server_default="0"),
        sa.Column("cancel_requested", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("last_error", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("state IN ('queued', 'leased', 'done', 'dead', 'cancelled')", name="jobs_state"),
    )


def _traceparent() -> sa.Column[str]:
    """The trace in which the job was asked for; "" when there was none."""
    return sa.Column("traceparent", sa.Text, nullable=False, server_default="")


jobs = sa.Table(
    "jobs",
    metadata,
    *_first(),
    _traceparent(),
    sa.Index("jobs_waiting", "stage", "priority", "run_after", postgresql_where=sa.text(_WAITING)),
    sa.Index("jobs_subject", "subject_id"),
)


def create_jobs(schema: str) -> None:
    """Make the table, as the first migrations have it, and the index that leasing reads."""
    op.execute(sa.schema.CreateTable(sa.Table("jobs", sa.MetaData(), *_first(), schema=schema)))
    waiting = sa.text(_WAITING)
    op.create_index("jobs_waiting", "jobs", ["stage", "priority", "run_after"], schema=schema, postgresql_where=waiting)
    op.create_index("jobs_subject", "jobs", ["subject_id"], schema=schema)


def add_traceparent(schema: str) -> None:
    """A later migration's: jobs keep the trace in which they were asked for."""
    op.add_column("jobs", _traceparent(), schema=schema)


def drop_traceparent(schema: str) -> None:
    """Forget it again."""
    op.drop_column("jobs", "traceparent", schema=schema)


def drop_jobs(schema: str) -> None:
    """Remove it again."""
    op.drop_table("jobs", schema=schema)
