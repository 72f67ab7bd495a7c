"""What is drawn of a video: its opening (M15-2b), and the face of its disc (M15-2g)."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from services.gateway.guard import AppGateway, SignedIn
from services.gateway.languages import language
from services.gateway.pages import asking, opening
from services.gateway.plain import plain
from services.gateway.schemas.files import Look, Opening, Sheet
from services.gen.video.v1 import video_pb2
from services.kernel.grpc_client import call

router = APIRouter(prefix="/api/v1/dossiers/{dossier_id}/files/{file_id}", tags=["uploads and files"])
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}


_PDF: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("/opening", summary="Every line read from a video's opening", response_model=Opening)
async def lines(request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """The pictures that were read and all that is written in them; the six fields stand with the material's file."""
    grant = await gateway.peers.authorise(session.account_id, dossier_id, "view")
    asked = video_pb2.GetOpeningRequest(dossier_id=dossier_id, file_id=file_id)
    found = await call(gateway.peers.video.GetOpening, asked, token=grant.video, idempotent=True)
    return JSONResponse(plain(found.opening, language(request)))


@router.get("/opening/{shot}", summary="One of the pictures that were read", response_class=Response, responses=_JPEG)
async def picture(dossier_id: str, file_id: str, shot: int, session: SignedIn, gateway: AppGateway) -> Response:
    """A JPEG; `shot` counts from 0 as the opening lists them."""
    jpeg = await asking.opening_picture(gateway, session.account_id, dossier_id, file_id, shot)
    return Response(jpeg, media_type="image/jpeg")


@router.get(
    "/evidence", summary="The opening beside what was declared, as one picture", response_class=Response,
    responses=_JPEG,
)  # fmt: skip
async def evidence(request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """A JPEG, drawn when it is asked for and not kept."""
    jpeg = await opening.evidence(request, gateway, session.account_id, dossier_id, file_id)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.get("/look", summary="A look through a video: samples and hints", response_model=Look)
async def look(request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """How bright and how sharp the picture is along the video (M15-2c)."""
    return JSONResponse(await asking.look(request, gateway, session.account_id, dossier_id, file_id))


@router.get("/storyboard", summary="The look's pictures in one", response_class=Response, responses=_JPEG)
async def storyboard(dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """A JPEG; samples stand in it from the left and the top."""
    jpeg = await asking.storyboard(gateway, session.account_id, dossier_id, file_id)
    return Response(jpeg, media_type="image/jpeg")


@router.get("/sheet", summary="What a video says of itself", response_model=Sheet)
async def sheet(request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Headers and tags, for the eye: the checks never rely on them."""
    sections = await asking.technical_sheet(request, gateway, session.account_id, dossier_id, file_id)
    return JSONResponse({"sections": sections})


@router.get(
    "/disc/face", summary="The face of the disc, to be printed", response_class=Response, responses=_PDF
)  # fmt: skip
async def face(request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """One A4 page with the face in its true size: whose disc it is, and the SHA-256 of what is on it as a QR code."""
    pdf = await asking.disc_face(request, gateway, session.account_id, dossier_id, file_id)
    return Response(pdf, media_type="application/pdf", headers={"Cache-Control": "no-store"})
