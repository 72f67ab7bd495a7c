"""The transaction in which a job's effect and its end are one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.db.engine import Database
from services.kernel.events.outbox import Outbox
from services.kernel.jobs.queue import Job, finish


@asynccontextmanager
async def effect(database: Database, job: Job) -> AsyncIterator[tuple[AsyncConnection, Outbox]]:
    """A transaction in the job's scope that ends the job; its events are flushed last.

    Raises `LeaseLost` before anything is written when another worker has the job or it was cancelled.
    """
    async with database.transaction(job.scope) as connection:
        await finish(connection, job)
        outbox = Outbox(database.schema)
        yield connection, outbox
        await outbox.flush(connection)
