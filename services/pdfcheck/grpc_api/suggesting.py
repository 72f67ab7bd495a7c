"""Calls about the components that pages most likely belong to."""

from services.catalogue.model import Catalogue
from services.gen.pdfcheck.v1 import pdfcheck_pb2 as pb
from services.kernel.errors import not_found
from services.kernel.grpc_server import Context, dossier_of_caller, owner_of_dossier
from services.kernel.jobs.queue import Queue
from services.pdfcheck.ports import Reports, Suggestions

_AGAIN = ("dead", "cancelled")


class SuggestingCalls:
    """A part of the service."""

    _reports: Reports
    _suggestions: Suggestions
    _queue: Queue
    _catalogue: Catalogue

    async def RequestSuggestions(
        self, request: pb.RequestSuggestionsRequest, context: Context
    ) -> pb.RequestSuggestionsResponse:
        """See the contract."""
        claims = owner_of_dossier(request.dossier_id)
        item = self._catalogue.item(request.item_id)
        report = await self._reports.report(claims.dossier_id, claims.organisation_path, request.file_id)
        if report is None or not report.page_bytes:
            raise not_found("report")
        await self._suggestions.request(claims.dossier_id, claims.organisation_path, request.file_id, item.id)
        for job in await self._queue.latest_of(claims.dossier_id, request.file_id):
            if job.stage == "headings" and job.state in _AGAIN:
                await self._queue.retry(job.job_id)
        return pb.RequestSuggestionsResponse()

    async def GetSuggestions(self, request: pb.GetSuggestionsRequest, context: Context) -> pb.GetSuggestionsResponse:
        """See the contract."""
        claims = dossier_of_caller(request.dossier_id)
        found = await self._suggestions.suggested(claims.dossier_id, claims.organisation_path, request.file_id)
        if found is None:
            raise not_found("suggestions")
        if found.pages is not None:
            return pb.GetSuggestionsResponse(
                state="ready",
                progress=1,
                suggestions=[
                    pb.Suggestion(
                        page=each.page,
                        component_id=each.component_id,
                        confidence=each.confidence,
                        heading=each.heading,
                    )
                    for each in found.pages
                ],
            )
        jobs = await self._queue.latest_of(claims.dossier_id, request.file_id)
        job = next((each for each in jobs if each.stage == "headings"), None)
        state = "failed" if job is not None and job.state in _AGAIN else "working"
        return pb.GetSuggestionsResponse(state=state, progress=job.progress if job is not None else 0)
