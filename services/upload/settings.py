"""Settings of the upload service."""

from pydantic import AliasChoices, Field

from services.kernel.config import ServiceSettings


class Settings(ServiceSettings):
    """See `docs/settings.md`."""

    database: str = Field(default="", validation_alias=AliasChoices("SHENBAO_UPLOAD_DATABASE", "database"))
    #: Bytes of one part; every part but the last has this size.
    part_size_bytes: int = Field(default=16 * 2**20, ge=5 * 2**20, le=512 * 2**20)
    #: How long an unfinished upload waits to be resumed.
    upload_expires_s: int = Field(default=7 * 24 * 3600, ge=3600)
    #: How long a presigned part may be used.
    part_url_expires_s: int = Field(default=3600, ge=60, le=12 * 3600)
    #: How long a presigned download may be used.
    download_url_expires_s: int = Field(default=300, ge=30, le=3600)
    #: How long an ended session stays after it would have expired.
    keep_sessions_days: int = Field(default=30, ge=1)
    #: Bytes that one dossier may hold at most; what would exceed it is refused before a byte moves.
    dossier_quota_bytes: int = Field(default=12 * 2**30, ge=2**20)
    #: How often the store is searched for what no row names.
    store_sweep_every_s: int = Field(default=3600, ge=60, le=7 * 24 * 3600)
    #: How old that must be before it goes; younger, its row may be about to be written.
    orphan_age_s: int = Field(default=24 * 3600, ge=3600, le=365 * 24 * 3600)
