"""Openings that are put in front of a video (M15-2b)."""

from services.catalogue.opening.model import Declared, FieldName
from services.catalogue.protobuf import all_to_proto
from services.gen.video.v1 import video_pb2 as pb
from services.kernel.errors import not_found
from services.kernel.grpc_server import Context, dossier_of_caller, owner_of_dossier
from services.kernel.tokens import Claims
from services.video.grpc_api.calls import Ports
from services.video.ports import Subject, TitleCard
from services.video.usecases import title_card

STAGE = "titlecard"
#: For a file of which no size is known.
_SIZE_PX = (1920, 1080)


def _declared(said: "dict[str, str]") -> Declared:
    return {name: said[name] for name in FieldName if said.get(name)}


class TitleCardCalls:
    """The calls about openings."""

    _ports: Ports

    async def DrawTitleCard(self, request: pb.DrawTitleCardRequest, context: Context) -> pb.DrawTitleCardResponse:
        """See the contract."""
        claims = dossier_of_caller(request.dossier_id)
        report = await self._ports.reports.report(claims.dossier_id, claims.organisation_path, request.file_id)
        size = (report.width, report.height) if report is not None and report.width and report.height else _SIZE_PX
        jpeg = await title_card.draw_card(self._ports.sandbox, _declared(dict(request.declared)), *size)
        return pb.DrawTitleCardResponse(jpeg=jpeg)

    async def RequestTitleCard(
        self, request: pb.RequestTitleCardRequest, context: Context
    ) -> pb.RequestTitleCardResponse:
        """See the contract."""
        claims, declared = owner_of_dossier(request.dossier_id), _declared(dict(request.declared))
        title_card.check(declared, request.seconds)
        file = await self._ports.files.describe(claims.dossier_id, claims.organisation_path, request.file_id)
        if file is None:
            raise not_found("file")
        card = TitleCard(
            card_id=self._ports.ids.new(),
            declared={str(name): value for name, value in declared.items()},
            seconds=request.seconds,
            requested_at=self._ports.clock.now(),
        )
        subject = Subject(
            file_id=request.file_id, dossier_id=claims.dossier_id, organisation_path=claims.organisation_path
        )
        await self._ports.cards.request(subject, card)
        return pb.RequestTitleCardResponse(card=await self._told(claims, request.file_id))

    async def _card(self, claims: Claims, file_id: str) -> TitleCard:
        found = await self._ports.cards.find(claims.dossier_id, claims.organisation_path, file_id)
        if found is None:
            raise not_found("title card")
        return found

    async def GetTitleCard(self, request: pb.GetTitleCardRequest, context: Context) -> pb.GetTitleCardResponse:
        """See the contract."""
        claims = dossier_of_caller(request.dossier_id)
        return pb.GetTitleCardResponse(card=await self._told(claims, request.file_id))

    async def PresignTitleCard(
        self, request: pb.PresignTitleCardRequest, context: Context
    ) -> pb.PresignTitleCardResponse:
        """See the contract."""
        claims = dossier_of_caller(request.dossier_id)
        card = await self._card(claims, request.file_id)
        if not card.object_key:
            raise not_found("title card")
        name = (await self._ports.file(claims, request.file_id)).file_name
        link = await self._ports.download(card.object_key, filename=name, media_type="video/mp4")
        return pb.PresignTitleCardResponse(request=link)

    async def _told(self, claims: Claims, file_id: str) -> pb.TitleCard:
        """Jobs are read before the card: one that is done has left what came of it."""
        jobs = await self._ports.queue.latest_of(claims.dossier_id, file_id)
        card = await self._card(claims, file_id)
        job = next((each for each in jobs if each.stage == STAGE and each.argument == card.card_id), None)
        told = pb.TitleCard(
            card_id=card.card_id,
            file_id=file_id,
            dossier_id=claims.dossier_id,
            declared=dict(card.declared),
            seconds=card.seconds,
            state=job.state if job is not None else "queued",
            progress=job.progress if job is not None else 0,
            problem=card.problem,
            problem_params=dict(card.problem_params),
            card_s=card.card_s,
            duration_s=card.duration_s,
            findings=all_to_proto(card.findings),
            object_key=card.object_key,
            size_bytes=card.size_bytes,
            etag=card.etag,
        )
        told.requested_at.FromDatetime(card.requested_at)
        return told
