"""Settings of the video service."""

from pydantic import AliasChoices, Field

from services.kernel.config import ServiceSettings, Words


class Settings(ServiceSettings):
    """See `docs/settings.md`."""

    database: str = Field(default="", validation_alias=AliasChoices("SHENBAO_VIDEO_DATABASE", "database"))
    sandbox_apart: Words = ("services.video.tools.probe",)
    sandbox_preload: Words = (
        "services.video.tools.poster",
        "services.video.tools.shots",
        "services.video.tools.look",
        "services.video.tools.proxy",
        "services.video.tools.title_card",
        "services.video.tools.sheet",
        "services.video.tools.evidence",
        "services.video.tools.disc_face",
    )
    #: How much of a video is its opening, which should say who operates on what (M15-2b).
    opening_s: float = Field(default=15, gt=0, le=60)
    #: Take videos that need a DVD of two layers (8.5 GB).
    disc_dual_layer: bool = False
    #: Read every disc image as a whole, also where the object store copied the video itself under its etag.
    disc_rehash: bool = False
    download_url_expires_s: int = Field(default=300, ge=30, le=3600)
