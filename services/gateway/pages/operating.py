"""The operator's pages: health, jobs, events, accounts and organisations, the audit chains."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import UploadFile

from services.catalogue import load
from services.catalogue.error_texts import ErrorText, explain
from services.gateway import accounts as intake
from services.gateway.guard import AppGateway, Gateway
from services.gateway.languages import language
from services.gateway.pages.view import page
from services.gateway.pages.visitor import SignedInVisitor, Visitor
from services.gateway.plain import plain
from services.gen.operation.v1 import operation_pb2 as op
from services.gen.review.v1 import review_pb2 as pb
from services.kernel.errors import KINDS, AppError, Kind
from services.kernel.grpc_client import call

router = APIRouter(prefix="/operation", include_in_schema=False)
Service = Literal["upload", "video", "pdfcheck", "review"]
State = Literal["", "queued", "leased", "done", "dead", "cancelled"]
SERVICES: tuple[Service, ...] = ("upload", "video", "pdfcheck", "review")
_STATUS_DEADLINE_S = 5.0
_VERIFY_DEADLINE_S = 120.0
_PER_PAGE = 50


async def operator(visitor: SignedInVisitor) -> Visitor:
    """The visitor, who must be an operator. Raises `AppError` review.not-operator."""
    if "operator" not in visitor.roles:
        raise AppError("review.not-operator", Kind.FORBIDDEN)
    return visitor


Operator = Annotated[Visitor, Depends(operator)]


@router.get("")
async def overview(request: Request, gateway: AppGateway, visitor: Operator) -> Response:
    """Every service's database, store, disk, unsent events and jobs."""
    statuses = await asyncio.gather(*(_status(gateway, visitor, service, request) for service in SERVICES))
    return page(request, "operation.html", visitor=visitor, statuses=statuses)


async def _status(gateway: Gateway, visitor: Visitor, service: Service, request: Request) -> dict[str, Any]:
    token = gateway.peers.operating(visitor.session.account_id, service)
    try:
        found = await call(
            gateway.peers.operation[service].GetStatus, op.GetStatusRequest(), token=token,
            timeout_s=_STATUS_DEADLINE_S,
        )  # fmt: skip
    except AppError as error:
        return {"service": service, "error": error.code}
    return {**plain(found, language(request)), "error": ""}


