"""Jobs keep the trace in which they were asked for."""

from services.kernel.jobs.tables import add_traceparent, drop_traceparent

revision = "video_0002"
down_revision = "video_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; jobs of before belong to no trace."""
    add_traceparent("video")


def downgrade() -> None:
    """Remove it."""
    drop_traceparent("video")
