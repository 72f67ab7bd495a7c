"""Smaller files in whose place the original was put back."""

import sqlalchemy as sa
from alembic import op

revision = "pdfcheck_0008"
down_revision = "pdfcheck_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say when; so far there are none. All of a dossier are asked for at once."""
    moment = sa.DateTime(timezone=True)
    op.add_column("derivations", sa.Column("taken_back_at", moment), schema="pdfcheck")
    op.create_index("derivations_dossier", "derivations", ["dossier_id"], schema="pdfcheck")


def downgrade() -> None:
    """Forget it."""
    op.drop_index("derivations_dossier", "derivations", schema="pdfcheck")
    op.drop_column("derivations", "taken_back_at", schema="pdfcheck")
