"""Texts that were typed instead of being sent as files."""

import sqlalchemy as sa
from alembic import op

from services.kernel.db.rls import enable_row_level_security

revision = "pdfcheck_0009"
down_revision = "pdfcheck_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. Bodies are sealed: what is typed tells of people."""
    names = ("dossier_id", "organisation_path", "material_id", "component_id")
    op.create_table(
        "typed",
        sa.Column("file_id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in names),
        sa.Column("typed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        schema="pdfcheck",
    )
    op.create_index("typed_component", "typed", ["material_id", "component_id"], schema="pdfcheck")
    enable_row_level_security("pdfcheck", "typed")


def downgrade() -> None:
    """Remove it."""
    op.drop_table("typed", schema="pdfcheck")
