"""What is kept of videos in PostgreSQL."""

from services.video.repository.reports import PostgresReports
from services.video.repository.title_cards import PostgresTitleCards

__all__ = ["PostgresReports", "PostgresTitleCards"]
