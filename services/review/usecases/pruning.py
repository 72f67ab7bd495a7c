"""The change feed is kept for a while only; who reads on from before is told to read everything anew (`watching`)."""

from datetime import timedelta

from services.review.usecases.context import Context


async def prune_changes(context: Context, keep: timedelta, size: int) -> int:
    """Drop older changes, a bounded number in each transaction; how many. The newest one always stays: its number is
    where the feed stands.
    """
    before, dropped = context.clock.now() - keep, 0
    while count := await context.work.prune_changes(before, size):
        dropped += count
        if count < size:
            break
    return dropped
