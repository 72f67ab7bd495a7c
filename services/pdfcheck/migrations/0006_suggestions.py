"""Which component each page of a file most likely belongs to, for those who asked."""

import sqlalchemy as sa
from alembic import op

from services.kernel.db.rls import enable_row_level_security

revision = "pdfcheck_0006"
down_revision = "pdfcheck_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. Bodies quote headings and are sealed; none while the work is not done."""
    op.create_table(
        "suggestions",
        sa.Column("file_id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("dossier_id", "organisation_path", "item_id")),
        sa.Column("body", sa.LargeBinary),
        schema="pdfcheck",
    )
    enable_row_level_security("pdfcheck", "suggestions")


def downgrade() -> None:
    """Remove it."""
    op.drop_table("suggestions", schema="pdfcheck")
