"""Pages of a material as the applicant put them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "review_0007"
down_revision = "review_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; empty means whole files."""
    op.add_column("materials", sa.Column("arrangement", pg.JSONB), schema="review")


def downgrade() -> None:
    """Remove it."""
    op.drop_column("materials", "arrangement", schema="review")
