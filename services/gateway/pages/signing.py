"""The door: signing in and out, the first password, the language."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.catalogue import load
from services.catalogue.error_texts import explain
from services.catalogue.wording import Lang
from services.gateway.guard import AppGateway, Gateway, check_origin
from services.gateway.languages import COOKIE, language
from services.gateway.pages.view import page
from services.gateway.pages.visitor import AnyVisitor, SignInNeeded, person_of, typed
from services.gateway.pages.visitor import visitor as find_visitor
from services.kernel.errors import KINDS, AppError

router = APIRouter(include_in_schema=False)
_YEAR_S = 365 * 24 * 3600
_MOST = 200


def inside(to: str) -> str:
    """A path of this site, "/" for anything else: nobody is sent elsewhere by a link to us."""
    parts = urlsplit(to)
    fine = to.startswith("/") and not to.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return to if fine and to.isprintable() else "/"


@router.get("/")
async def front(request: Request) -> Response:
    """To one's own work; for everybody else what this is, and the door."""
    try:
        found = await find_visitor(request)
    except SignInNeeded:
        return page(request, "front.html", catalogue=load.default(), to="/", fields=(), login="", problem=None)
    return RedirectResponse(found.home, status_code=303)


@router.get("/sign-in")
async def sign_in_form(request: Request, to: Annotated[str, Query(max_length=2000)] = "/") -> Response:
    """The form."""
    return page(request, "sign_in.html", to=inside(to), fields=(), login="", problem=None)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    gateway: AppGateway,
    login: Annotated[str, Form(max_length=_MOST)] = "",
    password: Annotated[str, Form(max_length=_MOST)] = "",
    to: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """On to where one wanted to go; what was typed before is shown again for one more click."""
    check_origin(request, gateway.settings)
    kept = [(key.removeprefix("kept."), value) for key, value in await typed(request) if key.startswith("kept.")]
    try:
        token, session = await gateway.sessions.sign_in(login, password)
    except AppError as error:
        said = explain(error.code, error.params, language(request))
        values = {"to": inside(to), "fields": kept, "login": login, "problem": said}
        return page(request, "sign_in.html", KINDS[error.kind].http, **values)
    if kept and not session.must_change:
        person = await person_of(gateway, session)
        answer: Response = page(request, "again.html", visitor=person, to=inside(to), fields=kept)
    else:
        answer = RedirectResponse("/password" if session.must_change else inside(to), status_code=303)
    return with_cookie(answer, gateway, token)


def with_cookie(response: Response, gateway: Gateway, token: str) -> Response:
    """The session's cookie on an answer."""
    settings = gateway.settings
    response.set_cookie(
        settings.cookie_name, token, httponly=True, samesite="lax", secure=settings.https, path="/",
        max_age=settings.session_longest_s,
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return response


@router.post("/sign-out")
async def sign_out(gateway: AppGateway, visitor: AnyVisitor) -> Response:
    """Ends the session."""
    await gateway.repository.end_session(visitor.session.token_sha256)
    answer = RedirectResponse("/", status_code=303)
    settings = gateway.settings
    answer.delete_cookie(settings.cookie_name, path="/", secure=settings.https, httponly=True, samesite="lax")
    return answer


@router.get("/password")
async def password_form(request: Request, visitor: AnyVisitor) -> Response:
    """The form."""
    return page(request, "password.html", visitor=visitor, problem=None, wrong="")


@router.post("/password")
async def change_password(
    request: Request,
    gateway: AppGateway,
    visitor: AnyVisitor,
    old: Annotated[str, Form(max_length=_MOST)] = "",
    new: Annotated[str, Form(max_length=_MOST)] = "",
    again: Annotated[str, Form(max_length=_MOST)] = "",
) -> Response:
    """Ends every other session of the account."""
    if new != again:
        return page(request, "password.html", 400, visitor=visitor, problem=None, wrong="again")
    try:
        token, _ = await gateway.sessions.change_password(visitor.session, old, new)
    except AppError as error:
        said = explain(error.code, error.params, language(request))
        wrong = "old" if error.code == "account.wrong-password" else "new"
        return page(request, "password.html", KINDS[error.kind].http, visitor=visitor, problem=said, wrong=wrong)
    return with_cookie(RedirectResponse(visitor.home, status_code=303), gateway, token)


@router.get("/language/{lang}")
async def choose_language(lang: Lang, to: Annotated[str, Query(max_length=2000)] = "/") -> Response:
    """Remembered for a year in a cookie that holds nothing else."""
    answer = RedirectResponse(inside(to), status_code=303)
    answer.set_cookie(COOKIE, lang, max_age=_YEAR_S, samesite="lax", path="/")
    return answer
