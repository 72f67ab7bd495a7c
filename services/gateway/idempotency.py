"""`Idempotency-Key`: the same key answers the same way, whatever was lost on the way.

The first answer is kept (sealed, for a day) and repeated. A crash between effect and answer leaves the key claimed
without an answer: the call is then made again, which is harmless because ids of new things are derived from the key
and every other call below is idempotent by itself.
"""

import hashlib
import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from services.gateway.repository import Repository, Session
from services.kernel.clock import Clock
from services.kernel.crypto import KeyRing
from services.kernel.errors import AppError, Kind

HEADER = "idempotency-key"
MOST_CHARACTERS = 200
_CONTEXT = "gateway.answers.body"
#: A claimed key without an answer is still being worked on for this long.
_IN_HAND = timedelta(seconds=30)
_NAMESPACE = uuid.UUID("6f4a0b0e-6a52-5d3f-9a0e-3d1b7f2c9e11")
Answer = Callable[[], Awaitable[Response]]


def key_of(request: Request) -> str:
    """The request's key, "" when it has none. Raises `AppError` request.bad-idempotency-key."""
    key = request.headers.get(HEADER, "")
    if len(key) > MOST_CHARACTERS or not key.isprintable():
        raise AppError("request.bad-idempotency-key", Kind.INVALID, most_characters=MOST_CHARACTERS)
    return key


def id_for(request: Request, session: Session, fresh: str) -> str:
    """The id of what this request makes: derived from the key when there is one, `fresh` otherwise."""
    key = key_of(request)
    return str(uuid.uuid5(_NAMESPACE, f"{session.account_id}\n{request.url.path}\n{key}")) if key else fresh


class Idempotency:
    """Runs a mutating call once per account and key."""

    def __init__(self, repository: Repository, keys: KeyRing, clock: Clock) -> None:
        """Answers are sealed: they hold names."""
        self._repository = repository
        self._keys = keys
        self._clock = clock

    async def once(self, request: Request, session: Session, answer: Answer) -> Response:
        """The kept answer, or that of `answer`, which is kept.

        Raises `AppError` request.idempotency-mismatch (the key was used for another request) and
        request.in-progress (the first call is still running; retryable).
        """
        key = key_of(request)
        if not key:
            return await answer()
        fingerprint = await _fingerprint(request)
        known = await self._repository.remember(session.account_id, key, fingerprint, self._clock.now())
        if known is not None:
            if known.fingerprint != fingerprint:
                raise AppError("request.idempotency-mismatch", Kind.UNPROCESSABLE)
            if known.status is not None and known.body is not None:
                return _again(known.status, self._keys.open(known.body, _CONTEXT), known.etag)
            if known.created_at > self._clock.now() - _IN_HAND:
                raise AppError("request.in-progress", Kind.CONFLICT, retryable=True)
        try:
            response = await answer()
        except BaseException:
            await self._repository.forget(session.account_id, key)
            raise
        await self._keep(session, key, response)
        return response

    async def _keep(self, session: Session, key: str, response: Response) -> None:
        body = self._keys.seal(bytes(response.body).decode(), _CONTEXT)
        etag = response.headers.get("etag", "")
        await self._repository.answered(session.account_id, key, status=response.status_code, body=body, etag=etag)


async def _fingerprint(request: Request) -> bytes:
    body = await request.body()
    head = f"{request.method} {request.url.path} {request.headers.get('if-match', '')}\n".encode()
    return hashlib.sha256(head + body).digest()


def _again(status: int, text: str, etag: str) -> Response:
    headers = {"Idempotency-Replayed": "true", **({"ETag": etag} if etag else {})}
    if not text:
        return Response(status_code=status, headers=headers)
    content: Any = json.loads(text)
    return JSONResponse(content, status_code=status, headers=headers)
