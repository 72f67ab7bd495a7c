"""Reports and discs, with the tables of work."""

import sqlalchemy as sa
from alembic import op

from services.kernel.db.rls import enable_row_level_security
from services.kernel.events.tables import create_event_tables, drop_event_tables
from services.kernel.jobs.tables import create_jobs, drop_jobs

revision = "video_0001"
down_revision = None
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables. A report is sealed: it holds the file's name."""
    op.create_table(
        "reports",
        sa.Column("file_id", sa.Text, primary_key=True),
        *_texts("dossier_id", "organisation_path", "report_id", "verdict"),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        schema="video",
    )
    op.create_table(
        "discs",
        sa.Column("file_id", sa.Text, primary_key=True),
        *_texts("dossier_id", "organisation_path", "disc_id", "object_key", "sha256", "file_sha256", "label"),
        sa.Column("file_name", sa.LargeBinary, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("built_at", sa.DateTime(timezone=True), nullable=False),
        schema="video",
    )
    for table in ("reports", "discs"):
        enable_row_level_security("video", table)
    create_event_tables("video")
    create_jobs("video")


def downgrade() -> None:
    """Remove them."""
    drop_jobs("video")
    drop_event_tables("video")
    for table in ("discs", "reports"):
        op.drop_table(table, schema="video")
