"""Advice on what is too large, and how smaller files came about."""

import sqlalchemy as sa
from alembic import op

from services.kernel.db.rls import enable_row_level_security

revision = "pdfcheck_0005"
down_revision = "pdfcheck_0004"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables. Bodies are sealed: names of a file's parts stand in them."""
    op.create_table(
        "advice",
        sa.Column("subject_id", sa.Text, primary_key=True),
        *_texts("dossier_id", "organisation_path", "advice_id"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        schema="pdfcheck",
    )
    op.create_table(
        "derivations",
        sa.Column("file_id", sa.Text, primary_key=True),
        *_texts("dossier_id", "organisation_path", "from_file_id", "advice_id", "asked_by"),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True)),
        sa.Column("body", sa.LargeBinary, nullable=False),
        schema="pdfcheck",
    )
    op.create_index("derivations_advice", "derivations", ["advice_id"], schema="pdfcheck")
    for table in ("advice", "derivations"):
        enable_row_level_security("pdfcheck", table)


def downgrade() -> None:
    """Remove them."""
    op.drop_table("derivations", schema="pdfcheck")
    op.drop_table("advice", schema="pdfcheck")
