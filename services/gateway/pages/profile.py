"""The page of the profile: opens a dossier, or corrects one. What is wrong is said at its field and at the top."""

import json
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.catalogue import load
from services.catalogue import profile as profiles
from services.catalogue.complaints import Complaint, dotted
from services.catalogue.error_texts import ErrorText, explain
from services.catalogue.source import SourceError
from services.gateway.guard import AppGateway, Gateway
from services.gateway.languages import language
from services.gateway.pages import asking, profile_form
from services.gateway.pages.view import page
from services.gateway.pages.visitor import SignedInVisitor, Visitor, typed
from services.gen.review.v1 import review_pb2 as pb
from services.kernel.clock import china_date
from services.kernel.errors import AppError
from services.kernel.grpc_client import call

router = APIRouter(include_in_schema=False)
_UNPROCESSABLE = 422


def _form(
    request: Request,
    visitor: Visitor,
    data: dict[str, Any],
    *,
    dossier_id: str = "",
    version: int = 0,
    complaints: Sequence[Complaint] = (),
    problem: ErrorText | None = None,
) -> Response:
    lang = language(request)
    items = list(profile_form.item_fields(load.default()))
    return page(
        request,
        "profile.html",
        _UNPROCESSABLE if complaints or problem else 200,
        visitor=visitor,
        data=data,
        dossier_id=dossier_id,
        version=version,
        person=profile_form.PERSON,
        circumstances=profile_form.CIRCUMSTANCES,
        items=[(each, profile_form.entries_of(each, data)) for each in items],
        labels={field.name: field.label for field in (*profile_form.PERSON, *profile_form.CIRCUMSTANCES)},
        complaints=[(dotted(each.path), each.words(lang)) for each in complaints],
        problem=problem,
    )


@router.get("/profile")
async def new(request: Request, gateway: AppGateway, visitor: SignedInVisitor) -> Response:
    """An empty form; whoever has a dossier is led to it."""
    found = await asking.newest_dossier_id(gateway, visitor.session.account_id)
    if found:
        return RedirectResponse(f"/dossiers/{found}/profile", status_code=303)
    return _form(request, visitor, {**profile_form.defaults(), "name": visitor.name})


@router.post("/profile")
async def create(request: Request, gateway: AppGateway, visitor: SignedInVisitor) -> Response:
    """Open the dossier."""

    async def save(text: str) -> str:
        asked = pb.CreateDossierRequest(dossier_id=gateway.ids.new(), profile_json=text)
        token = gateway.peers.as_actor(visitor.session.account_id)
        made = await call(gateway.peers.review.CreateDossier, asked, token=token)
        return made.dossier.dossier_id

    return await _save(request, gateway, visitor, save, dossier_id="", version=0)


@router.get("/dossiers/{dossier_id}/profile")
async def edit(request: Request, dossier_id: str, gateway: AppGateway, visitor: SignedInVisitor) -> Response:
    """The form as it was saved; the ID number is masked and stays as it is while it is."""
    data, version = await asking.profile(gateway, visitor.session.account_id, dossier_id)
    return _form(request, visitor, {**profile_form.defaults(), **data}, dossier_id=dossier_id, version=version)


@router.post("/dossiers/{dossier_id}/profile")
async def correct(request: Request, dossier_id: str, gateway: AppGateway, visitor: SignedInVisitor) -> Response:
    """Replace the profile."""
    version = str((await request.form()).get("version", ""))
    wanted = int(version) if version.isascii() and version.isdigit() and len(version) < 16 else 0

    async def save(text: str) -> str:
        asked = pb.PutProfileRequest(dossier_id=dossier_id, profile_json=text, version=wanted)
        token = gateway.peers.as_actor(visitor.session.account_id)
        await call(gateway.peers.review.PutProfile, asked, token=token)
        return dossier_id

    return await _save(request, gateway, visitor, save, dossier_id=dossier_id, version=wanted)


async def _save(
    request: Request, gateway: Gateway, visitor: Visitor, save: Any, *, dossier_id: str, version: int
) -> Response:
    """Add or remove an entry as asked, or check and save."""
    fields = await typed(request)
    data = profile_form.from_form(fields, load.default())
    form = await request.form()
    changed = _rearranged(data, str(form.get("add", "")), str(form.get("remove", "")))
    if changed:
        return _form(request, visitor, data, dossier_id=dossier_id, version=version)
    complaints = _complaints(gateway, data)
    if complaints:
        return _form(request, visitor, data, dossier_id=dossier_id, version=version, complaints=complaints)
    try:
        saved = await save(json.dumps(data, ensure_ascii=False))
    except AppError as error:
        said = explain(error.code, error.params, language(request))
        return _form(request, visitor, data, dossier_id=dossier_id, version=version, problem=said)
    return RedirectResponse(f"/dossiers/{saved}", status_code=303)


def _rearranged(data: dict[str, Any], add: str, remove: str) -> bool:
    """Whether one more entry was asked for, or one less; then `data` has it."""
    answers: dict[str, list[dict[str, Any]]] = data["answers"]
    known = {item.id for item in load.default().items}
    if add in known and len(answers.get(add, [])) < profile_form.MOST_ENTRIES:
        answers.setdefault(add, []).append({})
        return True
    item_id, _, number = remove.partition(".")
    if item_id in answers and number.isdigit() and int(number) < len(answers[item_id]):
        del answers[item_id][int(number)]
        if not answers[item_id]:
            del answers[item_id]
        return True
    return False


def _complaints(gateway: Gateway, data: dict[str, Any]) -> Sequence[Complaint]:
    """What is wrong, before anybody else is asked; a masked ID number is the saved one."""
    checked = dict(data)
    if "*" in str(checked.get("id_number", "")):
        checked["id_number"] = _ANY_NUMBER
    try:
        profiles.from_data(checked, load.default(), today=china_date(gateway.clock.now()))
    except SourceError as error:
        return [problem.complaint for problem in error.found]
    return ()


#: Stands for a number that is not shown.
_ANY_NUMBER = "11010519491231002X"
