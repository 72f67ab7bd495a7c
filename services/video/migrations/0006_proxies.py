"""Copies of videos for browsers that cannot play the original, and openings that were asked for."""

import sqlalchemy as sa
from alembic import op

from services.kernel.db.rls import enable_row_level_security

revision = "video_0006"
down_revision = "video_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; openings hold names and are sealed."""
    texts, numbers = ("dossier_id", "organisation_path", "proxy_id", "object_key"), ("version", "size_bytes")
    op.create_table(
        "proxies",
        sa.Column("file_id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in texts),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in (*numbers, "width_px", "height_px")),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        schema="video",
    )
    enable_row_level_security("video", "proxies")
    op.create_table(
        "title_cards",
        sa.Column("file_id", sa.Text, primary_key=True),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("dossier_id", "organisation_path", "card_id", "object_key")
        ),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        schema="video",
    )
    enable_row_level_security("video", "title_cards")


def downgrade() -> None:
    """Remove them."""
    op.drop_table("title_cards", schema="video")
    op.drop_table("proxies", schema="video")
