"""The change feed as one account may read it: in order, nothing left out, nothing of others."""

from collections.abc import Sequence

from services.review.ports import Change, Scope
from services.review.usecases.context import Context

#: How many changes are read of each office at a time.
PAGE = 200
#: The change that stands for those that are not kept: read everything anew.
RELOAD = "reload"


async def changes_after(
    context: Context, account_id: str, dossier_id: str, after: int, *, size: int = PAGE
) -> tuple[Sequence[Change], int]:
    """The next changes that the account may see (of one dossier, or of all for ""), and where to read on from.

    One reads on from the second value also when there was nothing to see: the changes up to there were somebody
    else's. Only what every office has read in full is told, so that the numbers only grow. Offices are read anew each
    time; one that was taken away ends what it showed. Where changes after `after` are not kept any more, one change of
    the kind `RELOAD` stands for all of them.
    """
    upper = await context.work.last_change()
    if upper <= after:
        return (), after
    actor = await context.work.actor(account_id)
    found: dict[int, Change] = {}
    for path in sorted({office.organisation.path for office in actor.offices}):
        scope = Scope(organisation_path=path, dossier_id=dossier_id)
        page = await context.work.changes(scope, after, upper, size)
        if len(page) == size:
            upper = min(upper, page[-1][0].seq)
        found.update((change.seq, change) for change, dossier in page if actor.may_see(dossier))
    gone = await context.work.pruned_to()  # asked last: what is gone by now may have been missing above
    if after < gone:
        return (Change(seq=gone, dossier_id=dossier_id, material_id="", kind=RELOAD),), gone
    return [found[seq] for seq in sorted(found) if seq <= upper], upper
