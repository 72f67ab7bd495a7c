"""Settings of the review service."""

from pydantic import AliasChoices, Field

from services.kernel.config import ServiceSettings


class Settings(ServiceSettings):
    """See `docs/settings.md`."""

    database: str = Field(default="", validation_alias=AliasChoices("SHENBAO_REVIEW_DATABASE", "database"))
    #: How long one Watch call lasts; the caller calls again.
    watch_s: float = Field(default=300, gt=0)
    #: How long the change feed is kept; a reader who goes on from before is told to read everything anew.
    keep_changes_days: int = Field(default=30, ge=1)
    #: How often the heads of all audit chains are anchored in the object store.
    anchor_every_s: float = Field(default=24 * 3600, gt=0)
