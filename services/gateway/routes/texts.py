"""Texts of limited length that are typed instead of being sent as a file (M15-2h, M15-10)."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from services.gateway.guard import AppGateway, SignedIn
from services.gateway.idempotency import id_for
from services.gateway.pages import texts
from services.gateway.schemas import texts as schemas

router = APIRouter(prefix="/api/v1/dossiers/{dossier_id}", tags=["typed texts"])
_AT = "/materials/{material_id}/components/{component_id}/text"


class NewText(BaseModel):
    """What was typed."""

    text: str = Field(examples=["患者取仰卧位，全身麻醉……"])


@router.get(_AT, summary="The text that was typed for a component", response_model=schemas.TypedText)
async def get(
    request: Request, dossier_id: str, material_id: str, component_id: str, session: SignedIn, gateway: AppGateway
) -> Response:
    """Not found where a file was sent instead, or nothing."""
    told = await texts.typed(request, gateway, session.account_id, dossier_id, (material_id, component_id))
    return JSONResponse(told)


@router.put(_AT, summary="Make a text the component's file", response_model=schemas.TypedText)
async def put(
    request: Request, dossier_id: str, material_id: str, component_id: str, body: NewText, session: SignedIn,
    gateway: AppGateway,
) -> Response:  # fmt: skip
    """As a PDF, in the place of the one typed before; it is checked, merged and shown as every file is. Refused when
    it is longer than the notice allows: every character counts but white space.
    """

    async def answer() -> Response:
        new_id = id_for(request, session, gateway.ids.new())
        place = (material_id, component_id)
        told = await texts.put(request, gateway, session.account_id, dossier_id, place, new_id, body.text)
        return JSONResponse(told)

    return await gateway.idempotency.once(request, session, answer)
