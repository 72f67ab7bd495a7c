"""Dossiers and their materials."""

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from services.gateway.answers import dossier_answer, version_wanted, versioned
from services.gateway.guard import AppGateway, SignedIn
from services.gateway.idempotency import id_for
from services.gateway.languages import language
from services.gateway.limits import MOST
from services.gateway.plain import plain
from services.gateway.schemas.dossiers import Changes, Checklist, Dossier, Dossiers, Material, ProfileAnswer
from services.gen.review.v1 import review_pb2 as pb
from services.kernel.grpc_client import call, stream

router = APIRouter(prefix="/api/v1/dossiers", tags=["dossiers"])
PROFILE_EXAMPLE = {"name": "张三", "id_number": "510106198001011239", "target_level": "正高级", "category": "医疗类"}
PageSize = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str, Query(max_length=200)]


class ProfileIn(BaseModel):
    """The profile as `docs/profile.md` describes it; checked there, with every problem named."""

    profile: dict[str, Any] = Field(examples=[PROFILE_EXAMPLE])


class NewMaterial(BaseModel):
    """A further entry of an item."""

    item: str = Field(min_length=1, max_length=64, examples=["clinical_case"])


class Order(BaseModel):
    """Every file of the material in the new order."""

    file_ids: list[Annotated[str, Field(max_length=64)]] = Field(max_length=1000)


class LeafWanted(BaseModel):
    """A page of a file of the material, as part of a component, turned clockwise."""

    file_id: str = Field(max_length=64)
    page: int = Field(ge=1, le=100_000, description="from 1")
    turn: int = Field(default=0, examples=[90], description="degrees: 0, 90, 180 or 270")
    component_id: str = Field(max_length=100)


class Leaves(BaseModel):
    """Every page that is wanted, in order; none takes the files whole again."""

    leaves: list[LeafWanted] = Field(max_length=5000)


class Declaration(BaseModel):
    """G-09: the applicant is responsible for clarity and truth of everything."""

    declaration_accepted: bool = Field(examples=[True])


@router.post("", status_code=201, summary="Open a dossier", response_model=Dossier)
async def create(request: Request, body: ProfileIn, session: SignedIn, gateway: AppGateway) -> Response:
    """One per applicant and cycle; what is owed follows from the profile (G-02)."""

    async def answer() -> Response:
        asked = pb.CreateDossierRequest(
            dossier_id=id_for(request, session, gateway.ids.new()), profile_json=json.dumps(body.profile)
        )
        made = await call(gateway.peers.review.CreateDossier, asked, token=gateway.peers.as_actor(session.account_id))
        return dossier_answer(request, made.dossier, 201)

    return await gateway.idempotency.once(request, session, answer)


@router.get("", summary="Dossiers that one may see", response_model=Dossiers)
async def find(
    request: Request,
    session: SignedIn,
    gateway: AppGateway,
    state: Annotated[str, Query(max_length=20)] = "",
    waiting: bool = False,  # noqa: FBT001, FBT002 - a query parameter
    limit: PageSize = 50,
    cursor: Cursor = "",
) -> Response:
    """Newest first, without materials; `next` is the cursor of the following page, empty at the end."""
    asked = pb.ListDossiersRequest(state=state, waiting_for_me=waiting, page_size=limit, page_token=cursor)
    token = gateway.peers.as_actor(session.account_id)
    found = await call(gateway.peers.review.ListDossiers, asked, token=token, idempotent=True)
    return JSONResponse(
        {"dossiers": [plain(d, language(request)) for d in found.dossiers], "next": found.next_page_token}
    )


