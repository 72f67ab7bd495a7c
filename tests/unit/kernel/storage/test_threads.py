"""Blocking steps off the loop: who waits for them, and who need not."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest

from services.kernel.storage.threads import Threads


class Step:
    """A step that lasts until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()
        self.ended = False

    def __call__(self) -> str:
        self.begun.set()
        assert self.go.wait(30)
        self.ended = True
        return "done"


@pytest.fixture
def threads() -> Iterator[Threads]:
    made = Threads(1, "test", nullcontext)
    yield made
    made.close()


async def test_a_cancelled_caller_that_changes_something_is_held_until_it_has_ended(threads: Threads) -> None:
    step = Step()
    task = asyncio.create_task(threads.run(step))
    await asyncio.to_thread(step.begun.wait, 30)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=0.05)
    assert not done
    step.go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert step.ended


async def test_a_cancelled_caller_that_only_looks_goes_at_once(threads: Threads) -> None:
    step = Step()
    task = asyncio.create_task(threads.ask(step))
    await asyncio.to_thread(step.begun.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not step.ended
    step.go.set()


async def test_errors_are_translated_where_they_are_raised() -> None:
    @contextmanager
    def translated() -> Iterator[None]:
        try:
            yield
        except KeyError as error:
            raise LookupError("in other words") from error

    threads = Threads(1, "test", translated)
    empty: dict[str, str] = {}
    for call in (threads.run, threads.ask):
        with pytest.raises(LookupError, match="in other words"):
            await call(empty.__getitem__, "x")
    threads.close()
