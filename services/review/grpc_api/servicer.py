"""The ReviewService of `proto/review/v1`. The actor is the token's; what he may not see is not found."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date
from functools import partial

from services.gen.review.v1 import review_pb2 as pb
from services.gen.review.v1 import review_pb2_grpc
from services.kernel.clock import china_date
from services.kernel.errors import AppError, Kind
from services.kernel.grpc_server import Context as CallContext
from services.kernel.grpc_server import Servicer, caller
from services.kernel.tokens import Tokens
from services.review.domain.records import Defect, Leaf, Organisation
from services.review.grpc_api import messages
from services.review.usecases import auditing, comparing, dossiers, offices, reviewing, watching
from services.review.usecases.context import Context

#: A lost notification costs no more than this.
_LOOK_ANYWAY_S = 5.0


class ReviewApi(review_pb2_grpc.ReviewServiceServicer):
    """Every method: token's actor in, one use case, message out."""

    def __init__(self, context: Context, tokens: Tokens, *, watch_s: float) -> None:
        """`watch_s` bounds one Watch call."""
        self._context = context
        self._tokens = tokens
        self._watch_s = watch_s

    def _today(self) -> date:
        return china_date(self._context.clock.now())

    async def GetPrincipal(self, request: pb.GetPrincipalRequest, context: CallContext) -> pb.GetPrincipalResponse:
        """See the contract."""
        claims = caller()
        if claims.actor != request.account_id:
            await offices.operator(self._context, claims)
        actor = await self._context.work.actor(request.account_id)
        names = await self._context.work.names([request.account_id])
        return messages.principal(actor, names.get(request.account_id, ""))

    async def ListPrincipals(
        self, request: pb.ListPrincipalsRequest, context: CallContext
    ) -> pb.ListPrincipalsResponse:
        """See the contract."""
        await offices.operator(self._context, caller())
        wanted = list(request.account_ids)[: messages.MOST]
        names = await self._context.work.names(wanted)
        actors = await self._context.work.actors(wanted)
        return pb.ListPrincipalsResponse(
            principals=[messages.principal(actors[each], names.get(each, "")) for each in wanted]
        )

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
        return pb.PutOrganisationResponse(organisation=messages.organisation(placed))

    async def ListOrganisations(
        self, request: pb.ListOrganisationsRequest, context: CallContext
    ) -> pb.ListOrganisationsResponse:
        """See the contract."""
        size = messages.page(request.page_size)
        found = await offices.list_organisations(self._context, caller(), request.page_token, size + 1)
        following = found[size - 1].path if len(found) > size else ""
        return pb.ListOrganisationsResponse(
            organisations=[messages.organisation(o) for o in found[:size]], next_page_token=following
        )

    async def AssignRole(self, request: pb.AssignRoleRequest, context: CallContext) -> pb.AssignRoleResponse:
        """See the contract."""
        await offices.operator(self._context, caller())
        role = messages.ROLES.get(request.role)
        if role is None:
            raise AppError("organisation.bad-role", Kind.INVALID)
        await offices.assign(self._context, request.account_id, role, request.organisation_id, request.display_name)
        return pb.AssignRoleResponse()

    async def Authorise(self, request: pb.AuthoriseRequest, context: CallContext) -> pb.AuthoriseResponse:
        """See the contract."""
        action = messages.ACTIONS.get(request.action)
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
        profile = messages.profile(request.profile_json, self._context.catalogue, self._today())
        view = await dossiers.create_dossier(self._context, caller().actor, request.dossier_id, profile)
        return pb.CreateDossierResponse(dossier=messages.dossier(view))

    async def GetDossier(self, request: pb.GetDossierRequest, context: CallContext) -> pb.GetDossierResponse:
        """See the contract."""
        seq = await self._context.work.last_change()
        view = await dossiers.get_dossier(self._context, caller().actor, request.dossier_id)
        return pb.GetDossierResponse(dossier=messages.dossier(view), seq=seq)

    async def ListDossiers(self, request: pb.ListDossiersRequest, context: CallContext) -> pb.ListDossiersResponse:
        """See the contract."""
        size = messages.page(request.page_size)
        seq = await self._context.work.last_change()
        found = await dossiers.list_dossiers(
            self._context, caller().actor, state=request.state, waiting=request.waiting_for_me,
            organisation_id=request.organisation_id, before=request.page_token, size=size + 1,
        )  # fmt: skip
        following = found[size - 1].dossier.dossier_id if len(found) > size else ""
        headers = [
            messages.header(each.dossier, each.status, each.applicant_name, each.organisation_name)
            for each in found[:size]
        ]
        return pb.ListDossiersResponse(dossiers=headers, next_page_token=following, seq=seq)

    async def CountDossiers(self, request: pb.CountDossiersRequest, context: CallContext) -> pb.CountDossiersResponse:
        """See the contract."""
        by_state, waiting = await dossiers.count_dossiers(self._context, caller().actor)
        return pb.CountDossiersResponse(by_state=dict(by_state), waiting_for_me=waiting)

    async def GetProfile(self, request: pb.GetProfileRequest, context: CallContext) -> pb.GetProfileResponse:
        """See the contract."""
        profile, version = await dossiers.get_profile(self._context, caller().actor, request.dossier_id)
        data = profile.model_dump(mode="json", exclude_defaults=True)
        data["id_number"] = messages.masked(profile.id_number)
        return pb.GetProfileResponse(profile_json=json.dumps(data, ensure_ascii=False), version=version)

    async def PutProfile(self, request: pb.PutProfileRequest, context: CallContext) -> pb.PutProfileResponse:
        """See the contract."""
        stored, _ = await dossiers.get_profile(self._context, caller().actor, request.dossier_id)
        text = messages.unmasked(request.profile_json, stored)
        profile = messages.profile(text, self._context.catalogue, self._today())
        view = await dossiers.put_profile(self._context, caller().actor, request.dossier_id, profile, request.version)
        return pb.PutProfileResponse(dossier=messages.dossier(view))

    async def GetChecklist(self, request: pb.GetChecklistRequest, context: CallContext) -> pb.GetChecklistResponse:
        """See the contract."""
        found = await dossiers.get_checklist(self._context, caller().actor, request.dossier_id)
        return pb.GetChecklistResponse(checklist_json=messages.checklist(found))

    async def AddMaterial(self, request: pb.AddMaterialRequest, context: CallContext) -> pb.AddMaterialResponse:
        """See the contract."""
        view = await dossiers.add_material(
            self._context, caller().actor, request.dossier_id, request.item_id, request.material_id, request.version
        )
        return pb.AddMaterialResponse(material=messages.material_of(view, request.material_id))

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
        return pb.ArrangeMaterialResponse(material=messages.material_of(view, request.material_id))

    async def ArrangePages(self, request: pb.ArrangePagesRequest, context: CallContext) -> pb.ArrangePagesResponse:
        """See the contract."""
        leaves = [
            Leaf(file_id=leaf.file_id, page=leaf.page, turn=leaf.turn, component_id=leaf.component_id)
            for leaf in request.leaves
        ]
        view = await dossiers.arrange_pages(
            self._context, caller().actor, request.dossier_id, request.material_id, leaves, request.version
        )
        return pb.ArrangePagesResponse(material=messages.material_of(view, request.material_id))

    async def SubmitDossier(self, request: pb.SubmitDossierRequest, context: CallContext) -> pb.SubmitDossierResponse:
        """See the contract."""
        view = await dossiers.submit_dossier(
            self._context, caller().actor, request.dossier_id, request.version, declared=request.declaration_accepted
        )
        return pb.SubmitDossierResponse(dossier=messages.dossier(view))

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
        return pb.ConfirmMaterialResponse(material=messages.material_of(view, request.material_id))

    async def PutDraftDefect(
        self, request: pb.PutDraftDefectRequest, context: CallContext
    ) -> pb.PutDraftDefectResponse:
        """See the contract."""
        defect = Defect(material_id=request.material_id, reason=request.reason)
        await reviewing.put_draft_defect(self._context, caller().actor, request.dossier_id, defect)
        return pb.PutDraftDefectResponse()

    async def ForwardDossier(
        self, request: pb.ForwardDossierRequest, context: CallContext
    ) -> pb.ForwardDossierResponse:
        """See the contract."""
        deciding = reviewing.Deciding(
            decision_id=request.decision_id, version=request.version, comment=request.comment, eligible=request.eligible
        )
        view = await reviewing.forward_dossier(self._context, caller().actor, request.dossier_id, deciding)
        return pb.ForwardDossierResponse(dossier=messages.dossier(view))

    async def ReturnDossier(self, request: pb.ReturnDossierRequest, context: CallContext) -> pb.ReturnDossierResponse:
        """See the contract."""
        deciding = reviewing.Deciding(
            decision_id=request.decision_id,
            version=request.version,
            comment=request.comment,
            defects=[Defect(material_id=defect.material_id, reason=defect.reason) for defect in request.defects],
        )
        view = await reviewing.return_dossier(self._context, caller().actor, request.dossier_id, deciding)
        return pb.ReturnDossierResponse(dossier=messages.dossier(view))

    async def ListTwins(self, request: pb.ListTwinsRequest, context: CallContext) -> pb.ListTwinsResponse:
        """See the contract."""
        found = await comparing.list_twins(
            self._context, self._tokens, caller().actor, request.dossier_id, request.material_id
        )
        catalogue = self._context.catalogue
        return pb.ListTwinsResponse(
            twins=[messages.twin(each, catalogue.item(each.other.material.item_id)) for each in found]
        )

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
        """See the contract."""
        account_id, after = caller().actor, request.after_seq
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._watch_s
        async with self._context.work.watch() as waiting:
            while True:
                found, reached = await watching.changes_after(self._context, account_id, request.dossier_id, after)
                for change in found:
                    yield messages.change(change)
                if reached == after:
                    if loop.time() >= ends:
                        return
                    await waiting.wait(min(_LOOK_ANYWAY_S, max(0.0, ends - loop.time())))
                after = reached


def servicer(context: Context, tokens: Tokens, *, watch_s: float) -> Servicer:
    """The service, ready to be registered."""
    api = ReviewApi(context, tokens, watch_s=watch_s)
    register = partial(review_pb2_grpc.add_ReviewServiceServicer_to_server, api)
    return Servicer(name=pb.DESCRIPTOR.services_by_name["ReviewService"].full_name, register=register)
