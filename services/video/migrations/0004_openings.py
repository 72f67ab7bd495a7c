"""What the openings of videos say."""

import sqlalchemy as sa
from alembic import op

from services.kernel.db.rls import enable_row_level_security

revision = "video_0004"
down_revision = "video_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. Its bodies are sealed: they hold names."""
    op.create_table(
        "openings",
        sa.Column("file_id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("dossier_id", "organisation_path", "opening_id")),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        schema="video",
    )
    enable_row_level_security("video", "openings")


def downgrade() -> None:
    """Remove it."""
    op.drop_table("openings", schema="video")
