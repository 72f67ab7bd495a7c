"""The applicant's pages: what is owed and how it stands, one material with its files, handing in."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from services.catalogue import load
from services.catalogue.error_texts import ErrorText, explain
from services.gateway.guard import AppGateway, Gateway, SignedIn
from services.gateway.languages import language
from services.gateway.pages import asking, previews, sizes, sorting, videos
from services.gateway.pages.lines import UNFINISHED, lines
from services.gateway.pages.page_hints import on_pages
from services.gateway.pages.previews import Document, Searched
from services.gateway.pages.view import page
from services.gateway.pages.visitor import SignedInVisitor, Visitor
from services.gateway.plain import Data
from services.gen.review.v1 import review_pb2 as pb
from services.gen.upload.v1 import upload_pb2
from services.kernel.errors import AppError, not_found
from services.kernel.grpc_client import call

router = APIRouter(include_in_schema=False)
_PLACE = ("material_id", "component_id")


class Dropped(BaseModel):
    """Names of dropped files with their folders, `1 学历/毕业证.jpg`."""

    paths: list[Annotated[str, Field(min_length=1, max_length=1000)]] = Field(min_length=1, max_length=500)


@router.get("/mine")
async def mine(gateway: AppGateway, visitor: SignedInVisitor) -> Response:
    """To one's own dossier, or to the form that opens it."""
    found = await asking.newest_dossier_id(gateway, visitor.session.account_id)
    return RedirectResponse(f"/dossiers/{found}" if found else "/profile", status_code=303)


@router.get("/dossiers/{dossier_id}")
async def overview(request: Request, dossier_id: str, gateway: AppGateway, visitor: SignedInVisitor) -> Response:
    """Everything that is owed, and how it stands."""
    values = await _overview(request, gateway, visitor, dossier_id)
    return page(request, "dossier.html", visitor=visitor, **values)


@router.get("/dossiers/{dossier_id}/state")
async def overview_state(request: Request, dossier_id: str, gateway: AppGateway, visitor: SignedInVisitor) -> Response:
    """The part of the overview that changes by itself."""
    values = await _overview(request, gateway, visitor, dossier_id)
    return page(request, "dossier_state.html", visitor=visitor, **values)


async def _overview(request: Request, gateway: Gateway, visitor: Visitor, dossier_id: str) -> dict[str, Any]:
    account_id = visitor.session.account_id
    seen = await asking.dossier(request, gateway, account_id, dossier_id)
    owed = await asking.checklist(gateway, account_id, dossier_id)
    found = list(lines(seen.dossier, owed))
    return {
        "dossier": seen.dossier,
        "seq": seen.seq,
        "lines": found,
        "paper": owed["paper"],
        "done": sum(line.material["status"] not in UNFINISHED for line in found),
        "cycle": load.default().cycle,
        "own": seen.dossier["applicant_id"] == account_id,
    }


async def _material(
    request: Request, gateway: Gateway, visitor: Visitor, dossier_id: str, material_id: str
) -> dict[str, Any]:
    values = await _overview(request, gateway, visitor, dossier_id)
    found = next((line for line in values["lines"] if line.material["material_id"] == material_id), None)
    if found is None:
        raise not_found("material")
    at = values["lines"].index(found)
    editable = values["own"] and values["dossier"]["state"] in ("draft", "returned")
    following = values["lines"][at + 1] if at + 1 < len(values["lines"]) else None
    about = (request, gateway, visitor.session.account_id, dossier_id, found.material)
    measured, looks, weighed, coached, derived, stages_of = await asyncio.gather(
        asking.measured(*about), asking.looks(*about), asking.weighed(*about), sizes.of_material(*about),
        sizes.derived(*about),
        _stages(*about, is_video=found.item.is_video),
    )  # fmt: skip
    own = {"line": found, "editable": editable, "following": following, "measured": measured, "looks": looks}
    own |= {"coached": coached, "derived": derived}
    own |= {"stages_of": stages_of, "weighed": weighed, "page_limit": load.default().page_bytes(found.item)}
    return {**values, **own}


async def _stages(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, material: Data, *, is_video: bool
) -> Mapping[str, Sequence[Data]]:
    """Of each video, as `asking.per_file`."""
    ids = [file["file_id"] for file in material["files"]] if is_video else []
    return await asking.per_file(ids, lambda file_id: videos.stages(request, gateway, account_id, dossier_id, file_id))


@router.get("/dossiers/{dossier_id}/materials/{material_id}")
async def material(
    request: Request, dossier_id: str, material_id: str, gateway: AppGateway, visitor: SignedInVisitor
) -> Response:
    """One material: what it consists of, its files and findings, and where to drop more."""
    values = await _material(request, gateway, visitor, dossier_id, material_id)
    return page(request, "material.html", visitor=visitor, **values)


@router.get("/dossiers/{dossier_id}/materials/{material_id}/files")
async def material_files(
    request: Request, dossier_id: str, material_id: str, gateway: AppGateway, visitor: SignedInVisitor
) -> Response:
    """The part of it that changes by itself."""
    values = await _material(request, gateway, visitor, dossier_id, material_id)
    return page(request, "material_files.html", visitor=visitor, **values)


