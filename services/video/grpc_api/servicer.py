"""The VideoService of `proto/video/v1`."""

from collections.abc import Sequence
from functools import partial

from services.catalogue.opening.model import Shot
from services.catalogue.opening.plain import flat
from services.catalogue.protobuf import all_to_proto
from services.gen.video.v1 import video_pb2 as pb
from services.gen.video.v1 import video_pb2_grpc
from services.kernel.errors import not_found
from services.kernel.grpc_server import Context, Servicer, dossier_of_caller
from services.kernel.stored_files import ObjectSource
from services.video.domain.look import COLUMNS
from services.video.grpc_api.calls import Ports
from services.video.grpc_api.stages import StageCalls
from services.video.grpc_api.title_cards import TitleCardCalls
from services.video.ports import Disc, VideoLook, VideoOpening, VideoReport
from services.video.usecases import disc_face, evidence, look, poster, sheet


def _report(report: VideoReport, dossier_id: str, file_id: str) -> pb.VideoReport:
    message = pb.VideoReport(
        report_id=report.report_id,
        version=report.version,
        file_id=file_id,
        dossier_id=dossier_id,
        facts=pb.VideoFacts(
            duration_s=report.duration_s,
            media_duration_s=report.media_duration_s,
            width=report.width,
            height=report.height,
            fps=report.fps,
            fps_lowest=report.fps_lowest,
            fps_highest=report.fps_highest,
            video_codec=report.video_codec,
            audio_codec=report.audio_codec,
            bytes_read=report.bytes_read,
            playable=report.playable,
            still=_spans(report.still),
            stutter=_spans(report.stutter),
        ),
        parsed_name=pb.ParsedName(
            name=report.parsed_name, id_number=report.parsed_id_number, suggested=report.suggested_name
        ),
        findings=all_to_proto(report.findings),
        verdict=report.verdict,
        file_version=report.file_version,
    )
    message.checked_at.FromDatetime(report.checked_at)
    return message


def _spans(spans: Sequence[tuple[float, float]]) -> list[pb.Span]:
    return [pb.Span(start_s=start, end_s=end) for start, end in spans]


def _shot(shot: Shot) -> pb.OpeningShot:
    return pb.OpeningShot(
        time_s=shot.time_s,
        width_px=shot.width_px,
        height_px=shot.height_px,
        lines=[
            pb.OpeningLine(text=line.text, confidence=line.confidence, corners=flat(line.corners))
            for line in shot.lines
        ],
    )


