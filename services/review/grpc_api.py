"""The ReviewService of `proto/review/v1`. The actor is the token's; what he may not see is not found."""

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial

from google.protobuf.timestamp_pb2 import Timestamp

from services.catalogue import profile as profiles
from services.catalogue.checklist import Checklist
from services.catalogue.checklist_json import to_data
from services.catalogue.model import Catalogue
from services.catalogue.profile import Profile
from services.catalogue.protobuf import all_to_proto
from services.catalogue.source import SourceError
from services.gen.review.v1 import review_pb2 as pb
from services.gen.review.v1 import review_pb2_grpc
from services.kernel.errors import AppError, Kind
from services.kernel.grpc_server import Context as CallContext
from services.kernel.grpc_server import Servicer, caller
from services.kernel.tokens import Tokens
from services.review.domain.projection import MaterialView
from services.review.domain.records import Defect, Dossier, Organisation, Role
from services.review.ports import Scope
from services.review.usecases import auditing, dossiers, offices, reviewing
from services.review.usecases.context import Context
from services.review.usecases.dossiers import DossierView

_ROLES = {
    pb.ROLE_APPLICANT: Role.APPLICANT,
    pb.ROLE_REVIEWER: Role.REVIEWER,
    pb.ROLE_OPERATOR: Role.OPERATOR,
}
_ACTIONS = {pb.ACTION_VIEW: "view", pb.ACTION_UPLOAD: "upload", pb.ACTION_DELETE: "delete"}
_PAGE = 50
_MOST = 200


def _page(asked: int) -> int:
    return min(asked or _PAGE, _MOST)


def _profile(text: str, catalogue: Catalogue) -> Profile:
    try:
        return profiles.from_data(json.loads(text), catalogue)
    except (SourceError, ValueError) as error:
        problems = "\n".join(error.problems) if isinstance(error, SourceError) else "this is not JSON"
        raise AppError("profile.invalid", Kind.INVALID, problems=problems[:4000]) from error


def _organisation(organisation: Organisation) -> pb.Organisation:
    return pb.Organisation(
        organisation_id=organisation.organisation_id,
        path=organisation.path,
        name=organisation.name,
        level=organisation.level,
        kind=organisation.kind,
    )


def _material(view: MaterialView, dossier: Dossier, names: dict[str, str]) -> pb.Material:
    material = view.material
    item = view.entry.item
    message = pb.Material(
        material_id=material.material_id,
        item_id=item.id,
        item_number=item.number,
        title_zh=item.title_zh,
        title_en=item.title_en,
        ordinal=material.ordinal,
        required=material.required,
        status=view.status,
        findings=all_to_proto(view.findings),
        manifest_sha256=view.manifest_sha256,
        version=material.version,
    )
    for file in view.files:
        report = file.report
        message.files.add(
            file_id=file.file_id,
            component_id=file.component_id,
            file_name=file.file_name,
            size_bytes=file.size_bytes,
            media_type=file.media_type,
            sha256=file.sha256,
            state=file.state,
            verdict=_verdict(view, file.file_id) if report is not None else "",
            findings=all_to_proto(view.file_findings[file.file_id]),
            pages=report.pages if report is not None else 0,
            duration_s=report.duration_s if report is not None else 0,
        )
    if material.merged is not None and material.merged.recipe_sha256 == view.recipe_sha256:
        for name in ("merged_id", "sha256", "size_bytes", "pages", "verdict", "recipe_sha256"):
            setattr(message.merged, name, getattr(material.merged, name))
    if material.disc is not None:
        for name in ("disc_id", "sha256", "size_bytes", "file_sha256"):
            setattr(message.disc, name, getattr(material.disc, name))
    for given in material.confirmations:
        current = given.manifest_sha256 == view.manifest_sha256 and given.catalogue_version == dossier.catalogue_version
        message.confirmations.add(
            level=given.level,
            compared_with_original=given.compared_with_original,
            legible=given.legible,
            authentic=given.authentic,
            manifest_sha256=given.manifest_sha256,
            catalogue_version=given.catalogue_version,
            confirmed_by=names.get(given.confirmed_by, ""),
            confirmed_at=_stamp(given.confirmed_at.timestamp()),
            current=current,
        )
    return message


def _verdict(view: MaterialView, file_id: str) -> str:
    return "fail" if any(finding.blocks for finding in view.file_findings[file_id]) else "pass"


def _stamp(seconds: float) -> Timestamp:
    return Timestamp(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))


