"""Blocking steps on a bounded pool of threads."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import islice
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")
_BATCH = 256


class Threads:
    """Runs an adapter's blocking steps, their errors in the words of the port."""

    def __init__(self, count: int, name: str, translated: Callable[[], AbstractContextManager[None]]) -> None:
        """`count` steps run at once; more wait. Each runs within `translated`."""
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._translated = translated

    async def run(self, step: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run `step`. A cancelled caller is held until the step has ended, so that nothing is closed under it."""

        def guarded() -> _T:
            with self._translated():
                return step(*args, **kwargs)

        future = asyncio.get_running_loop().run_in_executor(self._pool, guarded)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            while not future.done():
                await _settled(future)
            future.exception()
            raise

    async def ask(self, step: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """As `run`, for a step that only looks: a cancelled caller goes at once, and what is found is thrown away."""

        def guarded() -> _T:
            with self._translated():
                return step(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._pool, guarded)

    async def batches(self, items: Iterator[_T]) -> AsyncIterator[_T]:
        """The items of a blocking iterator, fetched a batch at a time."""
        while batch := await self.run(lambda: list(islice(items, _BATCH))):
            for item in batch:
                yield item

    def close(self) -> None:
        """Wait for what is running and stop the threads."""
        self._pool.shutdown()


async def _settled(future: asyncio.Future[_T]) -> None:
    try:
        await asyncio.wait([future])
    except asyncio.CancelledError:
        return  # cancelled once more while waiting; the first cancellation is raised in the end
