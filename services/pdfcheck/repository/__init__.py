"""What is kept in PostgreSQL, a module per kind of thing."""

from services.pdfcheck.repository.coaching import PostgresCoaching
from services.pdfcheck.repository.qualities import PostgresQualities
from services.pdfcheck.repository.reports import PostgresReports, merged_files, metadata
from services.pdfcheck.repository.suggestions import PostgresSuggestions
from services.pdfcheck.repository.twins import PostgresTwins
from services.pdfcheck.repository.typed import PostgresTypedTexts

__all__ = [
    "PostgresCoaching",
    "PostgresQualities",
    "PostgresReports",
    "PostgresSuggestions",
    "PostgresTwins",
    "PostgresTypedTexts",
    "merged_files",
    "metadata",
]
