"""A surgery video's stages, its copy for browsers, and an opening that is put in front of it (M15-2b)."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from services.gateway.guard import AppGateway, SignedIn
from services.gateway.idempotency import id_for
from services.gateway.languages import language
from services.gateway.pages import videos
from services.gateway.plain import Data, plain
from services.gateway.routes.uploads import file_answer
from services.gateway.schemas import files as schemas
from services.gateway.schemas.common import Presigned

router = APIRouter(prefix="/api/v1/dossiers/{dossier_id}/files/{file_id}", tags=["uploads and files"])
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}


class NewTitleCard(BaseModel):
    """How long the opening is to stand; what it says comes from the profile."""

    seconds: float = Field(default=5, examples=[5.0], description="2 to 30")


def _card(card: Data) -> Data:
    return {name: value for name, value in card.items() if name not in ("object_key", "etag")}


@router.get("/stages", summary="How far each stage of a video is", response_model=schemas.Stages)
async def stages(request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """The last job of each."""
    found = await videos.stages(request, gateway, session.account_id, dossier_id, file_id)
    return JSONResponse({"stages": list(found)})


@router.post("/stages/{stage}/retry", summary="Try a stage once more", response_model=schemas.Stage)
async def retry(
    request: Request, dossier_id: str, file_id: str, stage: str, session: SignedIn, gateway: AppGateway
) -> Response:
    """One that failed or was cancelled; idempotent."""
    return JSONResponse(await videos.retry_stage(request, gateway, session.account_id, dossier_id, file_id, stage))


@router.post("/stages/{stage}/cancellation", summary="Stop a stage", response_model=schemas.Stage)
async def cancel(
    request: Request, dossier_id: str, file_id: str, stage: str, session: SignedIn, gateway: AppGateway
) -> Response:
    """One that waits or runs and that nothing hangs on; idempotent."""
    return JSONResponse(await videos.cancel_stage(request, gateway, session.account_id, dossier_id, file_id, stage))


@router.get("/proxy", summary="A download of the copy for browsers", response_model=Presigned)
async def proxy(request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Not found where browsers play the original, and until the copy is made."""
    link = await videos.proxy_link(gateway, session.account_id, dossier_id, file_id)
    return JSONResponse(plain(link, language(request)))


@router.get(
    "/title-card/picture", summary="An opening as it would look", response_class=Response, responses=_JPEG
)  # fmt: skip
async def picture(request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """A JPEG in the size of the video's picture."""
    jpeg = await videos.card_picture(request, gateway, session.account_id, dossier_id, file_id)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.post(
    "/title-card", status_code=202, summary="Put an opening in front of a video", response_model=schemas.TitleCard
)
async def request_card(
    request: Request, dossier_id: str, file_id: str, body: NewTitleCard, session: SignedIn, gateway: AppGateway
) -> Response:
    """Its own pictures and sound are not coded again and the file stays as it is; a later request replaces this one."""

    async def answer() -> Response:
        card = await videos.request_title_card(request, gateway, session.account_id, dossier_id, file_id, body.seconds)
        return JSONResponse(_card(card), status_code=202)

    return await gateway.idempotency.once(request, session, answer)


@router.get("/title-card", summary="What came of it", response_model=schemas.TitleCard)
async def get_card(request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """The last one that was asked for."""
    return JSONResponse(_card(await videos.title_card(request, gateway, session.account_id, dossier_id, file_id)))


@router.get("/title-card/download", summary="A download of the video with its opening", response_model=Presigned)
async def download(request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """For a few minutes."""
    link = await videos.titled_link(gateway, session.account_id, dossier_id, file_id)
    return JSONResponse(plain(link, language(request)))


@router.post(
    "/title-card/adoption",
    status_code=201,
    summary="Make the video with its opening a file",
    response_model=schemas.File,
)
async def adopt(request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Beside the original, in the same component, by a copy inside the store."""

    async def answer() -> Response:
        new_id = id_for(request, session, gateway.ids.new())
        made = await videos.adopt_titled(request, gateway, session.account_id, dossier_id, file_id, new_id)
        return JSONResponse(file_answer(made, request), status_code=201)

    return await gateway.idempotency.once(request, session, answer)
