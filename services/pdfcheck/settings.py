"""Settings of the pdfcheck service."""

from typing import Annotated

from pydantic import AliasChoices, Field
from pydantic_settings import NoDecode

from services.kernel.config import ServiceSettings


class Settings(ServiceSettings):
    """See `docs/settings.md`."""

    database: str = Field(default="", validation_alias=AliasChoices("SHENBAO_PDFCHECK_DATABASE", "database"))
    sandbox_preload: Annotated[tuple[str, ...], NoDecode] = (
        "services.pdfcheck.tools.inspect",
        "services.pdfcheck.tools.merge",
    )
    download_url_expires_s: int = Field(default=300, ge=30, le=3600)
