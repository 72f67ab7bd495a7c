"""The stages that look at pages for a person's eye: `quality`, then `repeats`. No verdict waits for them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from services.catalogue.model import Catalogue
from services.catalogue.pages.model import SeenFile
from services.kernel.jobs.effect import effect
from services.kernel.jobs.queue import Job, NewJob, enqueue
from services.kernel.jobs.worker import Handler, Running
from services.kernel.ocr.port import TextReader
from services.kernel.platform import Platform
from services.kernel.stored_files import ObjectSource, StoredFiles
from services.pdfcheck.domain import quality as judging
from services.pdfcheck.ports import Qualities, Quality, Writing
from services.pdfcheck.usecases import quality, repeats
from services.pdfcheck.usecases.small import SmallPictures
from services.pdfcheck.worker import twins
from services.pdfcheck.worker.documents import subject_of

#: They take seconds a file: a worker keeps a place for the others.
SLOW = frozenset({"quality", "repeats"})


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityJobs:
    """`handlers` is the visible table."""

    platform: Platform
    catalogue: Catalogue
    reports: Writing
    qualities: Qualities
    files: StoredFiles
    small: SmallPictures
    reader: TextReader

    def handlers(self) -> Mapping[str, Handler]:
        """Stage → handler."""
        return {"quality": self.quality, "repeats": self.repeats}

    async def _end(self, job: Job) -> None:
        """What it was about is gone: end the job without any effect."""
        async with effect(self.platform.database, job):
            pass

    async def quality(self, running: Running) -> None:
        """Look at every page of a file that was checked; keep and announce what was seen, and the hints. A file's bytes
        never change: one that was looked at before it was replaced and taken back is not looked at again.
        """
        job = running.job
        file = await self.files.describe(job.dossier_id, job.organisation_path, job.subject_id)
        report = await self.reports.report(job.dossier_id, job.organisation_path, job.subject_id)
        seen_before = await self.qualities.quality(job.dossier_id, job.organisation_path, job.subject_id)
        if file is None or report is None or not report.page_bytes or seen_before is not None:
            return await self._end(job)
        subject = subject_of(job)
        looked = await quality.look_at(
            self.platform.sandbox,
            self.reader,
            ObjectSource(self.platform.storage, file),
            len(report.page_bytes),
            reads_first=self.catalogue.item(subject.item_id).of_person,
            progress=running.at,
        )
        seen = SeenFile(
            version=0,
            pages=looked.pages,
            findings=judging.hints(looked.pages, looked.turned),
            lines=looked.lines,
        )
        kept = Quality(quality_id=self.platform.ids.new(), seen=seen, looked_at=self.platform.clock.now())
        async with effect(self.platform.database, job) as (connection, outbox):
            version = await self.reports.next_version(connection, job.subject_id)
            kept = replace(kept, seen=replace(seen, version=version))
            await self.qualities.save_quality(connection, outbox, subject, kept)
            await enqueue(connection, "pdfcheck", self.platform.ids, _comparing(job, kept.quality_id))
        return None

    async def repeats(self, running: Running) -> None:
        """Compare the pages of a file with those of the dossier that were seen so far; whoever is seen later, compares
        with this one.
        """
        job = running.job
        where = (job.dossier_id, job.organisation_path)
        near = await self.qualities.near_pages(*where, job.subject_id)
        found = await repeats.repeats(self.platform.sandbox, job.subject_id, near, partial(self.small.of, *where))
        async with effect(self.platform.database, job) as (connection, outbox):
            version = await self.reports.next_version(connection, job.subject_id)
            await self.qualities.save_repeats(connection, outbox, subject_of(job), found, version)
            await enqueue(connection, "pdfcheck", self.platform.ids, twins.comparing(job))


def _comparing(job: Job, quality_id: str) -> NewJob:
    return NewJob(
        stage="repeats",
        dedup_key=f"repeats:{quality_id}",
        organisation_path=job.organisation_path,
        dossier_id=job.dossier_id,
        subject_id=job.subject_id,
        argument=job.argument,
        priority=60,
    )
