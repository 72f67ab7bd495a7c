"""Jobs that fetch by gRPC what no event may carry: names and texts of files."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.db.engine import Database
from services.kernel.errors import AppError, Kind
from services.kernel.jobs.queue import Job, finish
from services.kernel.jobs.worker import Handler, Running
from services.review.domain.records import Dossier
from services.review.ports import Facts, FetchedReport, Scope, Unit
from services.review.usecases import hearing
from services.review.usecases.context import Context

Within = Callable[[AsyncConnection], AbstractAsyncContextManager[Unit]]


class FetchJobs:
    """`handlers` is the visible table."""

    def __init__(self, context: Context, facts: Facts, database: Database, within: Within) -> None:
        """`within` makes a unit over a transaction that a job's end belongs to."""
        self._context = context
        self._facts = facts
        self._database = database
        self._within = within

    def handlers(self) -> Mapping[str, Handler]:
        """Stage → handler."""
        return {
            "fetch-name": self.name,
            "fetch-video-report": self.video_report,
            "fetch-document-report": self.document_report,
            "fetch-opening": self.opening,
            "fetch-seen-pages": self.seen_pages,
        }

    @asynccontextmanager
    async def _effect(self, job: Job) -> AsyncIterator[Unit]:
        async with self._database.transaction(job.scope) as connection:
            await finish(connection, job)
            async with self._within(connection) as unit:
                yield unit

    async def _dossier(self, job: Job) -> Dossier | None:
        async with self._context.work.begin(Scope(organisation_path=job.organisation_path)) as unit:
            dossier = await unit.dossier(job.dossier_id)
        found = dossier is not None and hearing.find_file(dossier, job.subject_id) is not None
        return dossier if found else None

    async def _gone(self, job: Job) -> None:
        async with self._effect(job):
            pass

    async def name(self, running: Running) -> None:
        """A file's name from `upload`."""
        job = running.job
        dossier = await self._dossier(job)
        if dossier is None:
            return await self._gone(job)
        try:
            name = await self._facts.file_name(dossier, job.subject_id)
        except AppError as error:
            if error.kind is Kind.NOT_FOUND:  # deleted meanwhile; the event says so too
                return await self._gone(job)
            raise
        async with self._effect(job) as unit:
            await hearing.name_fetched(self._context, unit, job.dossier_id, job.subject_id, name)
        return None

    async def video_report(self, running: Running) -> None:
        """A report from `video`."""
        dossier = await self._dossier(running.job)
        if dossier is None:
            return await self._gone(running.job)
        return await self._write(running.job, await self._facts.video_report(dossier, running.job.subject_id))

    async def document_report(self, running: Running) -> None:
        """A report from `pdfcheck`."""
        dossier = await self._dossier(running.job)
        if dossier is None:
            return await self._gone(running.job)
        return await self._write(running.job, await self._facts.document_report(dossier, running.job.subject_id))

    async def opening(self, running: Running) -> None:
        """The lines of a video's opening from `video`; there may be none yet."""
        job = running.job
        dossier = await self._dossier(job)
        read = None if dossier is None else await self._facts.opening(dossier, job.subject_id)
        if read is None:
            return await self._gone(job)
        async with self._effect(job) as unit:
            await hearing.opening_fetched(self._context, unit, job.dossier_id, job.subject_id, read)
        return None

    async def seen_pages(self, running: Running) -> None:
        """What was seen on a document's pages from `pdfcheck`; there may be nothing yet."""
        job = running.job
        dossier = await self._dossier(job)
        seen = None if dossier is None else await self._facts.seen_pages(dossier, job.subject_id)
        if seen is None:
            return await self._gone(job)
        async with self._effect(job) as unit:
            await hearing.seen_pages_fetched(self._context, unit, job.dossier_id, job.subject_id, seen)
        return None

    async def _write(self, job: Job, report: FetchedReport) -> None:
        async with self._effect(job) as unit:
            await hearing.report_fetched(self._context, unit, job.dossier_id, job.subject_id, report)
