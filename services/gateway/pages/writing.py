"""A text of limited length is typed here (M15-2h, M15-10). The form works without scripts; with them it counts."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from services.catalogue.error_texts import ErrorText, explain
from services.gateway.guard import AppGateway, Gateway
from services.gateway.languages import language
from services.gateway.pages import asking, texts
from services.gateway.pages.lines import lines
from services.gateway.pages.view import page
from services.gateway.pages.visitor import SignedInVisitor, Visitor
from services.gateway.plain import Data
from services.kernel.errors import KINDS, AppError, Kind, not_found

router = APIRouter(prefix="/dossiers/{dossier_id}/materials/{material_id}", include_in_schema=False)
_AT = "/components/{component_id}/text"
_NewId = Annotated[str, Form(pattern=r"^[A-Za-z0-9-]{0,64}$")]


@router.get(_AT)
async def show(
    request: Request, dossier_id: str, material_id: str, component_id: str, gateway: AppGateway,
    visitor: SignedInVisitor,
) -> Response:  # fmt: skip
    """The text as it was typed last, to be corrected; an empty field where nothing was."""
    return await _shown(request, gateway, visitor, dossier_id, (material_id, component_id))


@router.post(_AT)
async def save(
    request: Request, dossier_id: str, material_id: str, component_id: str, gateway: AppGateway,
    visitor: SignedInVisitor, text: Annotated[str, Form()] = "", new_id: _NewId = "",
) -> Response:  # fmt: skip
    """Back to the material, with the text as its file; or the same page with what is wrong, and what was typed."""
    account_id, place = visitor.session.account_id, (material_id, component_id)
    try:
        await texts.put(request, gateway, account_id, dossier_id, place, new_id or gateway.ids.new(), text)
    except AppError as error:
        if error.kind is Kind.NOT_FOUND:
            raise
        said = explain(error.code, error.params, language(request))
        status = KINDS[error.kind].http
        return await _shown(request, gateway, visitor, dossier_id, place, status=status, problem=said, typed=text)
    return RedirectResponse(f"/dossiers/{dossier_id}/materials/{material_id}#component-{component_id}", status_code=303)


async def _shown(
    request: Request, gateway: Gateway, visitor: Visitor, dossier_id: str, place: tuple[str, str], *,
    status: int = 200, problem: ErrorText | None = None, typed: str | None = None,
) -> Response:  # fmt: skip
    """Raises `AppError` request.not-found for anybody but the applicant, and where no text is limited."""
    account_id = visitor.session.account_id
    seen = (await asking.dossier(request, gateway, account_id, dossier_id)).dossier
    owed = await asking.checklist(gateway, account_id, dossier_id)
    line = next((each for each in lines(seen, owed) if each.id == place[0]), None)
    found = next((each for each in line.item.components if each.id == place[1]), None) if line else None
    if line is None or found is None or found.text_max_chars is None or seen["applicant_id"] != account_id:
        raise not_found("component")
    kept = await _kept(request, gateway, account_id, dossier_id, place)
    file_id = kept["file_id"] if kept else ""
    own = [each for each in line.material["files"] if each["component_id"] == place[1]]
    return page(
        request, "typed_text.html", status, visitor=visitor, dossier=seen, line=line, component=found,
        limit=found.text_max_chars, kept=kept, text=typed if typed is not None else kept["text"] if kept else "",
        sent=[each for each in own if each["file_id"] != file_id],
        new_id=gateway.ids.new(), problem=problem, editable=seen["state"] in ("draft", "returned"),
    )  # fmt: skip


async def _kept(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, place: tuple[str, str]
) -> Data | None:  # fmt: skip
    try:
        return await texts.typed(request, gateway, account_id, dossier_id, place)
    except AppError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        return None
