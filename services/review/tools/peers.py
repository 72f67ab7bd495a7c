"""`upload`, `video` and `pdfcheck` as this service asks them."""

from collections.abc import Callable, Sequence

import grpc

from services.catalogue.opening.model import Line, Shot
from services.catalogue.opening.plain import corners
from services.catalogue.pages.model import Repeat, Rim, SeenFile, SeenLine, SeenPage
from services.catalogue.protobuf import all_from_proto
from services.gen.pdfcheck.v1 import pdfcheck_pb2, pdfcheck_pb2_grpc
from services.gen.upload.v1 import upload_pb2, upload_pb2_grpc
from services.gen.video.v1 import video_pb2, video_pb2_grpc
from services.kernel.errors import AppError, Kind
from services.kernel.grpc_client import call
from services.review.domain.records import Dossier, ReadOpening
from services.review.ports import FetchedReport, TwinPage

#: (audience, dossier id, organisation path) → token.
OwnToken = Callable[[str, str, str], str]
_LINE = ("text", "confidence", "left", "top", "width", "height")
_TWIN = ("file_id", "page", "other_dossier_id", "other_file_id", "other_page", "likeness")
_REPEAT = ("page", "other_file_id", "other_page", "likeness")


class PeerFacts:
    """The port over gRPC."""

    def __init__(
        self, upload: grpc.aio.Channel, video: grpc.aio.Channel, pdfcheck: grpc.aio.Channel, token: OwnToken
    ) -> None:
        """Channels stay the caller's."""
        self._upload = upload_pb2_grpc.UploadServiceStub(upload)
        self._video = video_pb2_grpc.VideoServiceStub(video)
        self._pdfcheck = pdfcheck_pb2_grpc.PdfcheckServiceStub(pdfcheck)
        self._token = token

    def _token_for(self, audience: str, dossier: Dossier) -> str:
        return self._token(audience, dossier.dossier_id, dossier.organisation_path)

    async def file_name(self, dossier: Dossier, file_id: str) -> str:
        """See the port."""
        request = upload_pb2.DescribeFileRequest(dossier_id=dossier.dossier_id, file_id=file_id)
        token = self._token_for("upload", dossier)
        return (await call(self._upload.DescribeFile, request, token=token, idempotent=True)).file.file_name

    async def video_report(self, dossier: Dossier, file_id: str) -> FetchedReport:
        """See the port."""
        request = video_pb2.GetReportRequest(dossier_id=dossier.dossier_id, file_id=file_id)
        token = self._token_for("video", dossier)
        report = (await call(self._video.GetReport, request, token=token, idempotent=True)).report
        return FetchedReport(
            report_id=report.report_id,
            version=report.version,
            verdict=report.verdict,
            findings=all_from_proto(report.findings),
            duration_s=report.facts.duration_s,
            parsed_name=report.parsed_name.name,
            parsed_id_number=report.parsed_name.id_number,
            file_version=report.file_version,
        )

    async def opening(self, dossier: Dossier, file_id: str) -> ReadOpening | None:
        """See the port."""
        request = video_pb2.GetOpeningRequest(dossier_id=dossier.dossier_id, file_id=file_id)
        token = self._token_for("video", dossier)
        try:
            found = (await call(self._video.GetOpening, request, token=token, idempotent=True)).opening
        except AppError as error:
            if error.kind is Kind.NOT_FOUND:
                return None
            raise
        return ReadOpening(version=found.version, shots=tuple(map(_shot, found.shots)))

    async def seen_pages(self, dossier: Dossier, file_id: str) -> SeenFile | None:
        """See the port."""
        request = pdfcheck_pb2.GetQualityRequest(dossier_id=dossier.dossier_id, file_id=file_id)
        token = self._token_for("pdfcheck", dossier)
        try:
            found = (await call(self._pdfcheck.GetQuality, request, token=token, idempotent=True)).quality
        except AppError as error:
            if error.kind is Kind.NOT_FOUND:
                return None
            raise
        return SeenFile(
            version=found.version,
            pages=tuple(map(_seen_page, found.pages)),
            findings=all_from_proto(found.findings),
            lines=tuple(SeenLine(**{name: getattr(line, name) for name in _LINE}) for line in found.lines),
            repeats=tuple(Repeat(**{name: getattr(each, name) for name in _REPEAT}) for each in found.repeats),
        )

    async def document_report(self, dossier: Dossier, file_id: str) -> FetchedReport:
        """See the port."""
        request = pdfcheck_pb2.GetReportRequest(dossier_id=dossier.dossier_id, file_id=file_id)
        token = self._token_for("pdfcheck", dossier)
        report = (await call(self._pdfcheck.GetReport, request, token=token, idempotent=True)).report
        return FetchedReport(
            page_characters=tuple(report.facts.page_characters),
            pending=report.pending,
            report_id=report.report_id,
            version=report.version,
            verdict=report.verdict,
            findings=all_from_proto(report.findings),
            pages=report.facts.pages,
        )

    async def twins(self, token: str, dossier_id: str, file_ids: Sequence[str]) -> Sequence[TwinPage]:
        """See the port."""
        request = pdfcheck_pb2.ListTwinsRequest(dossier_id=dossier_id, file_ids=file_ids)
        found = await call(self._pdfcheck.ListTwins, request, token=token, idempotent=True)
        return [TwinPage(**{name: getattr(each, name) for name in _TWIN}) for each in found.twins]


def _seen_page(told: pdfcheck_pb2.SeenPage) -> SeenPage:
    return SeenPage(
        page=told.page,
        dpi=told.dpi if told.HasField("dpi") else None,
        ink=told.ink,
        focus=told.focus if told.HasField("focus") else None,
        motion=told.motion if told.HasField("motion") else None,
        chroma=told.chroma,
        upright=told.upright,
        print=told.print,
        seal=_rim(told.seal) if told.HasField("seal") else None,
        grey_seal=_rim(told.grey_seal) if told.HasField("grey_seal") else None,
    )


def _rim(told: pdfcheck_pb2.Rim) -> Rim:
    return Rim(score=told.score, left=told.left, top=told.top, width=told.width, height=told.height)


def _shot(told: video_pb2.OpeningShot) -> Shot:
    lines = (Line(text=each.text, confidence=each.confidence, corners=corners(each.corners)) for each in told.lines)
    return Shot(time_s=told.time_s, width_px=told.width_px, height_px=told.height_px, lines=tuple(lines))
