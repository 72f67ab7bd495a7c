"""The reviewer's pages: the queue, a dossier as one screen, the list of defects, the decision."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.catalogue import load
from services.catalogue.error_texts import ErrorText, explain
from services.gateway.guard import AppGateway, Gateway
from services.gateway.languages import language
from services.gateway.pages import asking, previews, sizes
from services.gateway.pages.lines import Line, lines
from services.gateway.pages.page_hints import beside, on_pages
from services.gateway.pages.previews import Document, Searched
from services.gateway.pages.view import page
from services.gateway.pages.visitor import SignedInVisitor, Visitor
from services.gateway.plain import Data, plain
from services.gen.review.v1 import review_pb2 as pb
from services.kernel.errors import KINDS, AppError, Kind, not_found
from services.kernel.grpc_client import call

router = APIRouter(prefix="/review", include_in_schema=False)
Show = Literal["waiting", "in-review", "returned", "accepted", "all"]
_PER_PAGE = 50
Version = Annotated[int, Form(ge=0, le=2**53)]


@router.get("")
async def queue(
    request: Request,
    gateway: AppGateway,
    visitor: SignedInVisitor,
    show: Show = "waiting",
    organisation: Annotated[str, Query(max_length=40)] = "",
    cursor: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Dossiers at or past one's level; those that wait come first."""
    account_id = visitor.session.account_id
    token = gateway.peers.as_actor(account_id)
    review = gateway.peers.review
    asked = pb.ListDossiersRequest(
        state="" if show in ("waiting", "all") else show,
        waiting_for_me=show == "waiting",
        organisation_id=organisation,
        page_size=_PER_PAGE,
        page_token=cursor,
    )
    found, counts, organisations = await asyncio.gather(
        call(review.ListDossiers, asked, token=token, idempotent=True),
        call(review.CountDossiers, pb.CountDossiersRequest(), token=token, idempotent=True),
        call(review.ListOrganisations, pb.ListOrganisationsRequest(page_size=200), token=token, idempotent=True),
    )
    lang = language(request)
    return page(
        request,
        "queue.html",
        visitor=visitor,
        seq=found.seq,
        dossiers=[plain(dossier, lang) for dossier in found.dossiers],
        following=found.next_page_token,
        show=show,
        organisation=organisation,
        organisations=[each for each in organisations.organisations if each.level == "unit"],
        counts={
            "waiting": counts.waiting_for_me,
            **{state: counts.by_state[state] for state in ("in-review", "returned", "accepted")},
            "all": sum(counts.by_state.values()),
        },
        cycle=load.default().cycle,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Reviewed:
    """A dossier as its reviewer sees it."""

    dossier: Data
    seq: int
    lines: Sequence[Line]
    #: The level of the visitor's office on this dossier's path, "" for none.
    level: str

    @property
    def holds(self) -> bool:
        """Whether the visitor's level may decide now."""
        return self.dossier["state"] == "in-review" and self.level != "" and self.dossier["level"] == self.level

    def draft(self, material_id: str) -> str:
        """The defect that was collected for a material, "" for none."""
        return next((d["reason"] for d in self.dossier["draft_defects"] if d["material_id"] == material_id), "")

    def judged(self, line: Line) -> bool:
        """Whether the level has confirmed it or put it on the list."""
        return line.material["status"] in ("confirmed", "accepted") or bool(self.draft(line.id))

    @property
    def open(self) -> list[Line]:
        """What is still to be judged."""
        return [line for line in self.lines if not self.judged(line)]

    def after(self, material_id: str) -> str:
        """Where to go on: the next open material, else the decision."""
        ids = [line.id for line in self.lines]
        at = ids.index(material_id) if material_id in ids else -1
        waiting = {line.id for line in self.open} - {material_id}
        for candidate in (*ids[at + 1 :], *ids[: at + 1]):
            if candidate in waiting:
                return f"/review/{self.dossier['dossier_id']}/materials/{candidate}"
        return f"/review/{self.dossier['dossier_id']}/decision"


async def _reviewed(request: Request, gateway: Gateway, visitor: Visitor, dossier_id: str) -> Reviewed:
    account_id = visitor.session.account_id
    seen, owed = await asyncio.gather(
        asking.dossier(request, gateway, account_id, dossier_id), asking.checklist(gateway, account_id, dossier_id)
    )
    path = seen.dossier["organisation_path"]
    levels = [office.level for office in visitor.offices if office.level and path.startswith(office.organisation_path)]
    mine = next((level for level in levels if level == seen.dossier["level"]), levels[0] if levels else "")
    return Reviewed(dossier=seen.dossier, seq=seen.seq, lines=list(lines(seen.dossier, owed)), level=mine)


@router.get("/{dossier_id}")
async def start(request: Request, dossier_id: str, gateway: AppGateway, visitor: SignedInVisitor) -> Response:
    """To the first material that is to be judged."""
    reviewed = await _reviewed(request, gateway, visitor, dossier_id)
    first = reviewed.lines[0].id if reviewed.lines else ""
    if reviewed.holds and reviewed.judged(reviewed.lines[0]):
        return RedirectResponse(reviewed.after(first), status_code=303)
    return RedirectResponse(f"/review/{dossier_id}/materials/{first}", status_code=303)


@router.get("/{dossier_id}/materials/{material_id}")
async def screen(
    request: Request, dossier_id: str, material_id: str, gateway: AppGateway, visitor: SignedInVisitor, q: Searched = ""
) -> Response:
    """The one screen: materials, document, findings, confirmations; a fragment for a browser that has the frame."""
    return await _screen(request, gateway, visitor, dossier_id, material_id, query=q)


async def _screen(
    request: Request, gateway: Gateway, visitor: Visitor, dossier_id: str, material_id: str, *,
    problem: ErrorText | None = None, status: int = 200, typed_reason: str | None = None, query: str = "",
) -> Response:  # fmt: skip
    reviewed = await _reviewed(request, gateway, visitor, dossier_id)
    line = next((each for each in reviewed.lines if each.id == material_id), None)
    if line is None:
        raise not_found("material")
    account_id = visitor.session.account_id
    profile, document, measured, looks, signed, (twins, derived) = await asyncio.gather(
        asking.profile(gateway, account_id, dossier_id),
        asking.merged(request, gateway, account_id, dossier_id, line.material),
        asking.measured(request, gateway, account_id, dossier_id, line.material),
        asking.looks(request, gateway, account_id, dossier_id, line.material),
        asking.signed(request, gateway, account_id, dossier_id, line.material),
        asyncio.gather(
            asking.twins(request, gateway, account_id, dossier_id, material_id),
            sizes.derived(request, gateway, account_id, dossier_id, line.material),
        ),
    )
    merged = Document(account_id=account_id, dossier_id=dossier_id, kind="materials", id=material_id)
    found = await previews.search_if_asked(gateway, merged, query if document else "", language(request))
    ids = [each.id for each in reviewed.lines]
    at = ids.index(material_id)
    template = "review_screen.html" if request.headers.get("x-fragment") else "review.html"
    return page(
        request, template, status, visitor=visitor, seq=reviewed.seq, reviewed=reviewed, dossier=reviewed.dossier,
        line=line, profile=profile[0], document=document, measured=measured, looks=looks, problem=problem,
        query=query, found=found, signed=signed, derived=derived,
        reason=reviewed.draft(material_id) if typed_reason is None else typed_reason,
        phrases=load.default().sign_off.return_phrases, confirmations=load.default().sign_off.confirmations,
        hints=on_pages(document, line.material), given=_given(line.material, reviewed.level),
        twins=beside(document, twins), after=reviewed.after(material_id), previous=ids[at - 1] if at else "",
        following=ids[at + 1] if at + 1 < len(ids) else "",
    )  # fmt: skip


def _given(material: Data, level: str) -> Data | None:
    """What the level has confirmed for exactly these files."""
    return next((c for c in material["confirmations"] if c["level"] == level and c["current"]), None)


def _on(reviewed: Reviewed, material_id: str) -> Response:
    return RedirectResponse(reviewed.after(material_id), status_code=303)


@router.post("/{dossier_id}/materials/{material_id}/confirmation")
async def confirm(
    request: Request,
    dossier_id: str,
    material_id: str,
    gateway: AppGateway,
    visitor: SignedInVisitor,
    manifest: Annotated[str, Form(max_length=64)] = "",
    compared_with_original: Annotated[str, Form(max_length=3)] = "",
    legible: Annotated[str, Form(max_length=3)] = "",
    authentic: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """The three confirmations of G-13, for the files that were looked at; on to the next open material."""
    asked = pb.ConfirmMaterialRequest(
        dossier_id=dossier_id,
        material_id=material_id,
        manifest_sha256=manifest,
        compared_with_original=compared_with_original == "yes",
        legible=legible == "yes",
        authentic=authentic == "yes",
    )
    token = gateway.peers.as_actor(visitor.session.account_id)
    try:
        await call(gateway.peers.review.ConfirmMaterial, asked, token=token, idempotent=True)
        await _put_defect(gateway, visitor, dossier_id, material_id, "")
    except AppError as error:
        return await _again(request, gateway, visitor, dossier_id, material_id, error)
    if not (asked.compared_with_original and asked.legible and asked.authentic):
        partly = AppError("review.partly-confirmed", Kind.UNPROCESSABLE)
        return await _again(request, gateway, visitor, dossier_id, material_id, partly)
    return _on(await _reviewed(request, gateway, visitor, dossier_id), material_id)


async def _put_defect(gateway: Gateway, visitor: Visitor, dossier_id: str, material_id: str, reason: str) -> None:
    asked = pb.PutDraftDefectRequest(dossier_id=dossier_id, material_id=material_id, reason=reason)
    token = gateway.peers.as_actor(visitor.session.account_id)
    await call(gateway.peers.review.PutDraftDefect, asked, token=token, idempotent=True)


async def _again(
    request: Request, gateway: Gateway, visitor: Visitor, dossier_id: str, material_id: str, error: AppError,
    reason: str | None = None,
) -> Response:  # fmt: skip
    """The screen as it is now, with what went wrong; nothing typed is lost."""
    said = explain(error.code, error.params, language(request))
    status = KINDS[error.kind].http
    return await _screen(
        request, gateway, visitor, dossier_id, material_id, problem=said, status=status, typed_reason=reason
    )


@router.post("/{dossier_id}/materials/{material_id}/defect")
async def defect(
    request: Request,
    dossier_id: str,
    material_id: str,
    gateway: AppGateway,
    visitor: SignedInVisitor,
    reason: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    """Put it on the list for the return; an empty reason takes it off."""
    try:
        await _put_defect(gateway, visitor, dossier_id, material_id, reason)
    except AppError as error:
        return await _again(request, gateway, visitor, dossier_id, material_id, error, reason)
    if not reason.strip():
        return RedirectResponse(f"/review/{dossier_id}/materials/{material_id}", status_code=303)
    return _on(await _reviewed(request, gateway, visitor, dossier_id), material_id)


@router.get("/{dossier_id}/decision")
async def decision(request: Request, dossier_id: str, gateway: AppGateway, visitor: SignedInVisitor) -> Response:
    """What is left, or what may be decided, with its consequences."""
    return await _decision(request, gateway, visitor, dossier_id)


async def _decision(
    request: Request, gateway: Gateway, visitor: Visitor, dossier_id: str, *, problem: ErrorText | None = None,
    status: int = 200, **typed: Any,
) -> Response:  # fmt: skip
    reviewed = await _reviewed(request, gateway, visitor, dossier_id)
    route = reviewed.dossier["route"]
    at = route.index(reviewed.level) if reviewed.level in route else -1
    audit = await _audit(request, gateway, visitor, dossier_id)
    return page(
        request, "decision.html", status, visitor=visitor, seq=reviewed.seq, reviewed=reviewed,
        dossier=reviewed.dossier, problem=problem, typed=typed, audit=audit,
        decision_id=gateway.ids.new(), next_level=route[at + 1] if 0 <= at < len(route) - 1 else "",
        by_id={line.id: line for line in reviewed.lines},
    )  # fmt: skip


async def _audit(request: Request, gateway: Gateway, visitor: Visitor, dossier_id: str) -> Data:
    token = gateway.peers.as_actor(visitor.session.account_id)
    asked = pb.VerifyAuditRequest(dossier_id=dossier_id)
    found = await call(gateway.peers.review.VerifyAudit, asked, token=token, idempotent=True)
    return plain(found, language(request))


@router.post("/{dossier_id}/forwarding")
async def forward(
    request: Request,
    dossier_id: str,
    gateway: AppGateway,
    visitor: SignedInVisitor,
    version: Version = 0,
    eligible: Annotated[str, Form(max_length=3)] = "",
    comment: Annotated[str, Form(max_length=20_000)] = "",
    decision_id: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Sign the level and pass on; the last one accepts."""
    asked = pb.ForwardDossierRequest(
        dossier_id=dossier_id, version=version, eligible=eligible == "yes", comment=comment,
        decision_id=decision_id or gateway.ids.new(),
    )  # fmt: skip
    token = gateway.peers.as_actor(visitor.session.account_id)
    try:
        await call(gateway.peers.review.ForwardDossier, asked, token=token)
    except AppError as error:
        said = explain(error.code, error.params, language(request))
        return await _decision(
            request, gateway, visitor, dossier_id, problem=said, status=KINDS[error.kind].http, comment=comment
        )
    return RedirectResponse("/review", status_code=303)


@router.post("/{dossier_id}/return")
async def give_back(
    request: Request,
    dossier_id: str,
    gateway: AppGateway,
    visitor: SignedInVisitor,
    version: Version = 0,
    comment: Annotated[str, Form(max_length=20_000)] = "",
    decision_id: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Return to the applicant with the complete list, as it was collected."""
    reviewed = await _reviewed(request, gateway, visitor, dossier_id)
    defects = [pb.Defect(material_id=d["material_id"], reason=d["reason"]) for d in reviewed.dossier["draft_defects"]]
    asked = pb.ReturnDossierRequest(
        dossier_id=dossier_id, version=version, defects=defects, comment=comment,
        decision_id=decision_id or gateway.ids.new(),
    )  # fmt: skip
    token = gateway.peers.as_actor(visitor.session.account_id)
    try:
        await call(gateway.peers.review.ReturnDossier, asked, token=token)
    except AppError as error:
        said = explain(error.code, error.params, language(request))
        return await _decision(
            request, gateway, visitor, dossier_id, problem=said, status=KINDS[error.kind].http, comment=comment
        )
    return RedirectResponse("/review", status_code=303)
