"""What reviewers work with: submitted files that were replaced, defects collected for a return."""

import sqlalchemy as sa
from alembic import op

from services.kernel.db.rls import enable_row_level_security

revision = "review_0002"
down_revision = "review_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The last submission that held a file, whether it was taken out since; a line per level and material."""
    op.add_column("files", sa.Column("submitted", sa.Integer, nullable=False, server_default="0"), schema="review")
    op.add_column("files", sa.Column("replaced", sa.Boolean, nullable=False, server_default="false"), schema="review")
    op.create_table(
        "draft_defects",
        sa.Column("material_id", sa.Text, primary_key=True),
        sa.Column("level", sa.Text, primary_key=True),
        sa.Column("dossier_id", sa.Text, nullable=False),
        sa.Column("organisation_path", sa.Text, nullable=False),
        sa.Column("reason", sa.LargeBinary, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        schema="review",
    )
    op.create_index("draft_defects_dossier", "draft_defects", ["dossier_id"], schema="review")
    enable_row_level_security("review", "draft_defects")


def downgrade() -> None:
    """Remove them, with the rows that only they explain."""
    op.drop_table("draft_defects", schema="review")
    op.execute("DELETE FROM review.files WHERE replaced")
    op.drop_column("files", "replaced", schema="review")
    op.drop_column("files", "submitted", schema="review")
