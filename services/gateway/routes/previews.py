"""The pages of a document: pictures, text, search. A document is a file, or the merged PDF of a material."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from services.gateway.guard import AppGateway, SignedIn
from services.gateway.languages import language
from services.gateway.pages import previews
from services.gateway.pages.previews import Document, Kind
from services.gateway.schemas.previews import PageText, SearchResult
from services.gen.pdfcheck.v1 import pdfcheck_pb2 as pb

router = APIRouter(prefix="/api/v1/dossiers/{dossier_id}/{kind}/{document_id}", tags=["pages"])
Page = Annotated[int, Path(ge=1, le=10_000)]
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}
_EVENTS: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}


@router.get(
    "/pages/{page}/picture", summary="A page as a picture", response_class=Response, responses=_JPEG
)  # fmt: skip
async def picture(
    dossier_id: str,
    kind: Kind,
    document_id: str,
    page: Page,
    session: SignedIn,
    gateway: AppGateway,
    width: Annotated[int, Query(ge=1, le=10_000, description="240, 1200 or 2400 pixels")] = 1200,
) -> Response:
    """A JPEG. Who looks at somebody else's dossier is named in it."""
    document = Document(account_id=session.account_id, dossier_id=dossier_id, kind=kind, id=document_id)
    jpeg = await previews.picture(gateway, document, page, width)
    return Response(jpeg, media_type="image/jpeg", headers=previews.HEADERS)


@router.get(
    "/pictures", summary="Hear of each page when its pictures are there", response_class=StreamingResponse,
    responses=_EVENTS,
)  # fmt: skip
async def pictures(
    dossier_id: str, kind: Kind, document_id: str, session: SignedIn, gateway: AppGateway
) -> StreamingResponse:
    """An event `page` for each, those that are there at once, and `end` behind the last: `{"page": 3, "pages": 12,
    "drawn": true}`. Pages that nobody has looked at are drawn meanwhile.
    """
    document = Document(account_id=session.account_id, dossier_id=dossier_id, kind=kind, id=document_id)
    ready = await previews.ready(gateway, document)
    first = await anext(ready, None)  # a refusal is an answer of its own
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_lines(first, ready), media_type="text/event-stream", headers=headers)


async def _lines(
    first: pb.StreamPagePicturesResponse | None, ready: AsyncGenerator[pb.StreamPagePicturesResponse, None]
) -> AsyncIterator[str]:
    try:
        if first is not None:
            yield _line(first)
        async for each in ready:
            yield _line(each)
        yield "event: end\ndata: {}\n\n"
    finally:
        await ready.aclose()


def _line(told: pb.StreamPagePicturesResponse) -> str:
    data = {"page": told.page, "pages": told.pages, "drawn": told.drawn}
    return f"event: page\ndata: {json.dumps(data)}\n\n"


@router.get("/pages/{page}/text", summary="What is written on a page", response_model=PageText)
async def text(
    request: Request, dossier_id: str, kind: Kind, document_id: str, page: Page, session: SignedIn, gateway: AppGateway
) -> Response:
    """Lines with their places; none where a page is only a picture."""
    document = Document(account_id=session.account_id, dossier_id=dossier_id, kind=kind, id=document_id)
    return JSONResponse(await previews.text(gateway, document, page, language(request)))


@router.get("/search", summary="Where something is written", response_model=SearchResult)
async def search(
    request: Request,
    dossier_id: str,
    kind: Kind,
    document_id: str,
    session: SignedIn,
    gateway: AppGateway,
    q: Annotated[str, Query(max_length=1000, description="1 to 100 characters", examples=["学历"])],
) -> Response:
    """In the order of pages. Width and case of letters, spaces and line ends make no difference; a scan has no text."""
    document = Document(account_id=session.account_id, dossier_id=dossier_id, kind=kind, id=document_id)
    return JSONResponse(await previews.search(gateway, document, q, language(request)))
