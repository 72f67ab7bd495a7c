"""What waits in the outbox goes to the one topic of this service."""

from services.kernel.events.tables import rename_topics

revision = "video_0003"
down_revision = "video_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rename the topic of what waits."""
    rename_topics("video")


def downgrade() -> None:
    """Nothing: the topic of a row is only where it is sent."""
