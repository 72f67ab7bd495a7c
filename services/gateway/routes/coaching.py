"""The size coach: why a file's pages or a material are too large, and smaller files in their place (G-07, G-08)."""

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from services.gateway.guard import AppGateway, SignedIn
from services.gateway.pages import sizes
from services.gateway.pages.sizes import About
from services.gateway.routes.uploads import file_answer
from services.gateway.schemas import coaching as schemas
from services.gateway.schemas.files import File

router = APIRouter(prefix="/api/v1/dossiers/{dossier_id}", tags=["size coach"])
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}
Kind = Literal["files", "materials"]
Method = Literal["lossless", "visual"]
_AT = "/{kind}/{subject_id}/size-advice"


class Chosen(BaseModel):
    """Which of the offers is taken, of which advice."""

    advice_id: str = Field(max_length=64, examples=["01a20ae9-c721-7579-a030-9881d174f058"])
    method: Method = Field(examples=["visual"])


def _about(dossier_id: str, kind: Kind, subject_id: str) -> About:
    if kind == "files":
        return About(dossier_id=dossier_id, file_id=subject_id)
    return About(dossier_id=dossier_id, material_id=subject_id)


@router.get(_AT, summary="Why it is too large, and what it would be otherwise", response_model=schemas.SizeAdvice)
async def advice(
    request: Request, dossier_id: str, kind: Kind, subject_id: str, session: SignedIn, gateway: AppGateway
) -> Response:
    """Of a file with a page above the limit, or a material above it; measured by itself once that is found."""
    about = _about(dossier_id, kind, subject_id)
    return JSONResponse(await sizes.advice(request, gateway, session.account_id, about))


@router.post(_AT, status_code=202, summary="Measure it once more", response_model=schemas.SizeAdvice)
async def request_advice(
    request: Request, dossier_id: str, kind: Kind, subject_id: str, session: SignedIn, gateway: AppGateway
) -> Response:
    """Takes seconds for each page; while it is going on this changes nothing."""
    about = _about(dossier_id, kind, subject_id)

    async def answer() -> Response:
        return JSONResponse(await sizes.request_advice(request, gateway, session.account_id, about), status_code=202)

    return await gateway.idempotency.once(request, session, answer)


@router.post(f"{_AT}/cancellation", summary="Stop measuring, or making", response_model=schemas.SizeAdvice)
async def cancel(
    request: Request, dossier_id: str, kind: Kind, subject_id: str, session: SignedIn, gateway: AppGateway
) -> Response:
    """Idempotent; nothing is changed by what was stopped."""
    about = _about(dossier_id, kind, subject_id)
    return JSONResponse(await sizes.cancel(request, gateway, session.account_id, about))


@router.post(
    f"{_AT}/application", status_code=202, summary="Put smaller files in their place", response_model=schemas.SizeAdvice
)
async def apply(
    request: Request, dossier_id: str, kind: Kind, subject_id: str, body: Chosen, session: SignedIn,
    gateway: AppGateway,
) -> Response:  # fmt: skip
    """By a job; the originals are kept, and each new file is checked as any other."""
    about = _about(dossier_id, kind, subject_id)

    async def answer() -> Response:
        told = await sizes.apply(request, gateway, session.account_id, about, body.advice_id, body.method)
        return JSONResponse(told, status_code=202)

    return await gateway.idempotency.once(request, session, answer)


@router.get(f"{_AT}/picture", summary="A page as it is, or would be", response_class=Response, responses=_JPEG)
async def picture(
    dossier_id: str, kind: Kind, subject_id: str, session: SignedIn, gateway: AppGateway, file_id: str, page: int,
    method: Method | None = None, crop: bool = False,  # noqa: FBT001, FBT002 - parts of the address
) -> Response:  # fmt: skip
    """A JPEG of the whole page, or of the place that differs most at full size; without `method` as it is."""
    about = _about(dossier_id, kind, subject_id)
    jpeg = await sizes.picture(gateway, session.account_id, about, (file_id, page), method or "", crop=crop)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.post("/files/{file_id}/restoration", summary="Take the original back", response_model=File)
async def restore(request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Of a file that was made smaller: that goes, and the original stands in its own place again; idempotent. The
    answer is the original.
    """
    original = await sizes.restore(request, gateway, session.account_id, dossier_id, file_id)
    return JSONResponse(file_answer(original, request))


@router.get(
    "/files/{file_id}/derivation", summary="How a file came out of another one", response_model=schemas.Derivation
)
async def derivation(
    request: Request, dossier_id: str, file_id: str, session: SignedIn, gateway: AppGateway
) -> Response:
    """Not found for a file that was sent."""
    return JSONResponse(await sizes.derivation(request, gateway, session.account_id, dossier_id, file_id))


@router.get("/derivations", summary="Which files were made smaller, and from which", response_model=schemas.Derivations)
async def derivations(request: Request, dossier_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Oldest first; also those whose original was taken back since."""
    found = await sizes.derivations(request, gateway, session.account_id, dossier_id)
    return JSONResponse({"derivations": found})
