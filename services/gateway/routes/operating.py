"""What operators do: organisations, accounts, jobs, the event log, every audit chain."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParameter
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from services.gateway import accounts
from services.gateway.guard import AppGateway, Gateway, SignedIn
from services.gateway.languages import language
from services.gateway.limits import MOST
from services.gateway.plain import plain
from services.gateway.schemas.operation import (
    DeadLetterAnswer,
    DeadLetters,
    JobAnswer,
    Jobs,
    Lags,
    NewAccount,
    Organisation,
    Organisations,
    Verification,
)
from services.gen.operation.v1 import operation_pb2 as op
from services.gen.review.v1 import review_pb2 as pb
from services.kernel.errors import AppError, Kind
from services.kernel.grpc_client import call

if TYPE_CHECKING:
    from services.gen.operation.v1.operation_pb2_grpc import OperationServiceAsyncStub

router = APIRouter(prefix="/api/v1", tags=["operation"])
Service = Literal["upload", "video", "pdfcheck", "review"]
Topic = Annotated[str, PathParameter(max_length=200)]
Offset = Annotated[int, PathParameter(ge=0, le=MOST)]
#: Any service can be asked about the event log; this one hears of everything.
_LOG_KEEPER = "review"


class OrganisationIn(BaseModel):
    """An organisation below another one."""

    organisation_id: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    parent_id: str = Field(default="", max_length=40)
    name: str = Field(min_length=1, max_length=200)
    level: Literal["unit", "county", "city", "province"]
    kind: str = Field(default="", max_length=40, examples=["county_unit"])


class AccountIn(BaseModel):
    """A local account with one office."""

    login: str = Field(pattern=r"^[a-z0-9._-]{1,64}$")
    name: str = Field(min_length=1, max_length=100)
    role: Literal["applicant", "reviewer", "operator"]
    organisation_id: str = Field(max_length=40)


@router.get("/organisations", summary="Organisations at or below one's own", response_model=Organisations)
async def organisations(
    request: Request,
    session: SignedIn,
    gateway: AppGateway,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str, Query(max_length=400)] = "",
) -> Response:
    """By path."""
    asked = pb.ListOrganisationsRequest(page_size=limit, page_token=cursor)
    token = gateway.peers.as_actor(session.account_id)
    found = await call(gateway.peers.review.ListOrganisations, asked, token=token, idempotent=True)
    return JSONResponse(
        {
            "organisations": [plain(o, language(request)) for o in found.organisations],
            "next": found.next_page_token,
        }
    )


@router.put("/organisations/{organisation_id}", summary="Create or rename an organisation", response_model=Organisation)
async def put_organisation(
    request: Request, organisation_id: str, body: OrganisationIn, session: SignedIn, gateway: AppGateway
) -> Response:
    """Operators only."""
    if organisation_id != body.organisation_id:
        raise AppError("organisation.bad-identifier", Kind.INVALID)
    wanted = pb.Organisation(organisation_id=organisation_id, name=body.name, level=body.level, kind=body.kind)
    asked = pb.PutOrganisationRequest(organisation=wanted, parent_id=body.parent_id)
    token = gateway.peers.as_actor(session.account_id)
    made = await call(gateway.peers.review.PutOrganisation, asked, token=token, idempotent=True)
    return JSONResponse(plain(made.organisation, language(request)))


@router.post("/accounts", status_code=201, summary="Create an account", response_model=NewAccount)
async def create_account(request: Request, body: AccountIn, session: SignedIn, gateway: AppGateway) -> Response:
    """Operators only. The first password is answered once and must be changed at the first sign-in."""

    async def answer() -> Response:
        await _operator(gateway, session.account_id)
        wanted = accounts.NewAccount(
            login=body.login, name=body.name, role=body.role, organisation_id=body.organisation_id
        )
        made = await gateway.accounts.create(wanted, by=session.account_id)
        return JSONResponse(asdict(made), status_code=201)

    return await gateway.idempotency.once(request, session, answer)


async def _operator(gateway: Gateway, account_id: str) -> None:
    """Raises `AppError` review.not-operator."""
    asked = pb.GetPrincipalRequest(account_id=account_id)
    token = gateway.peers.as_actor(account_id)
    principal = await call(gateway.peers.review.GetPrincipal, asked, token=token, idempotent=True)
    if all(role.role != pb.ROLE_OPERATOR for role in principal.roles):
        raise AppError("review.not-operator", Kind.FORBIDDEN)


@router.get("/jobs", summary="Jobs of a service", response_model=Jobs)
async def jobs(
    request: Request,
    session: SignedIn,
    gateway: AppGateway,
    service: Service = "video",
    state: Annotated[str, Query(max_length=20)] = "",
    stage: Annotated[str, Query(max_length=40)] = "",
    dossier: Annotated[str, Query(max_length=64)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Operators only. Newest first."""
    stub, token = await _operating(gateway, session.account_id, service)
    asked = op.ListJobsRequest(stage=stage, state=state, dossier_id=dossier, page_size=limit, page_token=cursor)
    found = await call(stub.ListJobs, asked, token=token, idempotent=True)
    return JSONResponse(plain(found, language(request)))


