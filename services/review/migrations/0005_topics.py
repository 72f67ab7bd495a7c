"""What waits in the outbox goes to the one topic of this service."""

from services.kernel.events.tables import rename_topics

revision = "review_0005"
down_revision = "review_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rename the topic of what waits."""
    rename_topics("review")


def downgrade() -> None:
    """Nothing: the topic of a row is only where it is sent."""
