"""Who looks at a page. Without a session one is asked to sign in, and nothing that was typed is lost."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.gateway.guard import SAFE, Gateway, check_origin, gateway_of
from services.gateway.pages.view import page
from services.gateway.repository import Session
from services.gen.review.v1 import review_pb2 as pb
from services.kernel.errors import AppError, Kind
from services.kernel.grpc_client import call

CSRF_FIELD = "csrf"
#: Fields of a form that are never carried over a new sign-in.
_NOT_KEPT = frozenset({CSRF_FIELD, "password", "old", "new", "again"})
Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """A signed-in person."""

    session: Session
    name: str
    roles: frozenset[str]
    offices: tuple[pb.RoleAssignment, ...]

    @property
    def csrf(self) -> str:
        """What every form carries."""
        return self.session.csrf

    @property
    def home(self) -> str:
        """Where this person's work is."""
        if "reviewer" in self.roles:
            return "/review"
        return "/operation" if "operator" in self.roles else "/mine"


class SignInNeeded(Exception):
    """There is no session; `fields` were typed and shall come back."""

    def __init__(self, to: str, fields: Fields = ()) -> None:
        """`to` is the path that was asked for."""
        super().__init__(to)
        self.to = to
        self.fields = fields


class PasswordDue(Exception):
    """The first password must be changed before anything else."""


async def visitor(request: Request) -> Visitor:
    """The person of the request. Raises `SignInNeeded`, `PasswordDue`, `AppError` request.csrf or foreign-origin."""
    found = await visitor_with_any_password(request)
    if found.session.must_change:
        raise PasswordDue
    return found


async def visitor_with_any_password(request: Request) -> Visitor:
    """As `visitor`, also before the first password was changed."""
    gateway = gateway_of(request)
    check_origin(request, gateway.settings)
    by_itself = request.method in SAFE and "hx-request" in request.headers
    session = await gateway.sessions.find(request.cookies.get(gateway.settings.cookie_name, ""), used=not by_itself)
    if session is None:
        raise SignInNeeded(path_of(request), () if request.method in SAFE else await typed(request))
    if request.method not in SAFE:
        given = str((await request.form()).get(CSRF_FIELD, ""))
        if not hmac.compare_digest(given.encode(), session.csrf.encode()):
            raise AppError("request.csrf", Kind.FORBIDDEN)
    return await person_of(gateway, session)


async def person_of(gateway: Gateway, session: Session) -> Visitor:
    """Name and roles of a session's account."""
    asked = pb.GetPrincipalRequest(account_id=session.account_id)
    token = gateway.peers.as_actor(session.account_id)
    principal = await call(gateway.peers.review.GetPrincipal, asked, token=token, idempotent=True)
    names = {pb.Role.Name(role.role).removeprefix("ROLE_").lower() for role in principal.roles}
    return Visitor(
        session=session,
        name=principal.display_name,
        roles=frozenset(names),
        offices=tuple(principal.roles),
    )


async def typed(request: Request) -> Fields:
    """What a form held, passwords left out."""
    form = await request.form()
    return [(key, value) for key, value in form.multi_items() if isinstance(value, str) and key not in _NOT_KEPT]


async def sent_again(request: Request) -> Fields:
    """All that a form held and was sent for a person who is signed in; nothing where a part of it must not be kept, or
    was a file.
    """
    try:
        form = await request.form()
    except RuntimeError:  # what came was read by somebody else
        return ()
    given = [(key, value) for key, value in form.multi_items() if isinstance(value, str)]
    whole = len(given) == len(form.multi_items())
    return given if whole and {CSRF_FIELD} == _NOT_KEPT & {key for key, _ in given} else ()


def path_of(request: Request) -> str:
    """What was asked for, within this site."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


async def on_sign_in_needed(request: Request, error: Exception) -> Response:
    """To the door and back again; what was typed waits there."""
    if not isinstance(error, SignInNeeded):
        raise error
    address = f"/sign-in?to={quote(error.to)}"
    if request.headers.get("hx-request"):
        return Response(status_code=204, headers={"HX-Redirect": address})
    if not error.fields:
        return RedirectResponse(address, status_code=303)
    return page(request, "sign_in.html", 401, to=error.to, fields=error.fields, login="", problem=None)


async def on_password_due(_request: Request, _error: Exception) -> Response:
    """To the form for it."""
    return RedirectResponse("/password", status_code=303)


SignedInVisitor = Annotated[Visitor, Depends(visitor)]
AnyVisitor = Annotated[Visitor, Depends(visitor_with_any_password)]
