"""Upload sessions and files: announced here, sent in parts to presigned URLs, completed here."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from services.gateway.guard import AppGateway, SignedIn
from services.gateway.languages import language
from services.gateway.limits import MOST
from services.gateway.plain import plain
from services.gateway.schemas import files as schemas
from services.gateway.schemas.common import Presigned
from services.gen.pdfcheck.v1 import pdfcheck_pb2
from services.gen.upload.v1 import upload_pb2 as pb
from services.gen.video.v1 import video_pb2
from services.kernel.errors import AppError, Kind
from services.kernel.grpc_client import call

router = APIRouter(prefix="/api/v1/dossiers/{dossier_id}", tags=["uploads and files"])
_SHA256 = r"^([0-9a-f]{64})?$"


class NewUpload(BaseModel):
    """What is going to be sent."""

    component: str = Field(min_length=1, max_length=64, examples=["front_page"])
    file_name: str = Field(min_length=1, max_length=255, examples=["病案首页.pdf"])
    size_bytes: int = Field(ge=0, le=MOST, examples=[123456])
    sha256: str = Field(default="", pattern=_SHA256, description="of the whole file, when it is known already")


class Part(BaseModel):
    """One part that is about to be sent."""

    number: int = Field(ge=1, le=10_000)
    size_bytes: int = Field(ge=1, le=MOST)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Parts(BaseModel):
    """Up to a hundred parts at once."""

    parts: list[Part] = Field(min_length=1, max_length=100)


class SuggestionsWanted(BaseModel):
    """The item whose components are looked for."""

    item_id: str = Field(max_length=100, examples=["clinical_case"])


class Completion(BaseModel):
    """The end of an upload."""

    sha256: str = Field(default="", pattern=_SHA256, description="of the whole file")


def _upload(upload: pb.Upload, parts: Any, request: Request) -> dict[str, Any]:
    lang = language(request)
    body = plain(upload, lang)
    body["state"] = pb.UploadState.Name(upload.state).removeprefix("UPLOAD_STATE_").lower()
    return {**body, "parts": [plain(part, lang) for part in parts]}


def file_answer(file: pb.File, request: Request) -> dict[str, Any]:
    """A file as it is answered: nothing of where it lies."""
    body = plain(file, language(request))
    body["state"] = pb.FileState.Name(file.state).removeprefix("FILE_STATE_").lower()
    for internal in ("object_key", "etag", "organisation_path"):
        del body[internal]
    return body


@router.post(
    "/materials/{material_id}/uploads", status_code=201, summary="Announce a file", response_model=schemas.Upload
)
async def create(
    request: Request, dossier_id: str, material_id: str, body: NewUpload, session: SignedIn, gateway: AppGateway
) -> Response:
    """Refused before a byte moves when the item does not take it. The same file again goes on where it stopped."""

    async def answer() -> Response:
        grant = await gateway.peers.authorise(
            session.account_id, dossier_id, "upload", material_id=material_id, component_id=body.component
        )
        asked = pb.CreateUploadRequest(
            dossier_id=dossier_id,
            material_id=material_id,
            item_id=grant.item_id,
            component_id=body.component,
            file_name=body.file_name,
            size_bytes=body.size_bytes,
            declared_sha256=body.sha256,
        )
        made = await call(gateway.peers.upload.CreateUpload, asked, token=grant.upload)
        return JSONResponse(_upload(made.upload, made.parts, request), status_code=201)

    return await gateway.idempotency.once(request, session, answer)


@router.get("/uploads/{upload_id}", summary="An upload and the parts that are there", response_model=schemas.Upload)
async def get(request: Request, dossier_id: str, upload_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """What resuming needs."""
    grant = await gateway.peers.authorise(session.account_id, dossier_id, "upload")
    asked = pb.ListPartsRequest(dossier_id=dossier_id, upload_id=upload_id)
    found = await call(gateway.peers.upload.ListParts, asked, token=grant.upload, idempotent=True)
    return JSONResponse(_upload(found.upload, found.parts, request))


@router.post(
    "/uploads/{upload_id}/parts", summary="Presigned requests for parts", response_model=schemas.PresignedParts
)
async def presign(
    request: Request, dossier_id: str, upload_id: str, body: Parts, session: SignedIn, gateway: AppGateway
) -> Response:
    """Each may be PUT once or several times, by exactly these bytes, until it expires."""
    grant = await gateway.peers.authorise_parts(session.account_id, dossier_id)
    parts = [pb.PartToSend(number=p.number, size_bytes=p.size_bytes, sha256=p.sha256) for p in body.parts]
    asked = pb.PresignPartsRequest(dossier_id=dossier_id, upload_id=upload_id, parts=parts)
    found = await call(gateway.peers.upload.PresignParts, asked, token=grant.upload, idempotent=True)
    return JSONResponse({"parts": [plain(part, language(request)) for part in found.parts]})


@router.post("/uploads/{upload_id}/completion", summary="Join the parts", response_model=schemas.File)
async def complete(
    request: Request, dossier_id: str, upload_id: str, body: Completion, session: SignedIn, gateway: AppGateway
) -> Response:
    """Idempotent: a repeat answers with the file."""
    grant = await gateway.peers.authorise(session.account_id, dossier_id, "upload")
    asked = pb.CompleteUploadRequest(dossier_id=dossier_id, upload_id=upload_id, declared_sha256=body.sha256)
    done = await call(gateway.peers.upload.CompleteUpload, asked, token=grant.upload, idempotent=True, timeout_s=60)
    return JSONResponse(file_answer(done.file, request))


@router.delete("/uploads/{upload_id}", status_code=204, summary="Give an upload up")
async def abort(dossier_id: str, upload_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Throws the parts away; idempotent."""
    grant = await gateway.peers.authorise(session.account_id, dossier_id, "upload")
    asked = pb.AbortUploadRequest(dossier_id=dossier_id, upload_id=upload_id)
    await call(gateway.peers.upload.AbortUpload, asked, token=grant.upload, idempotent=True)
    return Response(status_code=204)


