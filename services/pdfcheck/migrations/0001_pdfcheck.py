"""Reports and merged materials, with the tables of work."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from services.kernel.db.rls import enable_row_level_security
from services.kernel.events.tables import create_event_tables, drop_event_tables
from services.kernel.jobs.tables import create_jobs, drop_jobs

revision = "pdfcheck_0001"
down_revision = None
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables. Bodies are sealed: findings and bookmarks may quote a file or its name."""
    op.create_table(
        "reports",
        sa.Column("file_id", sa.Text, primary_key=True),
        *_texts("dossier_id", "organisation_path", "report_id", "verdict"),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        schema="pdfcheck",
    )
    op.create_table(
        "materials",
        sa.Column("material_id", sa.Text, primary_key=True),
        *_texts("dossier_id", "organisation_path", "item_id", "recipe_sha256"),
        sa.Column("parts", pg.JSONB, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        schema="pdfcheck",
    )
    op.create_table(
        "merged",
        sa.Column("material_id", sa.Text, primary_key=True),
        *_texts("dossier_id", "organisation_path", "merged_id", "recipe_sha256", "object_key", "sha256", "verdict"),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("pages", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        schema="pdfcheck",
    )
    for table in ("reports", "materials", "merged"):
        enable_row_level_security("pdfcheck", table)
    create_event_tables("pdfcheck")
    create_jobs("pdfcheck")


def downgrade() -> None:
    """Remove them."""
    drop_jobs("pdfcheck")
    drop_event_tables("pdfcheck")
    for table in ("merged", "materials", "reports"):
        op.drop_table(table, schema="pdfcheck")
