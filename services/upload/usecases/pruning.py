"""Sessions that ended long ago: the file has a row of its own, so nobody asks for them any more."""

from datetime import timedelta

from services.upload.usecases.context import Context


async def prune_sessions(context: Context) -> int:
    """Drop completed and aborted sessions that would have expired longer ago than is set; how many."""
    before = context.clock.now() - timedelta(days=context.settings.keep_sessions_days)
    return await context.work.prune(before, context.settings.prune_batch)