@router.get("/files/{file_id}", summary="A file", response_model=schemas.File)
async def get_file(request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Name, size, type by content, hash."""
    grant = await gateway.peers.authorise(session.account_id, dossier_id, "view")
    asked = pb.DescribeFileRequest(dossier_id=dossier_id, file_id=file_id)
    found = await call(gateway.peers.upload.DescribeFile, asked, token=grant.upload, idempotent=True)
    return JSONResponse(file_answer(found.file, request))


@router.delete("/files/{file_id}", status_code=204, summary="Delete a draft's file")
async def delete_file(dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """With its bytes and everything made from it; idempotent. Refused once the dossier is handed in."""
    grant = await gateway.peers.authorise(session.account_id, dossier_id, "delete")
    asked = pb.DeleteFileRequest(dossier_id=dossier_id, file_id=file_id)
    await call(gateway.peers.upload.DeleteFile, asked, token=grant.upload, idempotent=True)
    return Response(status_code=204)


@router.get("/files/{file_id}/download", summary="A presigned download of the original", response_model=Presigned)
async def download(request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Under its own name, for a few minutes."""
    grant = await gateway.peers.authorise(session.account_id, dossier_id, "view")
    asked = pb.PresignDownloadRequest(dossier_id=dossier_id, file_id=file_id)
    found = await call(gateway.peers.upload.PresignDownload, asked, token=grant.upload, idempotent=True)
    return JSONResponse(plain(found.request, language(request)))


@router.get(
    "/files/{file_id}/report",
    summary="What was measured on a file",
    response_model=schemas.DocumentReport | schemas.VideoReport,
)
async def report(request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Facts and findings of the last check."""
    grant = await gateway.peers.authorise(session.account_id, dossier_id, "view")
    lang = language(request)
    try:
        wanted = video_pb2.GetReportRequest(dossier_id=dossier_id, file_id=file_id)
        video = await call(gateway.peers.video.GetReport, wanted, token=grant.video, idempotent=True)
        return JSONResponse({"kind": "video", **plain(video.report, lang)})
    except AppError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
    asked = pdfcheck_pb2.GetReportRequest(dossier_id=dossier_id, file_id=file_id)
    document = await call(gateway.peers.pdfcheck.GetReport, asked, token=grant.pdfcheck, idempotent=True)
    return JSONResponse({"kind": "document", **plain(document.report, lang)})


@router.get("/files/{file_id}/quality", summary="How clear the pages of a file are", response_model=schemas.Quality)
async def quality(request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Not found until they were looked at, which nothing waits for."""
    grant = await gateway.peers.authorise(session.account_id, dossier_id, "view")
    asked = pdfcheck_pb2.GetQualityRequest(dossier_id=dossier_id, file_id=file_id)
    found = await call(gateway.peers.pdfcheck.GetQuality, asked, token=grant.pdfcheck, idempotent=True)
    told = plain(found.quality, language(request))
    shown = {name: told[name] for name in schemas.Quality.model_fields if name != "pages"}
    pages = [{name: page[name] for name in schemas.SeenPage.model_fields} for page in told["pages"]]
    return JSONResponse({**shown, "pages": pages})


@router.post("/files/{file_id}/suggestions", status_code=204, summary="Have the headings of a file's pages read")
async def request_suggestions(
    dossier_id: str, file_id: str, body: SuggestionsWanted, session: SignedIn, gateway: AppGateway
) -> Response:
    """To suggest which component each page belongs to; repeating it changes nothing."""
    grant = await gateway.peers.authorise(session.account_id, dossier_id, "upload")
    asked = pdfcheck_pb2.RequestSuggestionsRequest(dossier_id=dossier_id, file_id=file_id, item_id=body.item_id)
    await call(gateway.peers.pdfcheck.RequestSuggestions, asked, token=grant.pdfcheck, idempotent=True)
    return Response(status_code=204)


@router.get(
    "/files/{file_id}/suggestions",
    summary="Which component each page most likely belongs to",
    response_model=schemas.Suggestions,
)
async def suggestions(
    request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway
) -> Response:
    """By what stands at its head; a person decides. Not found until they were asked for."""
    grant = await gateway.peers.authorise(session.account_id, dossier_id, "view")
    asked = pdfcheck_pb2.GetSuggestionsRequest(dossier_id=dossier_id, file_id=file_id)
    found = await call(gateway.peers.pdfcheck.GetSuggestions, asked, token=grant.pdfcheck, idempotent=True)
    return JSONResponse(plain(found, language(request)))


@router.get("/materials/{material_id}/merged", summary="The one PDF of a material", response_model=schemas.Merged)
async def merged(
    request: Request, dossier_id: str, material_id: str, session: SignedIn, gateway: AppGateway
) -> Response:
    """Pages, bookmarks, page map, and a presigned download (G-05)."""
    grant = await gateway.peers.authorise(session.account_id, dossier_id, "view")
    lang = language(request)
    asked = pdfcheck_pb2.GetMergedRequest(dossier_id=dossier_id, material_id=material_id)
    found = await call(gateway.peers.pdfcheck.GetMerged, asked, token=grant.pdfcheck, idempotent=True)
    wanted = pdfcheck_pb2.PresignMergedRequest(
        dossier_id=dossier_id, material_id=material_id, file_name=f"{material_id}.pdf"
    )
    link = await call(gateway.peers.pdfcheck.PresignMerged, wanted, token=grant.pdfcheck, idempotent=True)
    body = plain(found.merged, lang)
    del body["object_key"]
    return JSONResponse({**body, "download": plain(link.request, lang)})


@router.get("/files/{file_id}/disc", summary="The disc image of a surgery video", response_model=schemas.Disc)
async def disc(request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Name and hash of the file on it as read back, and a presigned download (M15-2g)."""
    grant = await gateway.peers.authorise(session.account_id, dossier_id, "view")
    lang = language(request)
    asked = video_pb2.GetDiscRequest(dossier_id=dossier_id, file_id=file_id)
    found = await call(gateway.peers.video.GetDisc, asked, token=grant.video, idempotent=True)
    wanted = video_pb2.PresignDiscRequest(dossier_id=dossier_id, file_id=file_id)
    link = await call(gateway.peers.video.PresignDisc, wanted, token=grant.video, idempotent=True)
    body = plain(found.disc, lang)
    del body["object_key"]
    return JSONResponse({**body, "download": plain(link.request, lang)})
