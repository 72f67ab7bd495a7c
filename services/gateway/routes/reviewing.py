"""What reviewers do, and the audit chain."""

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from services.gateway.answers import dossier_answer, version_wanted
from services.gateway.guard import AppGateway, SignedIn
from services.gateway.idempotency import id_for
from services.gateway.languages import language
from services.gateway.plain import plain
from services.gateway.schemas.dossiers import Dossier, Material, Twins
from services.gateway.schemas.operation import Audit, Verification
from services.gen.review.v1 import review_pb2 as pb
from services.kernel.grpc_client import call

router = APIRouter(prefix="/api/v1/dossiers/{dossier_id}", tags=["review"])


class ConfirmationIn(BaseModel):
    """The three confirmations of G-13 for exactly the files that were looked at."""

    manifest_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    compared_with_original: bool
    legible: bool
    authentic: bool


class Forward(BaseModel):
    """Sign and pass on (G-12)."""

    eligible: bool
    comment: str = Field(default="", max_length=2000)


class DefectIn(BaseModel):
    """One thing to put right."""

    material_id: str = Field(max_length=64)
    reason: str = Field(min_length=1, max_length=1000, examples=["扫描件不清晰，请重新扫描原件后上传。"])


class Return(BaseModel):
    """The complete list of what must be put right."""

    defects: list[DefectIn] = Field(min_length=1, max_length=200)
    comment: str = Field(default="", max_length=2000)


@router.put("/materials/{material_id}/confirmation", summary="Confirm a material", response_model=Material)
async def confirm(
    request: Request, dossier_id: str, material_id: str, body: ConfirmationIn, session: SignedIn, gateway: AppGateway
) -> Response:
    """By the level that holds the dossier; kept while the files do not change."""

    async def answer() -> Response:
        asked = pb.ConfirmMaterialRequest(dossier_id=dossier_id, material_id=material_id, **body.model_dump())
        token = gateway.peers.as_actor(session.account_id)
        done = await call(gateway.peers.review.ConfirmMaterial, asked, token=token, idempotent=True)
        return JSONResponse(plain(done.material, language(request)))

    return await gateway.idempotency.once(request, session, answer)


@router.post("/forwarding", summary="Sign the level and pass on", response_model=Dossier)
async def forward(request: Request, dossier_id: str, body: Forward, session: SignedIn, gateway: AppGateway) -> Response:
    """Takes If-Match. The last level of the route accepts."""

    async def answer() -> Response:
        asked = pb.ForwardDossierRequest(
            dossier_id=dossier_id,
            version=version_wanted(request),
            eligible=body.eligible,
            comment=body.comment,
            decision_id=id_for(request, session, gateway.ids.new()),
        )
        done = await call(gateway.peers.review.ForwardDossier, asked, token=gateway.peers.as_actor(session.account_id))
        return dossier_answer(request, done.dossier)

    return await gateway.idempotency.once(request, session, answer)


@router.post("/return", summary="Return to the applicant", response_model=Dossier)
async def give_back(
    request: Request, dossier_id: str, body: Return, session: SignedIn, gateway: AppGateway
) -> Response:
    """Takes If-Match. Every material must be confirmed or on the list."""

    async def answer() -> Response:
        asked = pb.ReturnDossierRequest(
            dossier_id=dossier_id,
            version=version_wanted(request),
            defects=[pb.Defect(material_id=d.material_id, reason=d.reason) for d in body.defects],
            comment=body.comment,
            decision_id=id_for(request, session, gateway.ids.new()),
        )
        done = await call(gateway.peers.review.ReturnDossier, asked, token=gateway.peers.as_actor(session.account_id))
        return dossier_answer(request, done.dossier)

    return await gateway.idempotency.once(request, session, answer)


@router.get("/audit", summary="The audit chain of a dossier", response_model=Audit)
async def audit(request: Request, dossier_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Oldest first; ids, codes and hashes only."""
    asked = pb.ListAuditRequest(dossier_id=dossier_id)
    token = gateway.peers.as_actor(session.account_id)
    found = await call(gateway.peers.review.ListAudit, asked, token=token, idempotent=True)
    lang = language(request)
    return JSONResponse(
        {"entries": [{**plain(entry, lang), "body": json.loads(entry.body)} for entry in found.entries]}
    )


@router.get("/audit/verification", summary="Check the audit chain", response_model=Verification)
async def verify(request: Request, dossier_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Whether every line is as it was written, and where not."""
    asked = pb.VerifyAuditRequest(dossier_id=dossier_id)
    token = gateway.peers.as_actor(session.account_id)
    found = await call(gateway.peers.review.VerifyAudit, asked, token=token, idempotent=True)
    return JSONResponse(plain(found, language(request)))


@router.get("/twins", summary="Pages that are in other dossiers as well", response_model=Twins)
async def twins(
    request: Request,
    dossier_id: str,
    session: SignedIn,
    gateway: AppGateway,
    material: Annotated[str, Query(max_length=64, description="of this material only")] = "",
) -> Response:
    """For reviewers, of dossiers that they may see. A hint: a stamped form, a team's certificate belong in several."""
    asked = pb.ListTwinsRequest(dossier_id=dossier_id, material_id=material)
    token = gateway.peers.as_actor(session.account_id)
    found = await call(gateway.peers.review.ListTwins, asked, token=token, idempotent=True)
    return JSONResponse(plain(found, language(request)))
