"""Files that were made from another one, and stand in its place."""

import sqlalchemy as sa
from alembic import op

revision = "upload_0004"
down_revision = "upload_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Remember which; there are none yet."""
    op.add_column("files", sa.Column("replaces", sa.Text, nullable=False, server_default=""), schema="upload")


def downgrade() -> None:
    """Forget it: an original is deleted then, as far as anybody is told."""
    op.execute("UPDATE upload.files SET state = 'deleted' WHERE state = 'replaced'")
    op.drop_column("files", "replaces", schema="upload")
