"""Looking at a dossier's documents: pictures of pages, the poster, the video, downloads."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.gateway.guard import AppGateway, SignedIn
from services.gateway.languages import language
from services.gateway.pages import asking, opening, previews, sheet, storyboard
from services.gateway.pages.previews import Document, Kind
from services.gateway.pages.view import page
from services.gateway.pages.visitor import SignedInVisitor
from services.gen.pdfcheck.v1 import pdfcheck_pb2
from services.gen.upload.v1 import upload_pb2
from services.gen.video.v1 import video_pb2
from services.kernel.errors import not_found
from services.kernel.grpc_client import call

router = APIRouter(prefix="/dossiers/{dossier_id}", include_in_schema=False)
#: How long a browser keeps a picture; its address names what it was made from.
_KEPT_S = 3600
_PAGE_DEADLINE_S = 30.0
Width = Annotated[int, Query(ge=1, le=10_000)]
PageNumber = Annotated[int, Query(alias="page", ge=1, le=10_000)]


def _jpeg(body: bytes) -> Response:
    headers = {"Cache-Control": f"private, max-age={_KEPT_S}, immutable"}
    return Response(body, media_type="image/jpeg", headers=headers)


@router.get("/{kind}/{document_id}/page.jpg")
async def page_picture(
    dossier_id: str,
    kind: Kind,
    document_id: str,
    gateway: AppGateway,
    session: SignedIn,
    number: PageNumber = 1,
    width: Width = 1200,
) -> Response:
    """A page of a file as it was sent, or of the merged PDF of a material. A file's bytes never change; the address of
    a merge carries its hash as `of`, so that no browser shows an old one.
    """
    document = Document(account_id=session.account_id, dossier_id=dossier_id, kind=kind, id=document_id)
    jpeg = await previews.picture(gateway, document, number, width)
    return Response(jpeg, media_type="image/jpeg", headers=previews.HEADERS)


@router.get("/{kind}/{document_id}/layer")
async def text_layer(
    request: Request,
    dossier_id: str,
    kind: Kind,
    document_id: str,
    gateway: AppGateway,
    visitor: SignedInVisitor,
    number: PageNumber = 1,
) -> Response:
    """The text of a page, to lie over its picture; a part of the page, fetched when the picture is looked at."""
    account_id = visitor.session.account_id
    document = Document(account_id=account_id, dossier_id=dossier_id, kind=kind, id=document_id)
    text = await previews.text(gateway, document, number, language(request))
    return page(request, "layer.html", visitor=visitor, lines=text["lines"], number=number)


@router.get("/files/{file_id}/poster.jpg")
async def poster(dossier_id: str, file_id: str, gateway: AppGateway, session: SignedIn) -> Response:
    """A picture of a video."""
    grant = await gateway.peers.authorise(session.account_id, dossier_id, "view")
    asked = video_pb2.GetPosterRequest(dossier_id=dossier_id, file_id=file_id)
    shown = await call(
        gateway.peers.video.GetPoster, asked, token=grant.video, idempotent=True, timeout_s=_PAGE_DEADLINE_S
    )
    return _jpeg(shown.jpeg)


@router.get("/files/{file_id}/opening/{shot}.jpg")
async def opening_picture(dossier_id: str, file_id: str, shot: int, gateway: AppGateway, session: SignedIn) -> Response:
    """One of the pictures from which a video's opening was read."""
    return _jpeg(await asking.opening_picture(gateway, session.account_id, dossier_id, file_id, shot))


@router.get("/files/{file_id}/storyboard.jpg")
async def storyboard_picture(dossier_id: str, file_id: str, gateway: AppGateway, session: SignedIn) -> Response:
    """A look through a video, small."""
    return _jpeg(await asking.storyboard(gateway, session.account_id, dossier_id, file_id))


