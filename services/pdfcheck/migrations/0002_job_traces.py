"""Jobs keep the trace in which they were asked for."""

from services.kernel.jobs.tables import add_traceparent, drop_traceparent

revision = "pdfcheck_0002"
down_revision = "pdfcheck_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; jobs of before belong to no trace."""
    add_traceparent("pdfcheck")


def downgrade() -> None:
    """Remove it."""
    drop_traceparent("pdfcheck")
