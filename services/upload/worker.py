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

Within = Callable[[AsyncConnection], AbstractAsyncContextManager[Unit]]


def handlers(context: Context, database: Database, within: Within) -> Mapping[str, Handler]:
    """Stage → handler."""

    @asynccontextmanager
    async def effect(job: Job) -> AsyncIterator[Unit]:
        """A transaction that ends the job together with its effect, or raises `LeaseLost` and does neither."""
        async with database.transaction(job.scope) as connection:
            await finish(connection, job)
            async with within(connection) as unit:
                yield unit

    async def current(job: Job) -> File | None:
        scope = Scope(organisation_path=job.organisation_path, dossier_id=job.dossier_id)
        async with context.work.begin(scope) as unit:
            return await unit.file(job.subject_id)

    async def verify(running: Running) -> None:
        """Read the whole file once; say what its hash is, or that it is not the declared one."""
        file = await current(running.job)
        sha256 = ""
        if file is not None and file.state is FileState.STORED:
            sha256 = await files.hash_of(context, file, running.at)
        async with effect(running.job) as unit:
            file = await unit.file(running.job.subject_id)
            if file is not None and file.state is FileState.STORED and sha256:
                judged = file.judged(sha256)
                await unit.save_file(judged)
                await unit.announce_judged(judged)

    async def purge(running: Running) -> None:
        """Remove a deleted draft's bytes."""
        file = await current(running.job)
        if file is not None and file.state is FileState.DELETED and file.area is Area.STAGING:
            await context.storage.delete(file.object_key)
        async with effect(running.job):
            pass

    async def preserve(running: Running) -> None:
        """Copy a submitted file to the evidence area, switch its row, remove the draft's copy."""
        file = await current(running.job)
        if file is None or file.area is Area.EVIDENCE or file.state is FileState.DELETED:
            async with effect(running.job):
                return
        moved = await files.preserve(context, file)
        async with effect(running.job) as unit:
            await unit.file(file.file_id)
            await unit.save_file(moved)
            await unit.enqueue("discard", file.place, file.file_id, key=f"discard:{file.file_id}")

    async def discard(running: Running) -> None:
        """Remove the draft's copy of a file that lies in the evidence area."""
        file = await current(running.job)
        if file is not None and file.area is Area.EVIDENCE:
            await context.storage.delete(files.staging_key(context, file))
        async with effect(running.job):
            pass

    return {"verify": verify, "purge": purge, "preserve": preserve, "discard": discard}
