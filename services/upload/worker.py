"""What this service's workers do: each handler ends its job in the transaction of its effect."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.db.engine import Database
from services.kernel.jobs.queue import Job, finish
from services.kernel.jobs.worker import Handler, Running
from services.upload.domain.records import Area, File, FileState
from services.upload.ports import Scope, Unit
from services.upload.usecases import files
from services.upload.usecases.context import Context

#: The stages that remove objects.
REMOVING = frozenset({"purge", "discard"})
Within = Callable[[AsyncConnection], AbstractAsyncContextManager[Unit]]


class FileJobs:
    """The work on files; `handlers` is its visible table."""

    def __init__(self, context: Context, database: Database, within: Within) -> None:
        """`within` makes a unit over a transaction that a job's end belongs to."""
        self._context = context
        self._database = database
        self._within = within

    def handlers(self) -> Mapping[str, Handler]:
        """Stage → handler."""
        return {"verify": self.verify, "purge": self.purge, "preserve": self.preserve, "discard": self.discard}

    @asynccontextmanager
    async def _effect(self, job: Job) -> AsyncIterator[Unit]:
        """A transaction that ends the job together with its effect, or raises `LeaseLost` and does neither."""
        async with self._database.transaction(job.scope) as connection:
            await finish(connection, job)
            async with self._within(connection) as unit:
                yield unit

    async def _file(self, job: Job) -> File | None:
        scope = Scope(organisation_path=job.organisation_path, dossier_id=job.dossier_id)
        async with self._context.work.begin(scope) as unit:
            return await unit.file(job.subject_id)

    async def verify(self, running: Running) -> None:
        """Read the whole file once; say what its hash is, or that it is not the declared one."""
        file = await self._file(running.job)
        sha256 = ""
        if file is not None and file.state is FileState.STORED:
            sha256 = await files.hash_of(self._context, file, running.at)
        async with self._effect(running.job) as unit:
            file = await unit.file(running.job.subject_id)
            if file is not None and file.state is FileState.STORED and sha256:
                judged = file.judged(sha256)
                await unit.save_file(judged)
                await unit.announce_judged(judged)

    async def purge(self, running: Running) -> None:
        """Remove a deleted draft's bytes."""
        file = await self._file(running.job)
        if file is not None and file.state is FileState.DELETED and file.area is Area.STAGING:
            await self._context.storage.delete(file.object_key)
        async with self._effect(running.job):
            pass

    async def preserve(self, running: Running) -> None:
        """Copy a submitted file to the evidence area, switch its row; the draft's copy goes by a further job.

        The original that it was made from is evidence, too.
        """
        file = await self._file(running.job)
        if file is None or file.area is Area.EVIDENCE or file.state is FileState.DELETED:
            async with self._effect(running.job):
                return
        info = await files.preserve(self._context, file)
        async with self._effect(running.job) as unit:
            current = await unit.file(file.file_id)
            if current is not None and current.area is Area.STAGING:
                await unit.save_file(current.moved(info.key, info.etag, Area.EVIDENCE))
                await unit.enqueue("discard", file.place, file.file_id, key=f"discard:{file.file_id}")
            if file.replaces:
                await unit.enqueue("preserve", file.place, file.replaces, key=f"preserve:{file.replaces}")

    async def discard(self, running: Running) -> None:
        """Remove the draft's copy of a file that lies in the evidence area."""
        file = await self._file(running.job)
        if file is not None and file.area is Area.EVIDENCE:
            await self._context.storage.delete(files.staging_key(self._context, file))
        async with self._effect(running.job):
            pass
