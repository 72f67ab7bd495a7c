"""The change feed on real rows: in order, nothing left out under concurrent commits, nothing of others."""

import asyncio
import itertools
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from services.review.domain.records import Dossier, DossierState, Role
from services.review.ports import Change, Scope
from services.review.usecases import watching
from services.review.usecases.context import Context, refresh
from services.review.usecases.dossiers import create_dossier
from services.review.usecases.pruning import prune_changes
from tests.cluster import Cluster
from tests.integration.review.conftest import office
from tests.unit.review.builders import profile

_NUMBERS = itertools.count(1)
DEADLINE_S = 30


async def opened(context: Context, account_id: str, unit: str = "h1") -> Dossier:
    """A new draft of a new applicant; four changes or fewer."""
    await office(context, account_id, Role.APPLICANT, unit)
    number = f"{next(_NUMBERS):04d}"
    affiliation = "省属" if unit == "h3" else "县属"
    view = await create_dossier(context, account_id, f"d{number}", profile(affiliation=affiliation))
    return view.dossier


async def touch(context: Context, dossier: Dossier, kind: str) -> None:
    """One change of a dossier."""
    async with context.work.begin(Scope(organisation_path=dossier.organisation_path)) as unit:
        unit.change(dossier, kind)


async def submitted(context: Context, dossier: Dossier) -> None:
    """Let it lie at the unit, as after handing in."""
    async with context.work.begin(Scope(organisation_path=dossier.organisation_path)) as unit:
        found = await unit.dossier(dossier.dossier_id)
        assert found is not None
        await refresh(
            context, unit, replace(found, state=DossierState.IN_REVIEW, level="unit", reached=("unit",), submission=1)
        )


async def everything(
    context: Context, account_id: str, dossier_id: str = "", after: int = 0, size: int = watching.PAGE
) -> list[Change]:
    """All that an account may read from a number on."""
    found: list[Change] = []
    while True:
        page, reached = await watching.changes_after(context, account_id, dossier_id, after, size=size)
        found.extend(page)
        if reached == after:
            return found
        assert reached > after
        after = reached


async def test_an_applicant_reads_his_own_and_nobody_elses(context: Context) -> None:
    mine, other = await opened(context, "a"), await opened(context, "b")
    await touch(context, mine, "one")
    await touch(context, other, "two")
    found = await everything(context, "a")
    assert {change.dossier_id for change in found} == {mine.dossier_id}
    assert [change.kind for change in found][-1] == "one"
    assert await everything(context, "nobody") == []


async def test_a_reviewer_reads_what_has_reached_his_level(context: Context) -> None:
    reviewer = await office(context, "r", Role.REVIEWER, "h1")
    draft, handed_in = await opened(context, "a"), await opened(context, "b")
    await submitted(context, handed_in)
    for dossier in (draft, handed_in):
        await touch(context, dossier, "later")
    found = await everything(context, reviewer)
    assert {change.dossier_id for change in found} == {handed_in.dossier_id}


async def test_one_reads_on_past_any_number_of_changes_of_others(context: Context) -> None:
    reviewer = await office(context, "r", Role.REVIEWER, "h1")
    draft, handed_in = await opened(context, "a"), await opened(context, "b")
    for number in range(7):
        await touch(context, draft, f"n{number}")
    await submitted(context, handed_in)
    await touch(context, handed_in, "last")
    found = await everything(context, reviewer, size=3)
    assert [change.kind for change in found][-1] == "last"
    page, reached = await watching.changes_after(context, reviewer, "", await context.work.last_change())
    assert (page, reached) == ((), await context.work.last_change())


@pytest.mark.parametrize("size", [1, 2, 3, 200])
async def test_two_offices_are_read_as_one_feed(context: Context, size: int) -> None:
    """One office's page ends earlier than the other's; numbers only grow and none is passed over."""
    reviewer = await office(context, "r", Role.REVIEWER, "h1")
    await office(context, "r", Role.REVIEWER, "h3")
    first, second = await opened(context, "a"), await opened(context, "b", "h3")
    for dossier in (first, second):
        await submitted(context, dossier)
    after = await context.work.last_change()
    for number in range(6):
        await touch(context, first if number % 3 else second, f"n{number}")
    found = await everything(context, reviewer, after=after, size=size)
    assert [change.kind for change in found] == [f"n{number}" for number in range(6)]
    assert [change.seq for change in found] == sorted(change.seq for change in found)


