"""What a verdict takes in memory: as much as its index and a little, for the heaviest indexes of 16 MiB as well."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from services.kernel.sandbox.port import VIDEO
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.video.domain.facts import from_plain
from services.video.tools import probe
from services.video.usecases.measure import PRELOAD, PROBE
from tests.assets import video_fixtures as videos
from tests.assets.video_fixtures import MovieSpec, Stored, TrackSpec, full_box, u32s

INDEX_BYTES = 16 * 2**20
#: Above a verdict on a small file.
MOST_BYTES = 64 * 2**20


def rows(kind: bytes, *columns: np.ndarray) -> bytes:
    """A table of so many columns of 32 bits."""
    return full_box(kind, 0, 0, u32s(len(columns[0])), np.column_stack(columns).astype(">u4").tobytes())


def listed(kind: bytes, entries: np.ndarray) -> bytes:
    return full_box(kind, 0, 0, u32s(0, len(entries)), entries.astype(">u4").tobytes())


def index_of(samples: int, *, timescale: int = 600, **boxes: bytes) -> bytes:
    """One video track whose tables together take about `INDEX_BYTES`."""
    track = TrackSpec(
        timescale=timescale,
        stts=[(samples, 1)],
        sample_bytes=0,
        stbl={name.encode(): box for name, box in boxes.items()},
    )
    data = videos.build(MovieSpec(tracks=(track,)))
    assert INDEX_BYTES * 0.9 < len(data) < INDEX_BYTES * 1.1
    return data


ONE, PAIRS, SINGLE = np.ones, INDEX_BYTES // 8, INDEX_BYTES // 4
HEAVIEST = {
    "as many durations as samples": lambda: index_of(
        PAIRS, stts=rows(b"stts", ONE(PAIRS), np.arange(PAIRS) % 7), stsz=full_box(b"stsz", 0, 0, u32s(1, PAIRS))
    ),
    "every fifth frame of two million drags": lambda: index_of(
        PAIRS, timescale=1000, stts=rows(b"stts", ONE(PAIRS), np.where(np.arange(PAIRS) % 5, 1, 300)),
        stsz=full_box(b"stsz", 0, 0, u32s(1, PAIRS)),
    ),
    "as many shifts as samples": lambda: index_of(
        PAIRS, ctts=rows(b"ctts", ONE(PAIRS), np.arange(PAIRS) % 5), stsz=full_box(b"stsz", 0, 0, u32s(1, PAIRS))
    ),
    "a size for each of four million samples, light and heavy in turn": lambda: index_of(
        SINGLE - 9000, stsz=listed(b"stsz", np.arange(SINGLE - 9000) % 2 * 9000), stss=rows(b"stss", np.array([1]))
    ),
    "sizes and as many key frames": lambda: index_of(
        PAIRS, stsz=listed(b"stsz", np.arange(PAIRS) % 2 * 9000), stss=rows(b"stss", np.arange(1, PAIRS + 1))
    ),
    "a chunk for each sample": lambda: index_of(
        PAIRS, stsz=listed(b"stsz", ONE(PAIRS)), stco=rows(b"stco", np.arange(PAIRS)),
        stsc=rows(b"stsc", *np.ones((3, 1))),
    ),
    "chunks of changing length": lambda: index_of(
        INDEX_BYTES // 16, stsz=full_box(b"stsz", 0, 0, u32s(1, INDEX_BYTES // 16)),
        stsc=rows(b"stsc", np.arange(1, INDEX_BYTES // 16 + 1), ONE(INDEX_BYTES // 16), ONE(INDEX_BYTES // 16)),
        stco=rows(b"stco", np.arange(INDEX_BYTES // 16)),
    ),
}  # fmt: skip


@pytest.fixture
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox(preload=PRELOAD)
    yield box
    await box.close()


@pytest.mark.parametrize("case", HEAVIEST)
async def test_an_index_takes_a_few_times_its_size(sandbox: ForkingSandbox, case: str) -> None:
    small = await sandbox.run(PROBE, {}, profile=VIDEO, sources=[Stored(videos.build(MovieSpec()))])
    large = await sandbox.run(PROBE, {}, profile=VIDEO, sources=[Stored(HEAVIEST[case]())])
    found = from_plain(large.value)  # type: ignore[arg-type]
    assert found.facts is not None  # it was gone through, whether or not its samples lie in the file
    assert large.peak_memory_bytes - small.peak_memory_bytes < MOST_BYTES


def test_the_rehearsal_goes_through_a_whole_index() -> None:
    probe.rehearse()
    told = from_plain(probe.probe([probe._SAMPLE], {}, lambda _: None))
    assert told.facts is not None
    assert (told.facts.video_codec, told.facts.audio_codec) == ("h264", "aac")
    assert told.facts.fps == 25
