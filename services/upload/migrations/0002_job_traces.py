"""Jobs keep the trace in which they were asked for."""

from services.kernel.jobs.tables import add_traceparent, drop_traceparent

revision = "upload_0002"
down_revision = "upload_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; jobs of before belong to no trace."""
    add_traceparent("upload")


def downgrade() -> None:
    """Remove it."""
    drop_traceparent("upload")
