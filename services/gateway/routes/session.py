"""Signing in and out, and who one is."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from services.gateway.guard import AnySession, AppGateway, Gateway, check_origin
from services.gateway.languages import language
from services.gateway.plain import plain
from services.gateway.repository import Session
from services.gateway.schemas.operation import SessionAnswer
from services.gen.review.v1 import review_pb2
from services.kernel.grpc_client import call

router = APIRouter(prefix="/api/v1/session", tags=["session"])


class SignIn(BaseModel):
    """Login and password of a local account."""

    login: str = Field(min_length=1, max_length=200, examples=["applicant"])
    password: str = Field(min_length=1, max_length=200, examples=["correct horse battery"])


class NewPassword(BaseModel):
    """The old password and the new one."""

    old: str = Field(min_length=1, max_length=200)
    new: str = Field(min_length=1, max_length=200)


async def _who(request: Request, gateway: Gateway, session: Session) -> dict[str, Any]:
    asked = review_pb2.GetPrincipalRequest(account_id=session.account_id)
    token = gateway.peers.as_actor(session.account_id)
    principal = await call(gateway.peers.review.GetPrincipal, asked, token=token, idempotent=True)
    roles = [
        {**plain(role, language(request)), "role": review_pb2.Role.Name(role.role).removeprefix("ROLE_").lower()}
        for role in principal.roles
    ]
    return {
        "account_id": session.account_id,
        "name": principal.display_name,
        "roles": roles,
        "csrf_token": session.csrf,
        "must_change_password": session.must_change,
    }


def _with_cookie(response: Response, gateway: Gateway, token: str) -> Response:
    settings = gateway.settings
    response.set_cookie(
        settings.cookie_name, token, httponly=True, samesite="lax", secure=settings.https, path="/",
        max_age=settings.session_longest_s,
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return response


@router.post("", summary="Sign in", response_model=SessionAnswer)
async def sign_in(request: Request, body: SignIn, gateway: AppGateway) -> Response:
    """Sets the session cookie and answers with the CSRF token that every change must carry in X-CSRF-Token."""
    check_origin(request, gateway.settings)
    token, session = await gateway.sessions.sign_in(body.login, body.password)
    return _with_cookie(JSONResponse(await _who(request, gateway, session)), gateway, token)


@router.get("", summary="Who am I", response_model=SessionAnswer)
async def who(request: Request, session: AnySession, gateway: AppGateway) -> Response:
    """The account, its roles and the CSRF token."""
    return JSONResponse(await _who(request, gateway, session))


@router.delete("", summary="Sign out", status_code=204)
async def sign_out(session: AnySession, gateway: AppGateway) -> Response:
    """Ends the session."""
    await gateway.repository.end_session(session.token_sha256)
    response = Response(status_code=204)
    response.delete_cookie(
        gateway.settings.cookie_name, path="/", secure=gateway.settings.https, httponly=True, samesite="lax"
    )
    return response


@router.post("/password", summary="Change the password", response_model=SessionAnswer)
async def change_password(request: Request, body: NewPassword, session: AnySession, gateway: AppGateway) -> Response:
    """Ends every session of the account and starts a new one."""
    token, fresh = await gateway.sessions.change_password(session, body.old, body.new)
    return _with_cookie(JSONResponse(await _who(request, gateway, fresh)), gateway, token)