@router.get("/dossiers/{dossier_id}/materials/{material_id}/pages")
async def material_pages(
    request: Request, dossier_id: str, material_id: str, gateway: AppGateway, visitor: SignedInVisitor, q: Searched = ""
) -> Response:
    """The merged result, page by page, and where in it something is written."""
    values = await _material(request, gateway, visitor, dossier_id, material_id)
    document = await asking.merged(request, gateway, visitor.session.account_id, dossier_id, values["line"].material)
    if document is None:
        raise not_found("merged")
    merged = Document(account_id=visitor.session.account_id, dossier_id=dossier_id, kind="materials", id=material_id)
    found = await previews.search_if_asked(gateway, merged, q, language(request))
    hints = on_pages(document, values["line"].material)
    values |= {"hints": hints}
    return page(request, "merged.html", visitor=visitor, document=document, query=q, found=found, **values)


@router.post("/dossiers/{dossier_id}/suggestions")
async def suggestions(
    request: Request, dossier_id: str, body: Dropped, gateway: AppGateway, session: SignedIn
) -> Response:
    """Where each of the dropped files most likely belongs, and every place there is."""
    seen, owed = await asyncio.gather(
        asking.dossier(request, gateway, session.account_id, dossier_id),
        asking.checklist(gateway, session.account_id, dossier_id),
    )
    found = list(lines(seen.dossier, owed))
    return JSONResponse(
        {
            "places": [asdict(place) for place in sorting.places(found, language(request))],
            "files": [dict(zip(_PLACE, sorting.suggest(path, found), strict=True)) for path in body.paths],
        }
    )


@router.post("/dossiers/{dossier_id}/files/{file_id}/name")
async def take_over_name(
    request: Request, dossier_id: str, file_id: str, gateway: AppGateway, visitor: SignedInVisitor
) -> Response:
    """Give a video the name that the profile demands (M15-2f); its bytes stay."""
    account_id = visitor.session.account_id
    seen = await asking.dossier(request, gateway, account_id, dossier_id)
    found = next((m for m in seen.dossier["materials"] if any(f["file_id"] == file_id for f in m["files"])), None)
    if found is None or not found["right_file_name"]:
        raise not_found("file")
    grant = await gateway.peers.authorise(account_id, dossier_id, "delete")
    asked = upload_pb2.RenameFileRequest(dossier_id=dossier_id, file_id=file_id, file_name=found["right_file_name"])
    await call(gateway.peers.upload.RenameFile, asked, token=grant.upload, idempotent=True)
    return RedirectResponse(f"/dossiers/{dossier_id}/materials/{found['material_id']}", status_code=303)


@router.post("/dossiers/{dossier_id}/files/{file_id}/deletion")
async def delete_file(
    dossier_id: str,
    file_id: str,
    gateway: AppGateway,
    visitor: SignedInVisitor,
    material_id: Annotated[str, Form(max_length=64)],
) -> Response:
    """With its bytes and everything made from it."""
    grant = await gateway.peers.authorise(visitor.session.account_id, dossier_id, "delete")
    asked = upload_pb2.DeleteFileRequest(dossier_id=dossier_id, file_id=file_id)
    await call(gateway.peers.upload.DeleteFile, asked, token=grant.upload, idempotent=True)
    return RedirectResponse(f"/dossiers/{dossier_id}/materials/{material_id}", status_code=303)


@router.post("/dossiers/{dossier_id}/materials/{material_id}/order")
async def order(
    request: Request, dossier_id: str, material_id: str, gateway: AppGateway, visitor: SignedInVisitor
) -> Response:
    """Move one file before the one above it."""
    form = await request.form()
    moved = str(form.get("up", ""))
    seen = await asking.dossier(request, gateway, visitor.session.account_id, dossier_id)
    found = next((m for m in seen.dossier["materials"] if m["material_id"] == material_id), None)
    if found is None:
        raise not_found("material")
    ids = [file["file_id"] for file in found["files"]]
    at = ids.index(moved) if moved in ids else 0
    if at:
        ids[at - 1], ids[at] = ids[at], ids[at - 1]
        asked = pb.ArrangeMaterialRequest(
            dossier_id=dossier_id, material_id=material_id, file_ids=ids, version=found["version"]
        )
        token = gateway.peers.as_actor(visitor.session.account_id)
        await call(gateway.peers.review.ArrangeMaterial, asked, token=token)
    return RedirectResponse(f"/dossiers/{dossier_id}/materials/{material_id}", status_code=303)


@router.get("/dossiers/{dossier_id}/submission")
async def submission(request: Request, dossier_id: str, gateway: AppGateway, visitor: SignedInVisitor) -> Response:
    """Everything that is missing, by name; or the declaration and the button."""
    return await _submission(request, gateway, visitor, dossier_id, problem=None)


async def _submission(
    request: Request, gateway: Gateway, visitor: Visitor, dossier_id: str, problem: ErrorText | None
) -> Response:
    values = await _overview(request, gateway, visitor, dossier_id)
    unfinished = [line for line in values["lines"] if line.material["status"] in UNFINISHED]
    status = 200 if problem is None else 422
    return page(request, "submission.html", status, visitor=visitor, unfinished=unfinished, problem=problem, **values)


@router.post("/dossiers/{dossier_id}/submission")
async def submit(
    request: Request,
    dossier_id: str,
    gateway: AppGateway,
    visitor: SignedInVisitor,
    version: Annotated[int, Form(ge=0, le=2**53)],
    declaration: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Hand in; refused with the page as it is now."""
    asked = pb.SubmitDossierRequest(dossier_id=dossier_id, version=version, declaration_accepted=declaration == "yes")
    try:
        await call(gateway.peers.review.SubmitDossier, asked, token=gateway.peers.as_actor(visitor.session.account_id))
    except AppError as error:
        said = explain(error.code, error.params, language(request))
        return await _submission(request, gateway, visitor, dossier_id, problem=said)
    return RedirectResponse(f"/dossiers/{dossier_id}", status_code=303)