@router.get("/{dossier_id}", summary="A dossier with everything that belongs to it", response_model=Dossier)
async def get(request: Request, dossier_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Materials, files, findings, confirmations, decisions. Its ETag is what changes take as If-Match."""
    asked = pb.GetDossierRequest(dossier_id=dossier_id)
    token = gateway.peers.as_actor(session.account_id)
    found = await call(gateway.peers.review.GetDossier, asked, token=token, idempotent=True)
    return dossier_answer(request, found.dossier)


@router.get("/{dossier_id}/profile", summary="The applicant's profile", response_model=ProfileAnswer)
async def get_profile(request: Request, dossier_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """The ID number is masked."""
    asked = pb.GetProfileRequest(dossier_id=dossier_id)
    token = gateway.peers.as_actor(session.account_id)
    found = await call(gateway.peers.review.GetProfile, asked, token=token, idempotent=True)
    return versioned(request, {"profile": json.loads(found.profile_json)}, found.version)


@router.put("/{dossier_id}/profile", summary="Replace the profile", response_model=Dossier)
async def put_profile(
    request: Request, dossier_id: str, body: ProfileIn, session: SignedIn, gateway: AppGateway
) -> Response:
    """Takes If-Match. Nothing is measured again; comparisons are made anew."""

    async def answer() -> Response:
        asked = pb.PutProfileRequest(
            dossier_id=dossier_id, profile_json=json.dumps(body.profile), version=version_wanted(request)
        )
        made = await call(gateway.peers.review.PutProfile, asked, token=gateway.peers.as_actor(session.account_id))
        return dossier_answer(request, made.dossier)

    return await gateway.idempotency.once(request, session, answer)


@router.get("/{dossier_id}/checklist", summary="What this applicant owes, and why", response_model=Checklist)
async def get_checklist(dossier_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Items with components, reasons and rules, and the paper set."""
    asked = pb.GetChecklistRequest(dossier_id=dossier_id)
    token = gateway.peers.as_actor(session.account_id)
    found = await call(gateway.peers.review.GetChecklist, asked, token=token, idempotent=True)
    return JSONResponse(json.loads(found.checklist_json))


@router.post(
    "/{dossier_id}/materials", status_code=201, summary="Add a further entry of an item", response_model=Material
)
async def add_material(
    request: Request, dossier_id: str, body: NewMaterial, session: SignedIn, gateway: AppGateway
) -> Response:
    """For items that may occur several times. Takes If-Match."""

    async def answer() -> Response:
        asked = pb.AddMaterialRequest(
            dossier_id=dossier_id,
            item_id=body.item,
            material_id=id_for(request, session, gateway.ids.new()),
            version=version_wanted(request),
        )
        made = await call(gateway.peers.review.AddMaterial, asked, token=gateway.peers.as_actor(session.account_id))
        return JSONResponse(plain(made.material, language(request)), status_code=201)

    return await gateway.idempotency.once(request, session, answer)


@router.delete("/{dossier_id}/materials/{material_id}", status_code=204, summary="Remove an added entry")
async def remove_material(
    request: Request, dossier_id: str, material_id: str, session: SignedIn, gateway: AppGateway
) -> Response:
    """Only one that the profile does not demand and that holds no file. Takes If-Match."""

    async def answer() -> Response:
        asked = pb.RemoveMaterialRequest(
            dossier_id=dossier_id, material_id=material_id, version=version_wanted(request)
        )
        await call(gateway.peers.review.RemoveMaterial, asked, token=gateway.peers.as_actor(session.account_id))
        return Response(status_code=204)

    return await gateway.idempotency.once(request, session, answer)


@router.put(
    "/{dossier_id}/materials/{material_id}/order", summary="Order the files of a material", response_model=Material
)
async def arrange(
    request: Request, dossier_id: str, material_id: str, body: Order, session: SignedIn, gateway: AppGateway
) -> Response:
    """Takes the material's version as If-Match (`"v<version>.0"`); the merge follows."""

    async def answer() -> Response:
        asked = pb.ArrangeMaterialRequest(
            dossier_id=dossier_id, material_id=material_id, file_ids=body.file_ids, version=version_wanted(request)
        )
        token = gateway.peers.as_actor(session.account_id)
        made = await call(gateway.peers.review.ArrangeMaterial, asked, token=token)
        return versioned(request, plain(made.material, language(request)), made.material.version)

    return await gateway.idempotency.once(request, session, answer)


@router.put(
    "/{dossier_id}/materials/{material_id}/pages", summary="Arrange the pages of a material", response_model=Material
)
async def arrange_pages(
    request: Request, dossier_id: str, material_id: str, body: Leaves, session: SignedIn, gateway: AppGateway
) -> Response:
    """Order, turns, components, and what is left out, without changing a file. Takes the material's version as
    If-Match (`"v<version>.0"`); the merge follows.
    """

    async def answer() -> Response:
        asked = pb.ArrangePagesRequest(
            dossier_id=dossier_id,
            material_id=material_id,
            leaves=[pb.Leaf(**leaf.model_dump()) for leaf in body.leaves],
            version=version_wanted(request),
        )
        token = gateway.peers.as_actor(session.account_id)
        made = await call(gateway.peers.review.ArrangePages, asked, token=token)
        return versioned(request, plain(made.material, language(request)), made.material.version)

    return await gateway.idempotency.once(request, session, answer)


@router.post("/{dossier_id}/submission", summary="Hand the dossier in", response_model=Dossier)
async def submit(
    request: Request, dossier_id: str, body: Declaration, session: SignedIn, gateway: AppGateway
) -> Response:
    """Takes If-Match. Refused with everything that is missing."""

    async def answer() -> Response:
        asked = pb.SubmitDossierRequest(
            dossier_id=dossier_id, version=version_wanted(request), declaration_accepted=body.declaration_accepted
        )
        made = await call(gateway.peers.review.SubmitDossier, asked, token=gateway.peers.as_actor(session.account_id))
        return dossier_answer(request, made.dossier)

    return await gateway.idempotency.once(request, session, answer)


@router.get("/{dossier_id}/changes", summary="Wait for changes", response_model=Changes)
async def changes(
    request: Request,
    dossier_id: str,
    session: SignedIn,
    gateway: AppGateway,
    after: Annotated[int, Query(ge=0, le=MOST)] = 0,
    wait_s: Annotated[float, Query(ge=0, le=30)] = 20,
) -> Response:
    """Changes after a number, at once when there are any, else as soon as one comes (or none after `wait_s`)."""
    asked = pb.WatchRequest(dossier_id=dossier_id, after_seq=after)
    token = gateway.peers.as_actor(session.account_id)
    found: list[dict[str, Any]] = []
    feed = stream(gateway.peers.review.Watch, asked, token=token, timeout_s=max(wait_s, 0.1))
    try:
        found.append(plain(await anext(feed), language(request)))
        async with asyncio.timeout(0.05):
            found.extend([plain(change, language(request)) async for change in feed])
    except (StopAsyncIteration, TimeoutError):
        pass
    finally:
        await feed.aclose()
    return JSONResponse({"changes": found, "last": found[-1]["seq"] if found else after})
