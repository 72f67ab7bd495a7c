"""What the benchmark of workers counts as wrong."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bench.scale.history import Change, not_once, overtaken

_START = datetime(2023, 6, 1, tzinfo=UTC)


def change(job: str, state: str, *, priority: int = 10, began: float = 0, at: float = 0) -> Change:
    """Times are seconds."""
    began_at, ended_at = (_START + timedelta(seconds=seconds) for seconds in (began, at))
    return Change(job=job, priority=priority, state=state, began=began_at, at=ended_at)


def life(*states: str) -> list[Change]:
    return [change("job", state) for state in states]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        (life("queued", "leased", "done"), 0),
        ([], 1),
        (life("queued", "leased"), 1),
        (life("queued", "leased", "queued", "leased", "done"), 1),
        (life("queued", "leased", "done", "done"), 1),
    ],
)
def test_a_job_is_leased_and_done_once(changes: Sequence[Change], wrong: int) -> None:
    assert not_once(changes, 1) == wrong


@pytest.mark.parametrize(
    ("urgent_began", "wrong"),
    [(1.0, 0), (2.0, 0), (2.1, 1)],
)
def test_a_patient_job_waits_until_the_lease_of_an_urgent_one_has_begun(urgent_began: float, wrong: int) -> None:
    changes = [
        change("patient", "leased", priority=20, began=1, at=2),
        change("urgent", "leased", priority=10, began=urgent_began, at=3),
    ]
    assert overtaken(changes) == wrong


def test_jobs_of_one_priority_do_not_overtake_each_other() -> None:
    changes = [change("first", "leased", began=1, at=2), change("second", "leased", began=3, at=4)]
    assert overtaken(changes) == 0