async def _operating(gateway: Gateway, account_id: str, service: str) -> tuple["OperationServiceAsyncStub", str]:
    """A service's calls for operators, and a token for them. Raises `AppError` review.not-operator."""
    await _operator(gateway, account_id)
    return gateway.peers.operation[service], gateway.peers.operating(account_id, service)


@router.get("/jobs/{service}/{job_id}", summary="One job", response_model=JobAnswer)
async def job(request: Request, service: Service, job_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Operators only."""
    stub, token = await _operating(gateway, session.account_id, service)
    found = await call(stub.GetJob, op.GetJobRequest(job_id=job_id), token=token, idempotent=True)
    return JSONResponse(plain(found, language(request)))


@router.post("/jobs/{service}/{job_id}/retry", summary="Put a dead or cancelled job back", response_model=JobAnswer)
async def retry(request: Request, service: Service, job_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Operators only; idempotent."""
    stub, token = await _operating(gateway, session.account_id, service)
    found = await call(stub.RetryJob, op.RetryJobRequest(job_id=job_id), token=token)
    return JSONResponse(plain(found, language(request)))


@router.post("/jobs/{service}/{job_id}/cancellation", summary="Ask a job to stop", response_model=JobAnswer)
async def cancel(request: Request, service: Service, job_id: str, session: SignedIn, gateway: AppGateway) -> Response:
    """Operators only; idempotent."""
    stub, token = await _operating(gateway, session.account_id, service)
    found = await call(stub.CancelJob, op.CancelJobRequest(job_id=job_id), token=token)
    return JSONResponse(plain(found, language(request)))


@router.get("/lag", summary="How far every consumer group is behind", response_model=Lags)
async def lag(request: Request, session: SignedIn, gateway: AppGateway) -> Response:
    """Operators only. By group and topic."""
    stub, token = await _operating(gateway, session.account_id, _LOG_KEEPER)
    found = await call(stub.ListLag, op.ListLagRequest(), token=token, idempotent=True)
    return JSONResponse(plain(found, language(request)))


@router.get("/dead-letters", summary="Events that were set aside", response_model=DeadLetters)
async def dead_letters(
    request: Request,
    session: SignedIn,
    gateway: AppGateway,
    group: Annotated[str, Query(max_length=40)] = "",
    topic: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str, Query(max_length=300)] = "",
) -> Response:
    """Operators only. Those that nobody has settled, by topic and offset."""
    stub, token = await _operating(gateway, session.account_id, _LOG_KEEPER)
    asked = op.ListDeadLettersRequest(group=group, topic=topic, page_size=limit, page_token=cursor)
    found = await call(stub.ListDeadLetters, asked, token=token, idempotent=True)
    return JSONResponse(plain(found, language(request)))


@router.get("/dead-letters/{topic}/{offset}", summary="One of them", response_model=DeadLetterAnswer)
async def dead_letter(
    request: Request, topic: Topic, offset: Offset, session: SignedIn, gateway: AppGateway
) -> Response:
    """Operators only."""
    stub, token = await _operating(gateway, session.account_id, _LOG_KEEPER)
    asked = op.GetDeadLetterRequest(letter_id=f"{topic}/{offset}")
    found = await call(stub.GetDeadLetter, asked, token=token, idempotent=True)
    return JSONResponse(plain(found, language(request)))


@router.post("/dead-letters/{topic}/{offset}/replay", status_code=204, summary="Send it again")
async def replay(topic: Topic, offset: Offset, session: SignedIn, gateway: AppGateway) -> Response:
    """Operators only. Groups that had their effect from it know it."""
    stub, token = await _operating(gateway, session.account_id, _LOG_KEEPER)
    await call(stub.ReplayDeadLetter, op.ReplayDeadLetterRequest(letter_id=f"{topic}/{offset}"), token=token)
    return Response(status_code=204)


@router.post("/dead-letters/{topic}/{offset}/dismissal", status_code=204, summary="Settle it without another try")
async def dismiss(topic: Topic, offset: Offset, session: SignedIn, gateway: AppGateway) -> Response:
    """Operators only."""
    stub, token = await _operating(gateway, session.account_id, _LOG_KEEPER)
    await call(stub.DismissDeadLetter, op.DismissDeadLetterRequest(letter_id=f"{topic}/{offset}"), token=token)
    return Response(status_code=204)


@router.get("/audit/verification", summary="Check every audit chain", response_model=Verification)
async def verify_all(request: Request, session: SignedIn, gateway: AppGateway) -> Response:
    """Operators only."""
    token = gateway.peers.as_actor(session.account_id)
    found = await call(gateway.peers.review.VerifyAudit, pb.VerifyAuditRequest(), token=token, idempotent=True)
    return JSONResponse(plain(found, language(request)))
