"""Reports that come before the file they are about, and which name of a file a report is on."""

import sqlalchemy as sa
from alembic import op

from services.kernel.db.rls import enable_row_level_security

revision = "review_0003"
down_revision = "review_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A row per report that waits for its file."""
    op.add_column(
        "files", sa.Column("named_version", sa.BigInteger, nullable=False, server_default="0"), schema="review"
    )
    op.create_table(
        "early_reports",
        sa.Column("file_id", sa.Text, primary_key=True),
        sa.Column("dossier_id", sa.Text, nullable=False),
        sa.Column("organisation_path", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("report", sa.LargeBinary, nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        schema="review",
    )
    op.create_index("early_reports_arrived_at", "early_reports", ["arrived_at"], schema="review")
    enable_row_level_security("review", "early_reports")


def downgrade() -> None:
    """Remove them; the older code passes such reports over."""
    op.drop_table("early_reports", schema="review")
    op.drop_column("files", "named_version", schema="review")
