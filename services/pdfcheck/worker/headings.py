"""The stage that reads the heads of pages, for an applicant who asked: `headings`."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.catalogue.model import Catalogue
from services.kernel.jobs.effect import effect
from services.kernel.jobs.worker import Handler, Running
from services.kernel.ocr.port import TextReader
from services.kernel.platform import Platform
from services.kernel.stored_files import ObjectSource, StoredFiles
from services.pdfcheck.domain.headings import Suggestion
from services.pdfcheck.ports import Reports, Suggestions
from services.pdfcheck.usecases.headings import suggest_components

#: Reading a scan takes a second or two a page.
SLOW = frozenset({"headings"})


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadingJobs:
    """`handlers` is the visible table."""

    platform: Platform
    catalogue: Catalogue
    reports: Reports
    suggestions: Suggestions
    files: StoredFiles
    reader: TextReader

    def handlers(self) -> Mapping[str, Handler]:
        """Stage → handler."""
        return {"headings": self.headings}

    async def headings(self, running: Running) -> None:
        """Suggest a component for each page of a file that was checked; a file that is gone has none."""
        job = running.job
        file = await self.files.describe(job.dossier_id, job.organisation_path, job.subject_id)
        report = await self.reports.report(job.dossier_id, job.organisation_path, job.subject_id)
        pages = len(report.page_bytes) if report is not None else 0
        found: tuple[Suggestion, ...] = ()
        if file is not None and pages:
            found = await suggest_components(
                self.platform.sandbox,
                self.reader,
                ObjectSource(self.platform.storage, file),
                self.catalogue.item(job.argument),
                pages,
                running.at,
            )
        async with effect(self.platform.database, job) as (connection, _):
            await self.suggestions.save(connection, job.subject_id, found)
