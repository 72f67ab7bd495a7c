"""Who asks, and whether a browser was tricked into asking: session cookie, CSRF token, Origin."""

import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from services.gateway.accounts import Accounts
from services.gateway.auth.sessions import Sessions
from services.gateway.idempotency import Idempotency
from services.gateway.peers import Peers
from services.gateway.repository import Repository, Session
from services.gateway.settings import Settings
from services.kernel.clock import Clock
from services.kernel.errors import AppError, Kind
from services.kernel.ids import Ids
from services.kernel.storage.endpoint import PresignedEndpoint
from services.kernel.storage.presign import Signer

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """Everything a route needs; `app.state.gateway`."""

    settings: Settings
    peers: Peers
    sessions: Sessions
    repository: Repository
    idempotency: Idempotency
    accounts: Accounts
    signer: Signer
    #: Answers presigned requests; None where the object store does so itself.
    objects: PresignedEndpoint | None
    #: Where it does: the origin that pages may send to besides their own.
    objects_origin: str | None
    clock: Clock
    ids: Ids


def gateway_of(request: Request) -> Gateway:
    """The application's parts."""
    gateway: Gateway = request.app.state.gateway
    return gateway


def check_origin(request: Request, settings: Settings) -> None:
    """A browser names the page that asks; another site's is refused. Raises `AppError` request.foreign-origin.

    Programs that are no browsers send none; the session's token still protects what they do.
    """
    origin = request.headers.get("origin")
    if request.method not in SAFE and origin is not None and origin != settings.origin:
        raise AppError("request.foreign-origin", Kind.FORBIDDEN, allowed=settings.origin)


async def session_even_if_password_is_due(request: Request) -> Session:
    """The session of the request. Raises `AppError` session.missing, request.csrf, request.foreign-origin."""
    gateway = gateway_of(request)
    check_origin(request, gateway.settings)
    session = await gateway.sessions.find(request.cookies.get(gateway.settings.cookie_name, ""))
    if session is None:
        raise AppError("session.missing", Kind.UNAUTHENTICATED)
    given = request.headers.get(CSRF_HEADER, "")
    if request.method not in SAFE and not hmac.compare_digest(given.encode(), session.csrf.encode()):
        raise AppError("request.csrf", Kind.FORBIDDEN)
    return session


async def signed_in(request: Request) -> Session:
    """As above; an account whose first password is still to be changed may do nothing else.

    Raises `AppError` account.must-change-password as well.
    """
    session = await session_even_if_password_is_due(request)
    if session.must_change:
        raise AppError("account.must-change-password", Kind.FORBIDDEN)
    return session


AppGateway = Annotated[Gateway, Depends(gateway_of)]
SignedIn = Annotated[Session, Depends(signed_in)]
AnySession = Annotated[Session, Depends(session_even_if_password_is_due)]
