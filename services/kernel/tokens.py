"""Service tokens: who asks whom for what, signed for sixty seconds.

Between services every call carries one. `review` mints the tokens for `upload`, `video` and `pdfcheck` when it
authorises an actor; the gateway mints those for `review`. A service's own work names the service as actor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import jwt

from services.kernel.clock import Clock
from services.kernel.errors import AppError, Kind

LIFETIME = timedelta(seconds=60)
#: Clocks of two machines may differ by this much.
LEEWAY = timedelta(seconds=5)
_ALGORITHM = "HS256"


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """What a token says. Empty `dossier_id` or `organisation_path` means: none is named."""

    #: Account id of a person, or "service:upload".
    actor: str
    #: The service that may accept it.
    audience: str
    organisation_path: str = ""
    dossier_id: str = ""
    #: What it was minted for ("view", "upload", "operate", …).
    action: str = ""
    #: Who looks, in words for the pictures that this person is given; empty for whose dossier it is.
    viewer: str = ""

    @property
    def is_service(self) -> bool:
        """Whether a service acts on its own behalf."""
        return self.actor.startswith("service:")


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenKey:
    """One signing secret of at least 32 bytes; the first of a ring signs, every one verifies."""

    key_id: str
    secret: str


class Tokens:
    """Mints and verifies tokens with a ring of keys."""

    def __init__(self, keys: Sequence[TokenKey], clock: Clock) -> None:
        """`keys[0]` signs. Raises `ValueError` for an empty ring or a short secret."""
        if not keys or any(len(key.secret.encode()) < 32 for key in keys):
            raise ValueError("a token ring needs at least one secret of 32 bytes or more")
        self._keys = {key.key_id: key.secret for key in keys}
        self._signing = keys[0]
        self._clock = clock

    def mint(self, claims: Claims) -> str:
        """A token for `claims`, valid for :data:`LIFETIME` from now."""
        now = self._clock.now()
        body = {
            "sub": claims.actor,
            "aud": claims.audience,
            "org": claims.organisation_path,
            "dos": claims.dossier_id,
            "act": claims.action,
            **({"vwr": claims.viewer} if claims.viewer else {}),
            "iat": int(now.timestamp()),
            "exp": int((now + LIFETIME).timestamp()),
        }
        return jwt.encode(body, self._signing.secret, algorithm=_ALGORITHM, headers={"kid": self._signing.key_id})

    def verify(self, token: str, *, audience: str) -> Claims:
        """The claims of a valid token for `audience`.

        Raises `AppError` "token.invalid" (forged, damaged, for somebody else) or "token.expired".
        """
        try:
            secret = self._keys[str(jwt.get_unverified_header(token).get("kid"))]
            body = jwt.decode(
                token,
                secret,
                algorithms=[_ALGORITHM],
                audience=audience,
                options={"require": ["sub", "aud", "exp", "iat"], "verify_exp": False, "verify_iat": False},
            )
            issued, expires = int(body["iat"]), int(body["exp"])
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, OverflowError) as error:
            raise AppError("token.invalid", Kind.UNAUTHENTICATED, audience=audience) from error
        now = self._clock.now().timestamp()
        if now > expires + LEEWAY.total_seconds() or expires - issued > LIFETIME.total_seconds():
            raise AppError("token.expired", Kind.UNAUTHENTICATED, audience=audience)
        if issued > now + LEEWAY.total_seconds():
            raise AppError("token.invalid", Kind.UNAUTHENTICATED, audience=audience)
        return Claims(
            actor=body["sub"],
            audience=audience,
            organisation_path=str(body.get("org", "")),
            dossier_id=str(body.get("dos", "")),
            action=str(body.get("act", "")),
            viewer=str(body.get("vwr", "")),
        )
