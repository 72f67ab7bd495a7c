"""Files that were submitted and replaced since stay known, so that a reviewer sees before and after."""

import sqlalchemy as sa
from alembic import op

revision = "review_0002"
down_revision = "review_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The last submission that held a file, and whether it was taken out since."""
    op.add_column("files", sa.Column("submitted", sa.Integer, nullable=False, server_default="0"), schema="review")
    op.add_column("files", sa.Column("replaced", sa.Boolean, nullable=False, server_default="false"), schema="review")


def downgrade() -> None:
    """Remove them, with the rows that only they explain."""
    op.execute("DELETE FROM review.files WHERE replaced")
    op.drop_column("files", "replaced", schema="review")
    op.drop_column("files", "submitted", schema="review")
