"""What is written in the opening of a video, beside its report."""

import sqlalchemy as sa
from alembic import op

revision = "review_0006"
down_revision = "review_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the sealed column."""
    op.add_column("files", sa.Column("opening", sa.LargeBinary), schema="review")


def downgrade() -> None:
    """Remove it."""
    op.drop_column("files", "opening", schema="review")
