"""The event stream of a browser: one line per change that its person may see, from a number on."""

import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from services.gateway.guard import AppGateway, Gateway
from services.gateway.limits import MOST
from services.gen.review.v1 import review_pb2 as pb
from services.kernel.errors import AppError, Kind
from services.kernel.grpc_client import stream

router = APIRouter(include_in_schema=False)
#: One call to `review`; then a comment keeps proxies from closing, and the session is looked up again.
ROUND_S = 20.0
#: What a browser waits before it connects again.
_RETRY_MS = 1000


@router.get("/events")
async def events(
    request: Request,
    gateway: AppGateway,
    after: Annotated[int, Query(ge=0, le=MOST)] = 0,
    last_event_id: Annotated[str, Header(max_length=20, pattern=r"^\d{0,18}$")] = "",
) -> Response:
    """`text/event-stream`; `id` is the change's number, which a browser sends back when it connects again."""
    start = int(last_event_id) if last_event_id else after
    cookie = request.cookies.get(gateway.settings.cookie_name, "")
    session = await gateway.sessions.find(cookie, used=False)
    if session is None:
        raise AppError("session.missing", Kind.UNAUTHENTICATED)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    body = _lines(gateway, session.account_id, cookie, start)
    return StreamingResponse(body, media_type="text/event-stream", headers=headers)


async def _lines(gateway: Gateway, account_id: str, cookie: str, after: int) -> AsyncIterator[str]:
    yield f"retry: {_RETRY_MS}\n\n"
    while await gateway.sessions.find(cookie, used=False) is not None:
        asked = pb.WatchRequest(after_seq=after)
        token = gateway.peers.as_actor(account_id)
        try:
            async for change in stream(gateway.peers.review.Watch, asked, token=token, timeout_s=ROUND_S):
                after = change.seq
                data = {"dossier": change.dossier_id, "material": change.material_id, "kind": change.kind}
                yield f"id: {after}\nevent: change\ndata: {json.dumps(data)}\n\n"
        except AppError:
            return  # the browser connects again and goes on from the last number
        yield ": still here\n\n"
    yield "event: signed-out\ndata: \n\n"