@router.get("/files/{file_id}/storyboard.vtt")
async def storyboard_cues(
    request: Request, dossier_id: str, file_id: str, gateway: AppGateway, session: SignedIn
) -> Response:
    """The same for players that show thumbnails."""
    found = await asking.look(request, gateway, session.account_id, dossier_id, file_id)
    text = storyboard.vtt(found, max([each["time_s"] for each in found["samples"]], default=0) + 1)
    return Response(text, media_type="text/vtt", headers={"Cache-Control": "no-store"})


@router.get("/files/{file_id}/sheet")
async def technical_sheet(
    request: Request, dossier_id: str, file_id: str, gateway: AppGateway, visitor: SignedInVisitor
) -> Response:
    """A part of the page, fetched when it is unfolded."""
    account_id = visitor.session.account_id
    sections = await asking.technical_sheet(request, gateway, account_id, dossier_id, file_id)
    return page(request, "sheet.html", visitor=visitor, sections=sections, names=sheet.NAMES, kinds=sheet.KINDS)


@router.get("/files/{file_id}/evidence.jpg")
async def evidence(
    request: Request, dossier_id: str, file_id: str, gateway: AppGateway, visitor: SignedInVisitor
) -> Response:
    """A sheet with the opening's picture and, for each field, what was declared beside what was read (M15-2b)."""
    jpeg = await opening.evidence(request, gateway, visitor.session.account_id, dossier_id, file_id)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.get("/files/{file_id}/original")
async def original(dossier_id: str, file_id: str, gateway: AppGateway, visitor: SignedInVisitor) -> Response:
    """The file as it was sent, also one that was submitted and replaced since; videos play from here."""
    grant = await gateway.peers.authorise(visitor.session.account_id, dossier_id, "view")
    asked = upload_pb2.PresignDownloadRequest(dossier_id=dossier_id, file_id=file_id, replaced_too=True)
    link = await call(gateway.peers.upload.PresignDownload, asked, token=grant.upload, idempotent=True)
    return RedirectResponse(link.request.url, status_code=303)


@router.get("/materials/{material_id}/merged.pdf")
async def merged(
    request: Request, dossier_id: str, material_id: str, gateway: AppGateway, visitor: SignedInVisitor
) -> Response:
    """The one PDF, under the item's number and title."""
    seen = await asking.dossier(request, gateway, visitor.session.account_id, dossier_id)
    found = next((m for m in seen.dossier["materials"] if m["material_id"] == material_id), None)
    if found is None:
        raise not_found("material")
    grant = await gateway.peers.authorise(visitor.session.account_id, dossier_id, "view")
    name = f"{found['item_number']} {found['title_zh']}.pdf".replace("/", "、").replace("\\", "、")
    asked = pdfcheck_pb2.PresignMergedRequest(dossier_id=dossier_id, material_id=material_id, file_name=name)
    link = await call(gateway.peers.pdfcheck.PresignMerged, asked, token=grant.pdfcheck, idempotent=True)
    return RedirectResponse(link.request.url, status_code=303)


@router.get("/files/{file_id}/disc.iso")
async def disc(dossier_id: str, file_id: str, gateway: AppGateway, visitor: SignedInVisitor) -> Response:
    """The image of the disc that is due (M15-2g)."""
    grant = await gateway.peers.authorise(visitor.session.account_id, dossier_id, "view")
    asked = video_pb2.PresignDiscRequest(dossier_id=dossier_id, file_id=file_id)
    link = await call(gateway.peers.video.PresignDisc, asked, token=grant.video, idempotent=True)
    return RedirectResponse(link.request.url, status_code=303)


@router.get("/files/{file_id}/disc-face.pdf")
async def disc_face(
    request: Request, dossier_id: str, file_id: str, gateway: AppGateway, visitor: SignedInVisitor
) -> Response:
    """What must stand on the disc (M15-2g), to be printed in its true size."""
    pdf = await asking.disc_face(request, gateway, visitor.session.account_id, dossier_id, file_id)
    return Response(pdf, media_type="application/pdf", headers={"Cache-Control": "no-store"})
