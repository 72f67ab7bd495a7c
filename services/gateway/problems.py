"""Errors as RFC 9457 problem details, in the reader's language."""

from typing import Any

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from services.catalogue.complaints import of_validation
from services.catalogue.error_texts import explain
from services.catalogue.wording import Lang
from services.gateway import limits
from services.gateway.languages import language
from services.gateway.pages.view import page
from services.gateway.pages.visitor import path_of, sent_again
from services.kernel.db.outage import is_outage
from services.kernel.errors import KINDS, AppError, Kind

LANGUAGES: tuple[Lang, Lang] = ("en", "zh")
#: How many problems of one request are said.
MOST_PROBLEMS = 10
MEDIA_TYPE = "application/problem+json"
log = structlog.get_logger()


async def problem(request: Request, error: AppError, status: int | None = None) -> Response:
    """The error as an answer, a page for browsers that look at pages; `request_id` is what an operator searches for.
    Where waiting helps, the page holds what was typed, to be sent again.
    """
    lang = language(request)
    text = explain(error.code, error.params, lang)
    status = status or KINDS[error.kind].http
    request_id = getattr(request.state, "request_id", "")
    if _wants_page(request):
        fields = await sent_again(request) if error.retryable else ()
        return page(
            request, "error.html", status, problem=text, code=error.code, request_id=request_id, fields=fields,
            to=path_of(request),
        )  # fmt: skip
    body: dict[str, Any] = {
        "type": f"/docs/errors#{error.code}",
        "title": text.title,
        "status": status,
        "detail": text.detail,
        "fix": text.fix,
        "code": error.code,
        "params": dict(error.params),
        "request_id": request_id,
        "retryable": error.retryable,
    }
    headers = {"Content-Language": "zh-CN" if lang == "zh" else "en"}
    if error.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Cookie"
    if isinstance(seconds := error.params.get("seconds"), int) and error.kind is Kind.LIMITED:
        headers["Retry-After"] = str(seconds)
    return JSONResponse(body, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def _wants_page(request: Request) -> bool:
    path = request.url.path
    return not path.startswith(("/api/", "/objects/")) and "text/html" in request.headers.get("accept", "")


async def on_app_error(request: Request, error: Exception) -> Response:
    """FastAPI's handler for `AppError`."""
    if not isinstance(error, AppError):
        raise error
    return await problem(request, error)


async def on_invalid_request(request: Request, error: Exception) -> Response:
    """A body or parameter that is not of the documented form: which one and why, never what stood there."""
    found = of_validation(error.errors()[:MOST_PROBLEMS]) if isinstance(error, RequestValidationError) else ()
    en, zh = ("; ".join(each.text(lang) for each in found) for lang in LANGUAGES)
    return await problem(request, AppError("request.invalid", Kind.INVALID, problems=en, problems_zh=zh))


async def on_http_error(request: Request, error: Exception) -> Response:
    """Starlette's own refusals (no such route, wrong method, a body that cannot be read) in the same form."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    answer = await problem(request, _refusal(status), status)
    for name, value in (getattr(error, "headers", None) or {}).items():
        answer.headers[name] = value
    return answer


def _refusal(status: int) -> AppError:
    match status:
        case 400:
            en, zh = "the body cannot be read", "请求内容无法读取"
            return AppError("request.invalid", Kind.INVALID, problems=en, problems_zh=zh)
        case 404:
            return AppError("request.not-found", Kind.NOT_FOUND, what="page")
        case limits.TOO_LARGE:
            return AppError("request.too-large", Kind.TOO_LARGE, most_bytes=limits.MOST_BODY_BYTES)
    return AppError("request.refused", Kind.INVALID, http_status=status)


async def on_failed_call(request: Request, error: Exception) -> Response:
    """The gateway's own database or disk: waiting helps where it is away, anything else is a bug."""
    if not is_outage(error):
        raise error
    log.warning("waiting for the database or the disk", action="gateway.outage", error=type(error).__name__)
    return await problem(request, AppError("service.unavailable", Kind.UNAVAILABLE, retryable=True))


async def on_bug(request: Request, _error: Exception) -> Response:
    """Whatever else: a bug. The log has the rest under the request id."""
    return await problem(request, AppError("service.failed", Kind.INTERNAL))
