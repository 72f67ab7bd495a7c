"""How much a request may carry. Files go in parts to presigned URLs, which sign their lengths; all else is small."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The largest number that the other services understand.
MOST = 2**63 - 1
MOST_BODY_BYTES = 2**20
#: Of a body that is too large so much is read and thrown away, so that its sender hears why.
_DRAINED_BYTES = 16 * 2**20
_UNLIMITED = "/objects/"
TOO_LARGE = 413


class BodyLimit:
    """ASGI middleware: reading a body that is too large raises an `HTTPException` with status 413."""

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BODY_BYTES) -> None:
        """`most_bytes` is allowed, one more is not."""
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, counting what is read."""
        if scope["type"] != "http" or scope["path"].startswith(_UNLIMITED):
            return await self._app(scope, receive, send)
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most:
                await _drain(receive, message)
                raise HTTPException(TOO_LARGE)
            return message

        return await self._app(scope, counted, send)


async def _drain(receive: Receive, message: Message) -> None:
    drained = 0
    while message.get("more_body") and drained < _DRAINED_BYTES:
        message = await receive()
        drained += len(message.get("body", b""))
