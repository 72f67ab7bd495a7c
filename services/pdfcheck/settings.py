"""Settings of the pdfcheck service."""

from pydantic import AliasChoices, Field

from services.kernel.config import ServiceSettings, Words


class Settings(ServiceSettings):
    """See `docs/settings.md`."""

    database: str = Field(default="", validation_alias=AliasChoices("SHENBAO_PDFCHECK_DATABASE", "database"))
    #: Nobody waits for what is read of documents: it must not slow what somebody waits for.
    ocr_nice: int = Field(default=10, ge=0, le=19)
    ocr_at_once: int = Field(default=1, ge=1, le=64)
    sandbox_apart: Words = ("services.pdfcheck.tools.inspect_pdf",)
    sandbox_preload: Words = (
        "services.pdfcheck.tools.characters",
        "services.pdfcheck.tools.coach",
        "services.pdfcheck.tools.likeness",
        "services.pdfcheck.tools.heads",
        "services.pdfcheck.tools.merge",
        "services.pdfcheck.tools.pixels",
        "services.pdfcheck.tools.quality",
        "services.pdfcheck.tools.render",
        "services.pdfcheck.tools.text",
        "services.pdfcheck.tools.watermark",
    )
    download_url_expires_s: int = Field(default=300, ge=30, le=3600)
