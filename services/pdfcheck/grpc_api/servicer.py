"""The PdfcheckService of `proto/pdfcheck/v1`."""

from dataclasses import asdict
from functools import partial

from services.catalogue.model import Catalogue
from services.catalogue.pages.model import SeenPage
from services.catalogue.protobuf import all_to_proto
from services.gen.common.v1 import common_pb2
from services.gen.pdfcheck.v1 import pdfcheck_pb2 as pb
from services.gen.pdfcheck.v1 import pdfcheck_pb2_grpc
from services.kernel.errors import not_found
from services.kernel.grpc_server import Context, Servicer, dossier_of_caller
from services.kernel.jobs.queue import Queue
from services.kernel.storage.port import ObjectStore
from services.pdfcheck.grpc_api.coaching import CoachingCalls, CoachPorts
from services.pdfcheck.grpc_api.previews import PreviewCalls, Previews
from services.pdfcheck.grpc_api.suggesting import SuggestingCalls
from services.pdfcheck.grpc_api.twins import TwinCalls
from services.pdfcheck.grpc_api.typing import TypingCalls
from services.pdfcheck.ports import MergedFile, Qualities, Reports, Suggestions, Twins
from services.pdfcheck.usecases.typed import Desk


class PdfcheckApi(
    PreviewCalls, CoachingCalls, SuggestingCalls, TwinCalls, TypingCalls, pdfcheck_pb2_grpc.PdfcheckServiceServicer
):
    """Calls about a file or material name its dossier in their token."""

    def __init__(
        self, reports: Reports, store: ObjectStore, queue: Queue, previews: Previews, qualities: Qualities,
        suggestions: Suggestions, catalogue: Catalogue, twins: Twins, *, coach: CoachPorts, desk: Desk, expires_s: int,
    ) -> None:  # fmt: skip
        """`expires_s` bounds presigned downloads."""
        self._coach = coach
        self._desk = desk
        self._previews = previews
        self._qualities = qualities
        self._suggestions = suggestions
        self._catalogue = catalogue
        self._twins = twins
        self._reports = reports
        self._store = store
        self._queue = queue
        self._expires_s = expires_s

    async def GetReport(self, request: pb.GetReportRequest, context: Context) -> pb.GetReportResponse:
        """See the contract."""
        claims = dossier_of_caller(request.dossier_id)
        report = await self._reports.report(claims.dossier_id, claims.organisation_path, request.file_id)
        if report is None:
            raise not_found("report")
        message = pb.DocumentReport(
            report_id=report.report_id,
            version=report.version,
            file_id=request.file_id,
            dossier_id=claims.dossier_id,
            facts=pb.DocumentFacts(
                pages=len(report.page_bytes),
                size_bytes=report.size_bytes,
                page_bytes=report.page_bytes,
                largest_page_bytes=max(report.page_bytes, default=0),
                encrypted=report.encrypted,
                signed=report.signed,
                images_only=report.images_only,
                pictures=report.pictures,
                unknown_pictures=report.unknown_pictures,
                page_characters=report.page_characters,
                signatures=[pb.DocumentSignature(**asdict(each)) for each in report.signatures],
            ),
            findings=all_to_proto(report.findings),
            verdict=report.verdict,
            pending=report.pending,
        )
        message.checked_at.FromDatetime(report.checked_at)
        return pb.GetReportResponse(report=message)

    async def _merged(self, dossier_id: str, material_id: str) -> MergedFile:
        claims = dossier_of_caller(dossier_id)
        found = await self._reports.merged(claims.dossier_id, claims.organisation_path, material_id)
        if found is None:
            raise not_found("merged")
        return found

    async def GetMerged(self, request: pb.GetMergedRequest, context: Context) -> pb.GetMergedResponse:
        """See the contract."""
        merged = await self._merged(request.dossier_id, request.material_id)
        message = pb.MergedMaterial(
            merged_id=merged.merged_id,
            version=merged.version,
            material_id=request.material_id,
            dossier_id=request.dossier_id,
            recipe_sha256=merged.recipe_sha256,
            object_key=merged.object_key,
            sha256=merged.sha256,
            size_bytes=merged.size_bytes,
            pages=merged.pages,
            bookmarks=[pb.Bookmark(title=t, page=p, depth=d) for t, p, d in merged.bookmarks],
            page_map=[pb.PageOrigin(file_id=f, page=p) for f, p in merged.page_map],
            findings=all_to_proto(merged.findings),
            verdict=merged.verdict,
        )
        message.merged_at.FromDatetime(merged.merged_at)
        return pb.GetMergedResponse(merged=message)

    async def PresignMerged(self, request: pb.PresignMergedRequest, context: Context) -> pb.PresignMergedResponse:
        """See the contract."""
        merged = await self._merged(request.dossier_id, request.material_id)
        if not merged.object_key:
            raise not_found("merged")
        link = await self._store.presign_get(
            merged.object_key,
            expires_s=self._expires_s,
            filename=request.file_name or f"{request.material_id}.pdf",
            media_type="application/pdf",
        )
        message = common_pb2.PresignedRequest(method=link.method, url=link.url, headers=dict(link.headers))
        message.expires_at.FromDatetime(link.expires_at)
        return pb.PresignMergedResponse(request=message)

    async def GetQuality(self, request: pb.GetQualityRequest, context: Context) -> pb.GetQualityResponse:
        """See the contract."""
        claims = dossier_of_caller(request.dossier_id)
        found = await self._qualities.quality(claims.dossier_id, claims.organisation_path, request.file_id)
        if found is None:
            raise not_found("quality")
        message = pb.Quality(
            quality_id=found.quality_id,
            version=found.seen.version,
            file_id=request.file_id,
            dossier_id=claims.dossier_id,
            pages=[_seen_page(each) for each in found.seen.pages],
            findings=all_to_proto(found.seen.findings),
            lines=[pb.SeenLine(**asdict(each)) for each in found.seen.lines],
            repeats=[pb.Repeat(**asdict(each)) for each in found.seen.repeats],
        )
        message.looked_at.FromDatetime(found.looked_at)
        return pb.GetQualityResponse(quality=message)


def _seen_page(page: SeenPage) -> pb.SeenPage:
    return pb.SeenPage(**asdict(page))  # rims become messages, what is None stays unset


def servicer(
    reports: Reports, store: ObjectStore, queue: Queue, previews: Previews, qualities: Qualities,
    suggestions: Suggestions, catalogue: Catalogue, twins: Twins, *, coach: CoachPorts, desk: Desk, expires_s: int,
) -> Servicer:  # fmt: skip
    """The service, ready to be registered."""
    register = partial(
        pdfcheck_pb2_grpc.add_PdfcheckServiceServicer_to_server,
        PdfcheckApi(
            reports, store, queue, previews, qualities, suggestions, catalogue, twins, coach=coach, desk=desk,
            expires_s=expires_s,
        ),
    )  # fmt: skip
    return Servicer(name=pb.DESCRIPTOR.services_by_name["PdfcheckService"].full_name, register=register)