class VideoApi(StageCalls, TitleCardCalls, video_pb2_grpc.VideoServiceServicer):
    """Calls about a file name its dossier in their token."""

    def __init__(self, ports: Ports) -> None:
        """With what it works."""
        self._ports = ports
        self._sandbox = ports.sandbox
        self._reports = ports.reports
        self._store = ports.store

    async def GetReport(self, request: pb.GetReportRequest, context: Context) -> pb.GetReportResponse:
        """See the contract."""
        claims = dossier_of_caller(request.dossier_id)
        found = await self._reports.report(claims.dossier_id, claims.organisation_path, request.file_id)
        if found is None:
            raise not_found("report")
        return pb.GetReportResponse(report=_report(found, claims.dossier_id, request.file_id))

    async def _disc(self, dossier_id: str, file_id: str) -> Disc:
        claims = dossier_of_caller(dossier_id)
        found = await self._reports.disc(claims.dossier_id, claims.organisation_path, file_id)
        if found is None:
            raise not_found("disc")
        return found

    async def GetDisc(self, request: pb.GetDiscRequest, context: Context) -> pb.GetDiscResponse:
        """See the contract."""
        disc = await self._disc(request.dossier_id, request.file_id)
        message = pb.Disc(
            disc_id=disc.disc_id,
            file_id=request.file_id,
            object_key=disc.object_key,
            size_bytes=disc.size_bytes,
            sha256=disc.sha256,
            file_name=disc.file_name,
            file_sha256=disc.file_sha256,
            label=disc.label,
        )
        message.built_at.FromDatetime(disc.built_at)
        return pb.GetDiscResponse(disc=message)

    async def PresignDisc(self, request: pb.PresignDiscRequest, context: Context) -> pb.PresignDiscResponse:
        """See the contract."""
        disc = await self._disc(request.dossier_id, request.file_id)
        name = f"{disc.file_name.removesuffix('.mp4')}.iso"
        link = await self._ports.download(disc.object_key, filename=name, media_type="application/x-iso9660-image")
        return pb.PresignDiscResponse(request=link)

    async def PresignProxy(self, request: pb.PresignProxyRequest, context: Context) -> pb.PresignProxyResponse:
        """See the contract."""
        claims = dossier_of_caller(request.dossier_id)
        found = await self._reports.proxy(claims.dossier_id, claims.organisation_path, request.file_id)
        if found is None or not found.object_key:
            raise not_found("proxy")
        link = await self._ports.download(found.object_key, filename="proxy.mp4", media_type="video/mp4")
        return pb.PresignProxyResponse(request=link)

    async def DrawDiscFace(self, request: pb.DrawDiscFaceRequest, context: Context) -> pb.DrawDiscFaceResponse:
        """See the contract."""
        disc = await self._disc(request.dossier_id, request.file_id)
        title = disc_face.title_of(request.name)
        notes = tuple(request.notes)
        pdf = await disc_face.draw_face(self._sandbox, title=title, notes=notes, sha256=disc.file_sha256)
        return pb.DrawDiscFaceResponse(pdf=pdf)

    async def GetPoster(self, request: pb.GetPosterRequest, context: Context) -> pb.GetPosterResponse:
        """See the contract."""
        claims = dossier_of_caller(request.dossier_id)
        file = await self._ports.file(claims, request.file_id)
        where = (claims.dossier_id, claims.organisation_path, request.file_id)

        async def is_there() -> bool:
            return await self._ports.files.describe(*where, replaced_too=True) is not None

        source = ObjectSource(self._store, file)
        key = poster.key_of(claims.dossier_id, request.file_id)
        return pb.GetPosterResponse(jpeg=await poster.poster(self._store, self._sandbox, source, key, is_there))

    async def _opening(self, dossier_id: str, file_id: str) -> VideoOpening:
        claims = dossier_of_caller(dossier_id)
        found = await self._reports.opening(claims.dossier_id, claims.organisation_path, file_id)
        if found is None:
            raise not_found("opening")
        return found

    async def GetOpening(self, request: pb.GetOpeningRequest, context: Context) -> pb.GetOpeningResponse:
        """See the contract."""
        found = await self._opening(request.dossier_id, request.file_id)
        message = pb.Opening(
            opening_id=found.opening_id,
            version=found.version,
            file_id=request.file_id,
            dossier_id=request.dossier_id,
            seconds=found.seconds,
            shots=[_shot(each.shot) for each in found.shots],
        )
        message.read_at.FromDatetime(found.read_at)
        return pb.GetOpeningResponse(opening=message)

    async def GetOpeningPicture(
        self, request: pb.GetOpeningPictureRequest, context: Context
    ) -> pb.GetOpeningPictureResponse:
        """See the contract."""
        found = await self._opening(request.dossier_id, request.file_id)
        if not 0 <= request.shot < len(found.shots):
            raise not_found("picture")
        key = found.shots[request.shot].object_key
        return pb.GetOpeningPictureResponse(jpeg=await self._store.read(key, 0, poster.PICTURE.output_bytes))

    async def _look(self, dossier_id: str, file_id: str) -> VideoLook:
        claims = dossier_of_caller(dossier_id)
        found = await self._reports.look(claims.dossier_id, claims.organisation_path, file_id)
        if found is None:
            raise not_found("look")
        return found

    async def GetLook(self, request: pb.GetLookRequest, context: Context) -> pb.GetLookResponse:
        """See the contract."""
        found = await self._look(request.dossier_id, request.file_id)
        message = pb.Look(
            look_id=found.look_id,
            version=found.version,
            file_id=request.file_id,
            dossier_id=request.dossier_id,
            samples=[
                pb.LookSample(
                    time_s=each.time_s,
                    mean=each.mean,
                    spread=each.spread,
                    sharpness=each.sharpness,
                    black=each.is_black,
                )
                for each in found.samples
            ],
            findings=all_to_proto(found.findings),
            columns=COLUMNS,
            cell_width_px=found.cell_px[0],
            cell_height_px=found.cell_px[1],
        )
        message.looked_at.FromDatetime(found.looked_at)
        return pb.GetLookResponse(look=message)

    async def GetStoryboard(self, request: pb.GetStoryboardRequest, context: Context) -> pb.GetStoryboardResponse:
        """See the contract."""
        found = await self._look(request.dossier_id, request.file_id)
        if not found.object_key:
            raise not_found("picture")
        jpeg = await self._store.read(found.object_key, 0, look.LOOKING.output_bytes)
        return pb.GetStoryboardResponse(jpeg=jpeg)

    async def GetTechnicalSheet(
        self, request: pb.GetTechnicalSheetRequest, context: Context
    ) -> pb.GetTechnicalSheetResponse:
        """See the contract."""
        file = await self._ports.file(dossier_of_caller(request.dossier_id), request.file_id)
        sections = await sheet.technical_sheet(self._sandbox, ObjectSource(self._store, file))
        return pb.GetTechnicalSheetResponse(
            sections=[
                pb.SheetSection(
                    kind=each.kind, fields=[pb.SheetField(name=name, value=value) for name, value in each.fields]
                )
                for each in sections
            ]
        )

    async def DrawEvidence(self, request: pb.DrawEvidenceRequest, context: Context) -> pb.DrawEvidenceResponse:
        """See the contract."""
        found = await self._opening(request.dossier_id, request.file_id)
        wanted = evidence.Sheet(
            title=request.title,
            notes=tuple(request.notes),
            headings=tuple(request.headings),
            rows=tuple(
                evidence.Row(
                    label=row.label,
                    declared=row.declared,
                    read=row.read,
                    verdict=row.verdict,
                    colour=row.colour,
                    shot=row.shot,
                    corners=tuple(row.corners),
                )
                for row in request.rows
            ),
        )
        return pb.DrawEvidenceResponse(jpeg=await evidence.draw(self._store, self._sandbox, found, wanted))


def servicer(ports: Ports) -> Servicer:
    """The service, ready to be registered."""
    register = partial(video_pb2_grpc.add_VideoServiceServicer_to_server, VideoApi(ports))
    return Servicer(name=pb.DESCRIPTOR.services_by_name["VideoService"].full_name, register=register)