@router.get("/jobs")
async def jobs(
    request: Request,
    gateway: AppGateway,
    visitor: Operator,
    service: Service = "pdfcheck",
    state: State = "",
    stage: Annotated[str, Query(max_length=40)] = "",
    cursor: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Newest first."""
    token = gateway.peers.operating(visitor.session.account_id, service)
    asked = op.ListJobsRequest(stage=stage, state=state, page_size=_PER_PAGE, page_token=cursor)
    found = await call(gateway.peers.operation[service].ListJobs, asked, token=token, idempotent=True)
    shown = plain(found, language(request))
    return page(
        request, "jobs.html", visitor=visitor, services=SERVICES, service=service, state=state, stage=stage,
        jobs=shown["jobs"], following=shown["next_page_token"], now=gateway.clock.now(),
    )  # fmt: skip


@router.post("/jobs/{service}/{job_id}/{action}")
async def change_job(
    service: Service, job_id: str, action: Literal["retry", "cancellation"], gateway: AppGateway, visitor: Operator
) -> Response:
    """Put a dead or cancelled job back, or ask one to stop."""
    token = gateway.peers.operating(visitor.session.account_id, service)
    stub = gateway.peers.operation[service]
    if action == "retry":
        await call(stub.RetryJob, op.RetryJobRequest(job_id=job_id), token=token)
    else:
        await call(stub.CancelJob, op.CancelJobRequest(job_id=job_id), token=token)
    return RedirectResponse(f"/operation/jobs?service={service}", status_code=303)


@router.get("/events")
async def events(request: Request, gateway: AppGateway, visitor: Operator) -> Response:
    """How far every group is behind, and what was set aside."""
    token = gateway.peers.operating(visitor.session.account_id, "review")
    stub = gateway.peers.operation["review"]
    lags, letters = await asyncio.gather(
        call(stub.ListLag, op.ListLagRequest(), token=token, idempotent=True),
        call(stub.ListDeadLetters, op.ListDeadLettersRequest(), token=token, idempotent=True),
    )
    lang = language(request)
    return page(
        request, "events.html", visitor=visitor, lags=plain(lags, lang)["lags"],
        letters=plain(letters, lang)["letters"],
    )  # fmt: skip


@router.post("/events/letters")
async def settle_letter(
    gateway: AppGateway,
    visitor: Operator,
    letter_id: Annotated[str, Form(max_length=300)] = "",
    action: Annotated[Literal["replay", "dismiss"], Form()] = "replay",
) -> Response:
    """Send it again, or set it aside for good."""
    token = gateway.peers.operating(visitor.session.account_id, "review")
    stub = gateway.peers.operation["review"]
    if action == "replay":
        await call(stub.ReplayDeadLetter, op.ReplayDeadLetterRequest(letter_id=letter_id), token=token)
    else:
        await call(stub.DismissDeadLetter, op.DismissDeadLetterRequest(letter_id=letter_id), token=token)
    return RedirectResponse("/operation/events", status_code=303)


@router.get("/accounts")
async def accounts(
    request: Request,
    gateway: AppGateway,
    visitor: Operator,
    q: Annotated[str, Query(max_length=64)] = "",
    cursor: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """By login; and the form for a new one."""
    return await _accounts(request, gateway, visitor, q=q, cursor=cursor)


async def _accounts(
    request: Request, gateway: Gateway, visitor: Visitor, *, q: str = "", cursor: str = "", status: int = 200,
    problem: ErrorText | None = None, made: intake.Made | None = None, typed: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    found = await gateway.repository.accounts(q.strip().lower(), cursor, _PER_PAGE + 1)
    shown, account_id = found[:_PER_PAGE], visitor.session.account_id
    asked = pb.ListPrincipalsRequest(account_ids=[account.account_id for account in shown])
    token = gateway.peers.as_actor(account_id)
    principals, organisations = await asyncio.gather(
        call(gateway.peers.review.ListPrincipals, asked, token=token, idempotent=True),
        gateway.accounts.organisations(by=account_id),
    )
    offices = {
        each.account_id: [
            (pb.Role.Name(role.role).removeprefix("ROLE_").lower(), role.organisation_id) for role in each.roles
        ]
        for each in principals.principals
    }
    return page(
        request, "accounts.html", status, visitor=visitor, accounts=shown, q=q, problem=problem, made=made,
        names={each.account_id: each.display_name for each in principals.principals}, offices=offices,
        organisations=organisations, organisation_names={o.organisation_id: o.name for o in organisations},
        following=shown[-1].login if len(found) > _PER_PAGE else "", now=gateway.clock.now(), typed=typed or {},
    )  # fmt: skip


@router.post("/accounts")
async def create_account(
    request: Request,
    gateway: AppGateway,
    visitor: Operator,
    login: Annotated[str, Form(max_length=200)] = "",
    name: Annotated[str, Form(max_length=200)] = "",
    role: Annotated[str, Form(max_length=20)] = "",
    organisation_id: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """The first password is shown once."""
    row = {"login": login.strip().lower(), "name": name.strip(), "role": role, "organisation_id": organisation_id}
    by = visitor.session.account_id
    try:
        known = {each.organisation_id for each in await gateway.accounts.organisations(by=by)}
        wrong = intake.account_problems([{**row, "line": "1"}], set(), known)
        if wrong:
            raise AppError("account.invalid", Kind.INVALID, field=wrong[0].code, measured=wrong[0].value[:64])
        made = await gateway.accounts.create(intake.NewAccount(**row), by=by)
    except AppError as error:
        said = explain(error.code, error.params, language(request))
        return await _accounts(request, gateway, visitor, status=KINDS[error.kind].http, problem=said, typed=row)
    return await _accounts(request, gateway, visitor, q=made.login, made=made)


@router.post("/accounts/{account_id}/{action}")
async def change_account(
    request: Request,
    account_id: str,
    action: Literal["reset", "disable", "enable", "unlock"],
    gateway: AppGateway,
    visitor: Operator,
    q: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """A new first password is shown once; everything else leads back to the list."""
    by = visitor.session.account_id
    try:
        if action == "reset":
            made = await gateway.accounts.reset(account_id, by=by)
            return await _accounts(request, gateway, visitor, q=made.login, made=made)
        if action == "unlock":
            await gateway.accounts.unlock(account_id, by=by)
        else:
            await gateway.accounts.set_disabled(account_id, disabled=action == "disable", by=by)
    except AppError as error:
        said = explain(error.code, error.params, language(request))
        return await _accounts(request, gateway, visitor, q=q, status=KINDS[error.kind].http, problem=said)
    return RedirectResponse(f"/operation/accounts?q={q}" if q else "/operation/accounts", status_code=303)


@router.get("/organisations")
async def organisations(request: Request, gateway: AppGateway, visitor: Operator) -> Response:
    """The tree; and the form for a new one."""
    return await _organisations(request, gateway, visitor)


async def _organisations(
    request: Request, gateway: Gateway, visitor: Visitor, *, status: int = 200, problem: ErrorText | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    found = await gateway.accounts.organisations(by=visitor.session.account_id)
    return page(
        request, "organisations.html", status, visitor=visitor, organisations=found, problem=problem,
        typed=typed or {}, sign_off=load.default().sign_off,
    )  # fmt: skip


@router.post("/organisations")
async def put_organisation(
    request: Request,
    gateway: AppGateway,
    visitor: Operator,
    organisation_id: Annotated[str, Form(max_length=200)] = "",
    parent_id: Annotated[str, Form(max_length=40)] = "",
    name: Annotated[str, Form(max_length=400)] = "",
    level: Annotated[str, Form(max_length=20)] = "",
    kind: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Create, or give an existing one another name."""
    row = {
        "organisation_id": organisation_id.strip(), "parent_id": parent_id, "name": name.strip(), "level": level,
        "kind": kind if level == "unit" else "",
    }  # fmt: skip
    by = visitor.session.account_id
    try:
        known = {each.organisation_id for each in await gateway.accounts.organisations(by=by)}
        wrong = intake.organisation_problems([{**row, "line": "1"}], known)
        if wrong:
            raise AppError("account.invalid", Kind.INVALID, field=wrong[0].code, measured=wrong[0].value[:64])
        await gateway.accounts.put_organisation(row, by=by)
    except AppError as error:
        said = explain(error.code, error.params, language(request))
        return await _organisations(request, gateway, visitor, status=KINDS[error.kind].http, problem=said, typed=row)
    return RedirectResponse("/operation/organisations", status_code=303)


@router.get("/import/{sort}")
async def import_form(request: Request, sort: intake.Sort, visitor: Operator) -> Response:
    """A table of accounts or organisations."""
    return _import(request, visitor, sort)


def _import(
    request: Request, visitor: Visitor, sort: intake.Sort, *, text: str = "", table: intake.Table | None = None,
    problems: Sequence[intake.Problem] = (), made: Sequence[intake.Made] = (), done: int = 0,
    problem: ErrorText | None = None,
) -> Response:  # fmt: skip
    columns = intake.ACCOUNT_COLUMNS if sort == "accounts" else intake.ORGANISATION_COLUMNS
    status = 422 if problems or problem else 200
    return page(
        request, "import.html", status, visitor=visitor, sort=sort, text=text, table=table, problems=problems,
        made=made, done=done, problem=problem, columns=columns,
    )  # fmt: skip


@router.post("/import/{sort}")
async def import_table(request: Request, sort: intake.Sort, gateway: AppGateway, visitor: Operator) -> Response:
    """A dry run first: every line is checked and nothing is changed; then the same table for real."""
    form = await request.form()
    given = form.get("file")
    text = str(form.get("text", ""))
    columns = intake.ACCOUNT_COLUMNS if sort == "accounts" else intake.ORGANISATION_COLUMNS
    by = visitor.session.account_id
    try:
        if isinstance(given, UploadFile) and given.filename:
            text = intake.decoded(await given.read())
        table = intake.parse(text, columns)
        problems = [*table.problems, *await _wrong(gateway, by, sort, table)]
        if problems or form.get("apply") != "yes":
            return _import(request, visitor, sort, text=text, table=table, problems=sorted(problems, key=_line))
        made = await _take_in(gateway, by, sort, table)
    except AppError as error:
        said = explain(error.code, error.params, language(request))
        return _import(request, visitor, sort, text=text, problem=said)
    return _import(request, visitor, sort, made=made, done=len(table.rows))


def _line(problem: intake.Problem) -> int:
    return problem.line


async def _wrong(gateway: Gateway, by: str, sort: intake.Sort, table: intake.Table) -> Sequence[intake.Problem]:
    known = {each.organisation_id for each in await gateway.accounts.organisations(by=by)}
    if sort == "organisations":
        return intake.organisation_problems(table.rows, known)
    taken = await gateway.repository.taken([row["login"] for row in table.rows])
    return intake.account_problems(table.rows, taken, known)


async def _take_in(gateway: Gateway, by: str, sort: intake.Sort, table: intake.Table) -> Sequence[intake.Made]:
    made: list[intake.Made] = []
    for row in table.rows:
        if sort == "organisations":
            await gateway.accounts.put_organisation(row, by=by)
        else:
            new = intake.NewAccount(**{name: row[name] for name in intake.ACCOUNT_COLUMNS})
            made.append(await gateway.accounts.create(new, by=by))
    return made


@router.get("/audit")
async def audit(
    request: Request,
    gateway: AppGateway,
    visitor: Operator,
    dossier: Annotated[str, Query(max_length=64)] = "",
    verify: Annotated[str, Query(max_length=3)] = "",
) -> Response:
    """One dossier's lines, or every chain checked."""
    token = gateway.peers.as_actor(visitor.session.account_id)
    lang = language(request)
    entries, verified, problem = [], None, None
    try:
        if dossier:
            asked = pb.ListAuditRequest(dossier_id=dossier)
            found = await call(gateway.peers.review.ListAudit, asked, token=token, idempotent=True)
            entries = [{**plain(entry, lang), "details": _details(entry.body)} for entry in found.entries]
        if dossier or verify:
            wanted = pb.VerifyAuditRequest(dossier_id=dossier)
            checked = await call(
                gateway.peers.review.VerifyAudit, wanted, token=token, idempotent=True, timeout_s=_VERIFY_DEADLINE_S
            )
            verified = plain(checked, lang)
    except AppError as error:
        problem = explain(error.code, error.params, lang)
    return page(
        request, "audit.html", visitor=visitor, dossier=dossier, entries=entries, verified=verified, problem=problem
    )


def _details(body: str) -> list[tuple[str, str]]:
    known = json.loads(body)
    return [
        (key, str(value)) for key, value in sorted(known.items()) if key not in ("action", "actor", "at", "dossier")
    ]
