"""What the sandbox answers, and what it has to stop, becomes a probe."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.kernel.sandbox.port import (
    ByteSource,
    Json,
    JsonObject,
    Outcome,
    Profile,
    Progress,
    SandboxBudget,
    SandboxCrashed,
    SandboxError,
    SandboxFailed,
    SandboxMemory,
    SandboxTimeout,
    ZygoteLost,
)
from services.video.domain.facts import ProblemKind, UnreadableProbe
from services.video.usecases.measure import measure
from services.video.usecases.read_disc import DiscUnreadable, read_disc


class Nothing:
    size_bytes = 9

    async def read(self, offset: int, length: int) -> bytes:
        return b""


@dataclass(frozen=True)
class Answering:
    answer: Json | SandboxError

    async def run(
        self, function: str, arguments: JsonObject, *, profile: Profile, sources: Sequence[ByteSource] = (),
        scratch: Path | None = None, progress: Progress | None = None,
    ) -> Outcome:  # fmt: skip
        if isinstance(self.answer, SandboxError):
            raise self.answer
        return Outcome(value=self.answer, bytes_read=0, cpu_s=0, peak_memory_bytes=0)

    async def close(self) -> None:
        return None


LIMITS = [SandboxTimeout(), SandboxMemory(), SandboxBudget(), SandboxCrashed()]


@pytest.mark.parametrize("stopped", LIMITS, ids=lambda error: type(error).__name__)
async def test_a_file_that_hits_a_limit_is_damaged(stopped: SandboxError) -> None:
    probe = await measure(Answering(stopped), Nothing())
    assert probe.size_bytes == 9
    assert probe.problem is not None
    assert (probe.problem.kind, probe.problem.reason) == (ProblemKind.DAMAGED, "resources")
    with pytest.raises(DiscUnreadable):
        await read_disc(Answering(stopped), Nothing())


@pytest.mark.parametrize("error", [SandboxFailed("KeyError", ""), ZygoteLost()], ids=lambda error: type(error).__name__)
async def test_a_fault_of_ours_stays_one(error: SandboxError) -> None:
    with pytest.raises(type(error)):
        await measure(Answering(error), Nothing())
    with pytest.raises(type(error)):
        await read_disc(Answering(error), Nothing())


@pytest.mark.parametrize("answer", [None, {}, {"size_bytes": 1}])
async def test_nonsense_from_the_child_is_not_believed(answer: Json) -> None:
    with pytest.raises(UnreadableProbe):
        await measure(Answering(answer), Nothing())


async def test_an_image_that_cannot_be_read() -> None:
    with pytest.raises(DiscUnreadable):
        await read_disc(Answering(SandboxFailed("ImageUnreadable", "")), Nothing())


class Asked:
    """A large file of zeros that remembers what it was asked for."""

    size_bytes = 2**20

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    async def read(self, offset: int, length: int) -> bytes:
        self.asked.append((offset, length))
        return bytes(min(length, self.size_bytes - offset))


@dataclass(frozen=True)
class Reading(Answering):
    """Reads where it was told to before it answers."""

    places: Sequence[tuple[int, int]] = ()

    async def run(self, function: str, arguments: JsonObject, **options: Any) -> Outcome:
        await asyncio.sleep(0)  # as the real one, which waits for its child
        [source] = options["sources"]
        for offset, length in self.places:
            assert len(await source.read(offset, length)) == min(length, source.size_bytes - offset)
        raise SandboxTimeout


@pytest.mark.parametrize(
    ("places", "asked"),
    [
        ([(0, 4096), (10, 16)], [(0, 4096)]),
        ([(0, 4096), (5000, 16)], [(0, 4096), (5000, 16)]),
        # An index behind the middle: the end of the file is asked for with it, once.
        (
            [(0, 4096), (2**19 + 1, 9000), (2**20 - 97, 97), (2**19 + 9001, 9)],
            [(0, 4096), (2**20 - 4096, 4096), (2**19 + 1, 9000), (2**19 + 9001, 9)],
        ),
        ([(2**20 - 97, 97)], [(0, 4096), (2**20 - 97, 97)]),
    ],
)
async def test_what_will_be_wanted_is_asked_for_early_and_once(
    places: list[tuple[int, int]], asked: list[tuple[int, int]]
) -> None:
    source = Asked()
    await measure(Reading(None, places), source)
    assert sorted(source.asked) == sorted(asked)
