"""The stage `twins`, behind `repeats`: the same page in other dossiers. Nobody waits for it, nothing announces it."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.kernel.jobs.effect import effect
from services.kernel.jobs.queue import Job, NewJob
from services.kernel.jobs.worker import Handler, Running
from services.kernel.platform import Platform
from services.pdfcheck.ports import PageElsewhere, Twins
from services.pdfcheck.usecases.small import SmallPictures
from services.pdfcheck.usecases.twins import twins
from services.pdfcheck.worker.documents import subject_of

#: It takes seconds a file: a worker keeps a place for the others.
SLOW = frozenset({"twins"})


@dataclass(frozen=True, kw_only=True, slots=True)
class TwinJobs:
    """`handlers` is the visible table."""

    platform: Platform
    twins: Twins
    small: SmallPictures

    def handlers(self) -> Mapping[str, Handler]:
        """Stage → handler."""
        return {"twins": self.find}

    async def find(self, running: Running) -> None:
        """Compare the pages of a file with those of every other dossier that were seen so far; whoever is seen later,
        compares with this one.
        """
        job = running.job

        async def own(page: int) -> bytes:
            return await self.small.of(job.dossier_id, job.organisation_path, job.subject_id, page)

        async def other(page: PageElsewhere) -> bytes:
            return await self.small.of(page.dossier_id, page.organisation_path, page.file_id, page.page)

        near = await self.twins.near(job.dossier_id, job.subject_id)
        found = await twins(self.platform.sandbox, job.subject_id, near, own, other, running.at)
        async with effect(self.platform.database, job) as (connection, _):
            await self.twins.save(connection, subject_of(job), found)


def comparing(job: Job) -> NewJob:
    """Behind the job that compared a file with its own dossier; after everything that somebody may wait for."""
    return NewJob(
        stage="twins",
        dedup_key=f"twins:{job.job_id}",
        organisation_path=job.organisation_path,
        dossier_id=job.dossier_id,
        subject_id=job.subject_id,
        argument=job.argument,
        priority=100,
    )