def _header(dossier: Dossier, status: str, applicant_name: str) -> pb.Dossier:
    return pb.Dossier(
        dossier_id=dossier.dossier_id,
        applicant_id=dossier.applicant_id,
        applicant_name=applicant_name,
        organisation_id=dossier.organisation_id,
        organisation_path=dossier.organisation_path,
        cycle=dossier.cycle,
        catalogue_version=dossier.catalogue_version,
        state=dossier.state,
        level=dossier.level,
        route=dossier.route,
        status=status,
        version=dossier.version,
        submission=dossier.submission,
        updated_at=_stamp(dossier.updated_at.timestamp()),
        submitted_at=None if dossier.submitted_at is None else _stamp(dossier.submitted_at.timestamp()),
    )


def _dossier(view: DossierView) -> pb.Dossier:
    dossier = view.dossier
    names = dict(view.names)
    message = _header(dossier, view.status, names.get(dossier.applicant_id, ""))
    message.materials.extend(_material(material, dossier, names) for material in view.materials)
    manifests = {material.material.material_id: material.manifest_sha256 for material in view.materials}
    for decision in dossier.decisions:
        added = message.decisions.add(
            decision_id=decision.decision_id,
            level=decision.level,
            decision=decision.decision,
            by=names.get(decision.by, ""),
            at=_stamp(decision.at.timestamp()),
            comment=decision.comment,
            submission=decision.submission,
        )
        for defect in decision.defects:
            resolved = decision.manifests.get(defect.material_id) != manifests.get(defect.material_id)
            added.defects.add(material_id=defect.material_id, reason=defect.reason, resolved=resolved)
    return message


def _material_of(view: DossierView, material_id: str) -> pb.Material:
    return next(m for m in _dossier(view).materials if m.material_id == material_id)


def _checklist(checklist: Checklist) -> str:
    return json.dumps(to_data(checklist), ensure_ascii=False)