async def test_one_dossier_alone(context: Context) -> None:
    reviewer = await office(context, "r", Role.REVIEWER, "h1")
    first, second = await opened(context, "a"), await opened(context, "b")
    for dossier in (first, second):
        await submitted(context, dossier)
    after = await context.work.last_change()
    await touch(context, first, "one")
    await touch(context, second, "two")
    found = await everything(context, reviewer, second.dossier_id, after)
    assert [change.kind for change in found] == ["two"]


async def test_nothing_is_lost_while_many_commit(context: Context) -> None:
    """A reader that goes on from the last number it saw, beside writers that finish in any order."""
    dossiers = [await opened(context, f"a{number}") for number in range(3)]
    reviewer = await office(context, "r", Role.REVIEWER, "h1")
    for dossier in dossiers:
        await submitted(context, dossier)
    after = await context.work.last_change()
    writing = asyncio.gather(
        *(touch(context, dossiers[number % 3], f"n{number}") for number in range(60)), return_exceptions=False
    )
    found: list[Change] = []
    async with asyncio.timeout(DEADLINE_S), context.work.watch() as waiting:
        while len(found) < 60:
            page, reached = await watching.changes_after(context, reviewer, "", after, size=5)
            found.extend(page)
            if reached == after:
                await waiting.wait(5)
            after = reached
    await writing
    assert len({change.kind for change in found}) == len(found) == 60
    assert [change.seq for change in found] == sorted(change.seq for change in found)


async def test_every_watcher_is_woken_and_they_share_one_connection(context: Context) -> None:
    dossier = await opened(context, "a")
    async with context.work.watch() as first, context.work.watch() as second:
        await first.wait(5)  # the connection says once that it listens
        await second.wait(5)
        waiting = asyncio.gather(first.wait(DEADLINE_S), second.wait(DEADLINE_S))
        async with asyncio.timeout(DEADLINE_S / 2):
            await touch(context, dossier, "one")
            await waiting


async def aged(context: Context, cluster: Cluster, database_name: str, days: dict[str, timedelta]) -> datetime:
    """Give changes of a kind an age; the moment from which it counts."""
    now = context.clock.now()
    engine = create_async_engine(cluster.superuser_url(database_name))
    async with engine.begin() as connection:
        for kind, age in days.items():
            statement = sa.text("UPDATE review.changes SET at = :at WHERE kind = :kind")
            await connection.execute(statement, {"at": now - age, "kind": kind})
    await engine.dispose()
    return now


class Stopped:
    """A clock that stands."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment


@pytest.mark.parametrize("batch", [1, 2, 1000])
async def test_changes_are_kept_exactly_that_long_and_an_older_reader_is_told(
    context: Context, cluster: Cluster, database_name: str, batch: int
) -> None:
    dossier = await opened(context, "a")
    start = await context.work.last_change()
    for kind in ("older", "exactly", "newer"):
        await touch(context, dossier, kind)
    keep, bit = timedelta(days=30), timedelta(microseconds=1)
    known = {"older": keep + bit, "exactly": keep, "newer": keep - bit}
    first = {change.kind: keep + bit for change in await everything(context, "a") if change.kind not in known}
    now = await aged(context, cluster, database_name, first | known)
    dropped = await prune_changes(replace(context, clock=Stopped(now)), keep, batch)
    assert dropped == start + 1
    gone = await context.work.pruned_to()
    assert gone == start + 1
    for after in (0, start):
        page, reached = await watching.changes_after(context, "a", dossier.dossier_id, after)
        assert [(change.seq, change.kind) for change in page] == [(gone, watching.RELOAD)]
        assert reached == gone
        assert [change.kind for change in await everything(context, "a", after=reached)] == ["exactly", "newer"]
    page, _ = await watching.changes_after(context, "a", "", gone)
    assert [change.kind for change in page] == ["exactly", "newer"]


async def test_the_newest_change_stays_so_that_the_feed_knows_where_it_stands(context: Context) -> None:
    await opened(context, "a")
    last = await context.work.last_change()
    later = Stopped(context.clock.now() + timedelta(days=1000))
    assert await prune_changes(replace(context, clock=later), timedelta(days=30), 2) == last - 1
    assert await prune_changes(replace(context, clock=later), timedelta(days=30), 2) == 0
    assert (await context.work.last_change(), await context.work.pruned_to()) == (last, last - 1)
    assert await watching.changes_after(context, "a", "", last) == ((), last)


async def test_nobody_is_told_to_read_anew_before_anything_was_pruned(context: Context) -> None:
    assert await context.work.pruned_to() == 0
    await opened(context, "a")
    assert watching.RELOAD not in {change.kind for change in await everything(context, "a")}
