"""The applicant's work on a surgery video: its stages, and an opening that is put in front of it (M15-2b)."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from services.catalogue.error_texts import ErrorText, explain
from services.gateway.guard import AppGateway, Gateway, SignedIn
from services.gateway.languages import language
from services.gateway.pages import asking, opening, videos
from services.gateway.pages.view import page
from services.gateway.pages.visitor import SignedInVisitor, Visitor
from services.kernel.errors import KINDS, AppError, Kind

router = APIRouter(prefix="/dossiers/{dossier_id}/files/{file_id}", include_in_schema=False)
#: What people give an opening.
_SECONDS = 5.0
NewId = Annotated[str, Form(pattern=r"^[A-Za-z0-9-]{1,64}$")]


@router.get("/play")
async def play(dossier_id: str, file_id: str, gateway: AppGateway, session: SignedIn) -> Response:
    """What a browser plays: the original, or the copy where it could not play that."""
    return RedirectResponse(await videos.playing(gateway, session.account_id, dossier_id, file_id), status_code=303)


@router.get("/stages")
async def stages(
    request: Request, dossier_id: str, file_id: str, gateway: AppGateway, visitor: SignedInVisitor
) -> Response:
    """A part of the page that asks again while something runs; when nothing does any more, the page is told."""
    return await _stages(request, gateway, visitor, dossier_id, file_id)


@router.post("/stages/{stage}/{action}")
async def change_stage(
    request: Request, dossier_id: str, file_id: str, stage: str, action: Literal["retry", "cancellation"],
    gateway: AppGateway, visitor: SignedInVisitor,
) -> Response:  # fmt: skip
    """Try it once more, or stop it; back to where one was."""
    change = videos.retry_stage if action == "retry" else videos.cancel_stage
    await change(request, gateway, visitor.session.account_id, dossier_id, file_id, stage)
    _, material, _ = await videos.place_of(request, gateway, visitor.session.account_id, dossier_id, file_id)
    return RedirectResponse(f"/dossiers/{dossier_id}/materials/{material['material_id']}", status_code=303)


async def _stages(
    request: Request, gateway: Gateway, visitor: Visitor, dossier_id: str, file_id: str
) -> Response:  # fmt: skip
    account_id = visitor.session.account_id
    found = await videos.stages(request, gateway, account_id, dossier_id, file_id)
    seen = (await asking.dossier(request, gateway, account_id, dossier_id)).dossier
    editable = seen["applicant_id"] == account_id and seen["state"] in ("draft", "returned")
    response = page(
        request, "stages.html", visitor=visitor, stages=found, file_id=file_id, dossier_id=dossier_id, editable=editable
    )
    if not videos.active(found):
        response.headers["HX-Trigger"] = "live"
    return response


@router.get("/title-card")
async def title_card(
    request: Request, dossier_id: str, file_id: str, gateway: AppGateway, visitor: SignedInVisitor
) -> Response:
    """How the opening would look, how long it may stand, and what came of the last one."""
    return await _title_card(request, gateway, visitor, dossier_id, file_id)


@router.get("/title-card/state")
async def title_card_state(
    request: Request, dossier_id: str, file_id: str, gateway: AppGateway, visitor: SignedInVisitor
) -> Response:
    """The part of it that changes by itself."""
    values = await _card_values(request, gateway, visitor, dossier_id, file_id)
    return page(request, "title_card_state.html", visitor=visitor, **values)


@router.get("/title-card.jpg")
async def title_card_picture(
    request: Request, dossier_id: str, file_id: str, gateway: AppGateway, session: SignedIn
) -> Response:
    """The opening as it would look."""
    jpeg = await videos.card_picture(request, gateway, session.account_id, dossier_id, file_id)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.get("/titled.mp4")
async def titled(dossier_id: str, file_id: str, gateway: AppGateway, session: SignedIn) -> Response:
    """The video with its opening."""
    link = await videos.titled_link(gateway, session.account_id, dossier_id, file_id)
    return RedirectResponse(link.url, status_code=303)


@router.post("/title-card")
async def request_title_card(
    request: Request,
    dossier_id: str,
    file_id: str,
    gateway: AppGateway,
    visitor: SignedInVisitor,
    seconds: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Begin to make it; what is wrong is said on the page."""
    try:
        wanted = float(seconds.strip().replace("，", ".").replace(",", ".") or "nan")
        if wanted != wanted:
            raise ValueError(seconds)
    except ValueError:
        problem = explain("titlecard.seconds", {"seconds": seconds or "–"}, language(request))
        return await _title_card(request, gateway, visitor, dossier_id, file_id, status=422, problem=problem)
    try:
        account_id = visitor.session.account_id
        await videos.request_title_card(request, gateway, account_id, dossier_id, file_id, wanted)
    except AppError as error:
        if error.kind is Kind.NOT_FOUND:
            raise
        said = explain(error.code, error.params, language(request))
        status = KINDS[error.kind].http
        return await _title_card(request, gateway, visitor, dossier_id, file_id, status=status, problem=said)
    return RedirectResponse(f"/dossiers/{dossier_id}/files/{file_id}/title-card", status_code=303)


@router.post("/title-card/adoption")
async def adopt(
    request: Request, dossier_id: str, file_id: str, gateway: AppGateway, visitor: SignedInVisitor, new_id: NewId
) -> Response:
    """The result becomes a file beside the original, which stays until somebody deletes it."""
    account_id = visitor.session.account_id
    _, material, _ = await videos.place_of(request, gateway, account_id, dossier_id, file_id)
    made = await videos.adopt_titled(request, gateway, account_id, dossier_id, file_id, new_id)
    where = f"/dossiers/{dossier_id}/materials/{material['material_id']}#file-{made.file_id}"
    return RedirectResponse(where, status_code=303)


async def _title_card(
    request: Request, gateway: Gateway, visitor: Visitor, dossier_id: str, file_id: str, *, status: int = 200,
    problem: ErrorText | None = None,
) -> Response:  # fmt: skip
    values = await _card_values(request, gateway, visitor, dossier_id, file_id)
    return page(request, "title_card.html", status, visitor=visitor, problem=problem, **values)


async def _card_values(
    request: Request, gateway: Gateway, visitor: Visitor, dossier_id: str, file_id: str
) -> dict[str, Any]:
    account_id = visitor.session.account_id
    dossier, material, file = await videos.place_of(request, gateway, account_id, dossier_id, file_id)
    card = failed = None
    try:
        card = await videos.title_card(request, gateway, account_id, dossier_id, file_id)
    except AppError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
    if card is not None and card["problem"]:
        failed = explain(card["problem"], card["problem_params"], language(request))
    elif card is not None and card["state"] == "dead":
        failed = explain("service.failed", {}, language(request))
    longest_s = videos.longest_opening_s(file["duration_s"])
    return {
        "dossier": dossier,
        "material": material,
        "file": file,
        "declared": material["declared_opening"],
        "lacking": [name for name in opening.NAMES if not material["declared_opening"].get(name)],
        "longest_s": longest_s,
        "seconds": max(2.0, min(_SECONDS, longest_s)),
        "card": card,
        "failed": failed,
        "editable": dossier["applicant_id"] == account_id and dossier["state"] in ("draft", "returned"),
        "new_id": gateway.ids.new(),
    }