class ReviewApi(review_pb2_grpc.ReviewServiceServicer):
    """Every method: token's actor in, one use case, message out."""

    def __init__(self, context: Context, tokens: Tokens, *, watch_s: float) -> None:
        """`watch_s` bounds one Watch call."""
        self._context = context
        self._tokens = tokens
        self._watch_s = watch_s

    async def GetPrincipal(self, request: pb.GetPrincipalRequest, context: CallContext) -> pb.GetPrincipalResponse:
        """See the contract."""
        claims = caller()
        if claims.actor != request.account_id:
            await offices.operator(self._context, claims)
        actor = await self._context.work.actor(request.account_id)
        names = await self._context.work.names([request.account_id])
        answer = pb.GetPrincipalResponse(account_id=request.account_id, display_name=names.get(request.account_id, ""))
        numbers = {role: number for number, role in _ROLES.items()}
        for office in actor.offices:
            answer.roles.add(
                role=numbers[office.role],
                organisation_id=office.organisation.organisation_id,
                organisation_path=office.organisation.path,
                level=office.organisation.level if office.role is Role.REVIEWER else "",
            )
        return answer

    async def PutOrganisation(
        self, request: pb.PutOrganisationRequest, context: CallContext
    ) -> pb.PutOrganisationResponse:
        """See the contract."""
        await offices.operator(self._context, caller())
        given = request.organisation
        wanted = Organisation(
            organisation_id=given.organisation_id, path="/", name=given.name, level=given.level, kind=given.kind
        )
        placed = await offices.put_organisation(self._context, wanted, request.parent_id)
        return pb.PutOrganisationResponse(organisation=_organisation(placed))

    async def ListOrganisations(
        self, request: pb.ListOrganisationsRequest, context: CallContext
    ) -> pb.ListOrganisationsResponse:
        """See the contract."""
        size = _page(request.page_size)
        found = await offices.list_organisations(self._context, caller(), request.page_token, size + 1)
        following = found[size - 1].path if len(found) > size else ""
        return pb.ListOrganisationsResponse(
            organisations=[_organisation(o) for o in found[:size]], next_page_token=following
        )

    async def AssignRole(self, request: pb.AssignRoleRequest, context: CallContext) -> pb.AssignRoleResponse:
        """See the contract."""
        await offices.operator(self._context, caller())
        role = _ROLES.get(request.role)
        if role is None:
            raise AppError("organisation.bad-role", Kind.INVALID)
        await offices.assign(self._context, request.account_id, role, request.organisation_id, request.display_name)
        return pb.AssignRoleResponse()

    async def Authorise(self, request: pb.AuthoriseRequest, context: CallContext) -> pb.AuthoriseResponse:
        """See the contract."""
        action = _ACTIONS.get(request.action)
        if action is None:
            raise AppError("request.bad-action", Kind.INVALID)
        grant = await offices.authorise(
            self._context, self._tokens, caller().actor, request.dossier_id, action, request.material_id,
            request.component_id,
        )  # fmt: skip
        return pb.AuthoriseResponse(
            organisation_path=grant.organisation_path, item_id=grant.item_id, tokens=dict(grant.tokens)
        )

    async def CreateDossier(self, request: pb.CreateDossierRequest, context: CallContext) -> pb.CreateDossierResponse:
        """See the contract."""
        profile = _profile(request.profile_json, self._context.catalogue)
        view = await dossiers.create_dossier(self._context, caller().actor, request.dossier_id, profile)
        return pb.CreateDossierResponse(dossier=_dossier(view))

    async def GetDossier(self, request: pb.GetDossierRequest, context: CallContext) -> pb.GetDossierResponse:
        """See the contract."""
        view = await dossiers.get_dossier(self._context, caller().actor, request.dossier_id)
        return pb.GetDossierResponse(dossier=_dossier(view))

    async def ListDossiers(self, request: pb.ListDossiersRequest, context: CallContext) -> pb.ListDossiersResponse:
        """See the contract."""
        size = _page(request.page_size)
        found = await dossiers.list_dossiers(
            self._context, caller().actor, state=request.state, waiting=request.waiting_for_me,
            before=request.page_token, size=size + 1,
        )  # fmt: skip
        following = found[size - 1][0].dossier_id if len(found) > size else ""
        headers = [_header(dossier, status, name) for dossier, status, name in found[:size]]
        return pb.ListDossiersResponse(dossiers=headers, next_page_token=following)

    async def GetProfile(self, request: pb.GetProfileRequest, context: CallContext) -> pb.GetProfileResponse:
        """See the contract."""
        profile, version = await dossiers.get_profile(self._context, caller().actor, request.dossier_id)
        data = profile.model_dump(mode="json", exclude_defaults=True)
        data["id_number"] = f"{profile.id_number[:3]}{'*' * 11}{profile.id_number[-4:]}"
        return pb.GetProfileResponse(profile_json=json.dumps(data, ensure_ascii=False), version=version)

    async def PutProfile(self, request: pb.PutProfileRequest, context: CallContext) -> pb.PutProfileResponse:
        """See the contract."""
        profile = _profile(request.profile_json, self._context.catalogue)
        view = await dossiers.put_profile(self._context, caller().actor, request.dossier_id, profile, request.version)
        return pb.PutProfileResponse(dossier=_dossier(view))

    async def GetChecklist(self, request: pb.GetChecklistRequest, context: CallContext) -> pb.GetChecklistResponse:
        """See the contract."""
        found = await dossiers.get_checklist(self._context, caller().actor, request.dossier_id)
        return pb.GetChecklistResponse(checklist_json=_checklist(found))

    async def AddMaterial(self, request: pb.AddMaterialRequest, context: CallContext) -> pb.AddMaterialResponse:
        """See the contract."""
        view = await dossiers.add_material(
            self._context, caller().actor, request.dossier_id, request.item_id, request.material_id, request.version
        )
        return pb.AddMaterialResponse(material=_material_of(view, request.material_id))

    async def RemoveMaterial(
        self, request: pb.RemoveMaterialRequest, context: CallContext
    ) -> pb.RemoveMaterialResponse:
        """See the contract."""
        await dossiers.remove_material(
            self._context, caller().actor, request.dossier_id, request.material_id, request.version
        )
        return pb.RemoveMaterialResponse()

    async def ArrangeMaterial(
        self, request: pb.ArrangeMaterialRequest, context: CallContext
    ) -> pb.ArrangeMaterialResponse:
        """See the contract."""
        view = await dossiers.arrange_material(
            self._context, caller().actor, request.dossier_id, request.material_id, list(request.file_ids),
            request.version,
        )  # fmt: skip
        return pb.ArrangeMaterialResponse(material=_material_of(view, request.material_id))

    async def SubmitDossier(self, request: pb.SubmitDossierRequest, context: CallContext) -> pb.SubmitDossierResponse:
        """See the contract."""
        view = await dossiers.submit_dossier(
            self._context, caller().actor, request.dossier_id, request.version, declared=request.declaration_accepted
        )
        return pb.SubmitDossierResponse(dossier=_dossier(view))

    async def ConfirmMaterial(
        self, request: pb.ConfirmMaterialRequest, context: CallContext
    ) -> pb.ConfirmMaterialResponse:
        """See the contract."""
        given = reviewing.Confirming(
            material_id=request.material_id,
            manifest_sha256=request.manifest_sha256,
            compared_with_original=request.compared_with_original,
            legible=request.legible,
            authentic=request.authentic,
        )
        view = await reviewing.confirm_material(self._context, caller().actor, request.dossier_id, given)
        return pb.ConfirmMaterialResponse(material=_material_of(view, request.material_id))

    async def ForwardDossier(
        self, request: pb.ForwardDossierRequest, context: CallContext
    ) -> pb.ForwardDossierResponse:
        """See the contract."""
        deciding = reviewing.Deciding(
            decision_id=request.decision_id, version=request.version, comment=request.comment, eligible=request.eligible
        )
        view = await reviewing.forward_dossier(self._context, caller().actor, request.dossier_id, deciding)
        return pb.ForwardDossierResponse(dossier=_dossier(view))

    async def ReturnDossier(self, request: pb.ReturnDossierRequest, context: CallContext) -> pb.ReturnDossierResponse:
        """See the contract."""
        deciding = reviewing.Deciding(
            decision_id=request.decision_id,
            version=request.version,
            comment=request.comment,
            defects=[Defect(material_id=defect.material_id, reason=defect.reason) for defect in request.defects],
        )
        view = await reviewing.return_dossier(self._context, caller().actor, request.dossier_id, deciding)
        return pb.ReturnDossierResponse(dossier=_dossier(view))

    async def ListAudit(self, request: pb.ListAuditRequest, context: CallContext) -> pb.ListAuditResponse:
        """See the contract."""
        answer = pb.ListAuditResponse()
        for row in await auditing.list_audit(self._context, caller().actor, request.dossier_id):
            body = json.loads(row.body)
            answer.entries.add(
                sequence=row.sequence, action=body["action"], actor=body["actor"], body=row.body, mac=row.mac
            ).at.FromJsonString(body["at"])
        return answer

    async def VerifyAudit(self, request: pb.VerifyAuditRequest, context: CallContext) -> pb.VerifyAuditResponse:
        """See the contract."""
        if request.dossier_id:
            found = await auditing.verify_one(self._context, caller().actor, request.dossier_id)
        else:
            found = await auditing.verify_all(self._context, caller().actor)
        answer = pb.VerifyAuditResponse(verified=not found.breaks, entries=found.entries)
        for broken in found.breaks:
            answer.breaks.add(dossier_id=broken.dossier_id, sequence=broken.sequence, kind=broken.kind)
        return answer

    async def Watch(self, request: pb.WatchRequest, context: CallContext) -> AsyncIterator[pb.WatchResponse]:
        """See the contract. Scopes are read anew each time, so an office that was taken away stops the feed."""
        account_id, after = caller().actor, request.after_seq
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._watch_s
        async with self._context.work.watch() as waiting:
            while True:
                sent = False
                for change in await self._visible(account_id, request.dossier_id, after):
                    after, sent = change.seq, True
                    yield change
                if not sent and loop.time() >= ends:
                    return
                if not sent:
                    await waiting.wait(min(5.0, max(0.0, ends - loop.time())))

    async def _visible(self, account_id: str, dossier_id: str, after: int) -> list[pb.WatchResponse]:
        """The next changes of dossiers that the actor may see; passes over what he may not."""
        actor = await self._context.work.actor(account_id)
        paths = sorted({office.organisation.path for office in actor.offices})
        found: dict[int, pb.WatchResponse] = {}
        for path in paths:
            scope = Scope(organisation_path=path, dossier_id=dossier_id)
            changes = await self._context.work.changes(scope, after, _MOST)
            visible: dict[str, bool] = {}
            for change in changes:
                if change.dossier_id not in visible:
                    async with self._context.work.begin(Scope(organisation_path=path)) as unit:
                        dossier = await unit.dossier(change.dossier_id)
                    visible[change.dossier_id] = dossier is not None and actor.may_see(dossier)
                if visible[change.dossier_id]:
                    found[change.seq] = pb.WatchResponse(
                        seq=change.seq,
                        dossier_id=change.dossier_id,
                        material_id=change.material_id,
                        kind=change.kind,
                    )
        return [found[seq] for seq in sorted(found)]


def servicer(context: Context, tokens: Tokens, *, watch_s: float) -> Servicer:
    """The service, ready to be registered."""
    api = ReviewApi(context, tokens, watch_s=watch_s)
    register = partial(review_pb2_grpc.add_ReviewServiceServicer_to_server, api)
    return Servicer(name=pb.DESCRIPTOR.services_by_name["ReviewService"].full_name, register=register)
