"""The size coach on a material's page: why something is too large, before and after, and the word to change it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from services.gateway.guard import AppGateway, SignedIn
from services.gateway.pages import asking, sizes
from services.gateway.pages.view import page
from services.gateway.pages.visitor import SignedInVisitor
from services.kernel.errors import AppError, Kind

router = APIRouter(prefix="/dossiers/{dossier_id}/size-coach/{subject_id}", include_in_schema=False)
Action = Literal["request", "cancellation", "lossless", "visual", "restoration"]
_KEPT_S = 3600


@router.get("")
async def state(
    request: Request, dossier_id: str, subject_id: str, gateway: AppGateway, visitor: SignedInVisitor
) -> Response:
    """The part by itself, which asks again while something runs; when nothing does any more, or the file is there no
    more because another one took its place, the page is told.
    """
    account_id = visitor.session.account_id
    dossier = (await asking.dossier(request, gateway, account_id, dossier_id)).dossier
    if (place := sizes.within(dossier, subject_id)) is None:
        return Response(headers={"HX-Trigger": "live"})
    material, about = place
    told = None
    try:
        told = await sizes.advice(request, gateway, account_id, about)
    except AppError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
    editable = dossier["applicant_id"] == account_id and dossier["state"] in ("draft", "returned")
    response = page(
        request, "size_coach.html", visitor=visitor, dossier_id=dossier_id, subject_id=subject_id,
        **sizes.shown(material, told, editable=editable),
    )  # fmt: skip
    if told is None or not sizes.active(told):
        response.headers["HX-Trigger"] = "live"
    return response


@router.post("/{action}")
async def act(
    request: Request, dossier_id: str, subject_id: str, action: Action, gateway: AppGateway,
    visitor: SignedInVisitor, advice_id: Annotated[str, Form(max_length=64)] = "",
) -> Response:  # fmt: skip
    """Measure, stop, put the smaller file in the original's place, or that one back; then to where one was."""
    account_id = visitor.session.account_id
    if action == "restoration":
        original = await sizes.restore(request, gateway, account_id, dossier_id, subject_id)
        return RedirectResponse(f"/dossiers/{dossier_id}/materials/{original.material_id}", status_code=303)
    _, material, about = await sizes.place_of(request, gateway, account_id, dossier_id, subject_id)
    if action == "request":
        await sizes.request_advice(request, gateway, account_id, about)
    elif action == "cancellation":
        await sizes.cancel(request, gateway, account_id, about)
    else:
        await sizes.apply(request, gateway, account_id, about, advice_id, action)
    where = f"/dossiers/{dossier_id}/materials/{material['material_id']}#coach-{subject_id}"
    return RedirectResponse(where, status_code=303)


@router.get("/picture.jpg")
async def picture(
    request: Request, dossier_id: str, subject_id: str, gateway: AppGateway, session: SignedIn, file_id: str,
    number: int, method: str = "", crop: bool = False,  # noqa: FBT001, FBT002 - parts of the address
) -> Response:  # fmt: skip
    """A page as it is or would be; its address names the advice, so that a browser may keep it."""
    _, _, about = await sizes.place_of(request, gateway, session.account_id, dossier_id, subject_id)
    jpeg = await sizes.picture(gateway, session.account_id, about, (file_id, number), method, crop=crop)
    headers = {"Cache-Control": f"private, max-age={_KEPT_S}"}
    return Response(jpeg, media_type="image/jpeg", headers=headers)
