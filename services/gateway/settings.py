"""Settings of the gateway."""

from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, model_validator

from services.kernel.config import ServiceSettings


class Settings(ServiceSettings):
    """See `docs/settings.md`."""

    database: str = Field(default="", validation_alias=AliasChoices("SHENBAO_GATEWAY_DATABASE", "database"))
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    #: Allow an address beyond this machine without an https public URL.
    insecure: bool = False
    session_idle_s: int = Field(default=8 * 3600, ge=60)
    session_longest_s: int = Field(default=24 * 3600, ge=60)
    login_failures: int = Field(default=5, ge=1)
    lockout_s: int = Field(default=900, ge=1)
    #: Seeded accounts keep their password only in local mode.
    seed_file: str = ""

    @model_validator(mode="after")
    def refuse_open_door(self) -> Self:
        """Cookies and passwords in clear leave this machine only when somebody said so."""
        if not self.insecure and not self.https and not _is_loopback(self.host):
            raise ValueError(
                f"SHENBAO_HOST {self.host} is reachable from elsewhere: set SHENBAO_PUBLIC_URL to an https address, "
                "or say --insecure"
            )
        return self

    @property
    def https(self) -> bool:
        """Whether people reach this by https."""
        return urlsplit(self.public_url).scheme == "https"

    @property
    def origin(self) -> str:
        """Scheme, host and port that a browser sends as Origin."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def cookie_name(self) -> str:
        """`__Host-` demands Secure, which http on loopback cannot have."""
        return "__Host-shenbao" if self.https else "shenbao"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
