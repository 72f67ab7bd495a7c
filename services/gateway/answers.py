"""Answers with an ETag, and what a caller must say to change a thing: which version he saw."""

import hashlib
import json
import re
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from services.gateway.languages import language
from services.gateway.plain import plain
from services.gen.review.v1 import review_pb2
from services.kernel.errors import AppError, Kind

_TAG = re.compile(r'^"v(\d{1,18})\.[0-9a-f]+"$', re.ASCII)


def dossier_answer(request: Request, dossier: review_pb2.Dossier, status: int = 200) -> Response:
    """A dossier; its ETag begins with the version that `If-Match` takes."""
    return versioned(request, plain(dossier, language(request)), dossier.version, status)


def versioned(request: Request, body: dict[str, Any], version: int, status: int = 200) -> Response:
    """Any body with a version; answers 304 when the reader has it."""
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
    tag = f'"v{version}.{digest}"'
    if request.method == "GET" and request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    return JSONResponse(body, status_code=status, headers={"ETag": tag, "Cache-Control": "no-store"})


def version_wanted(request: Request) -> int:
    """The version in `If-Match`. Raises `AppError` request.if-match-missing or request.bad-if-match."""
    given = request.headers.get("if-match", "")
    if not given:
        raise AppError("request.if-match-missing", Kind.PRECONDITION_REQUIRED)
    found = _TAG.match(given)
    if found is None:
        raise AppError("request.bad-if-match", Kind.INVALID)
    return int(found.group(1))
