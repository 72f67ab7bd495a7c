"""What was seen on the pages of a document, beside its report."""

import sqlalchemy as sa
from alembic import op

revision = "review_0008"
down_revision = "review_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the sealed column."""
    op.add_column("files", sa.Column("seen", sa.LargeBinary), schema="review")


def downgrade() -> None:
    """Remove it."""
    op.drop_column("files", "seen", schema="review")
