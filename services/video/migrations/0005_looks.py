"""What a look through a video told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from services.kernel.db.rls import enable_row_level_security

revision = "video_0005"
down_revision = "video_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. Its bodies hold numbers and codes."""
    names = ("dossier_id", "organisation_path", "look_id", "object_key")
    op.create_table(
        "looks",
        sa.Column("file_id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in names),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("body", pg.JSONB, nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        schema="video",
    )
    enable_row_level_security("video", "looks")


def downgrade() -> None:
    """Remove it."""
    op.drop_table("looks", schema="video")
