"""Jobs keep the trace in which they were asked for."""

from services.kernel.jobs.tables import add_traceparent, drop_traceparent

revision = "review_0004"
down_revision = "review_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; jobs of before belong to no trace."""
    add_traceparent("review")


def downgrade() -> None:
    """Remove it."""
    drop_traceparent("review")
