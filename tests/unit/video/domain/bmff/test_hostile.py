"""Whatever is done to a file, the reader answers with a movie or with one of its own errors, in bounded time."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.video.domain.facts import from_plain, to_plain
from services.video.domain.measure import measure
from tests.assets import video_fixtures as videos
from tests.assets.video_fixtures import Bytes, FragmentSpec, MovieSpec, TrackSpec

Change = tuple[int, bytes]
#: Values that upset readers: zeros, ones, signs, and sizes just around a header.
INTERESTING = st.sampled_from([b"\x00" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\x00\x00\x00\x07"])
CHANGES = st.lists(st.tuples(st.integers(0, 2**20), INTERESTING | st.binary(min_size=1, max_size=8)), max_size=6)


def changed(data: bytes, changes: list[Change], cut: int) -> bytes:
    result = bytearray(data)
    for place, value in changes:
        start = place % len(data)
        result[start : start + len(value)] = value
    return bytes(result[: len(data) - cut % len(data)]) if cut else bytes(result)


@pytest.fixture(scope="session")
def index_first(real: Path, folder: Path) -> bytes:
    """A real file, cut behind its index so that most changes hit something that matters."""
    data = videos.rewrapped(real, folder / "hostile.mp4", "-movflags", "+faststart").read_bytes()
    return data[: data.index(b"mdat") + 64]


def assert_typed(data: bytes) -> None:
    probe = measure(Bytes(data))
    assert probe.facts is not None or probe.problem is not None
    assert from_plain(to_plain(probe)) == probe
    if probe.facts is not None:
        assert probe.facts.duration_s >= Fraction(0)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES, cut=st.integers(0, 40))
def test_a_changed_real_file(index_first: bytes, changes: list[Change], cut: int) -> None:
    assert_typed(changed(index_first, changes, cut))


HAND_MADE = [
    videos.build(MovieSpec(tracks=(TrackSpec(ctts=[(50, 8), (50, 0)], edits=[(60, -1, 65536), (2400, 8, 65536)]),))),
    videos.build(
        MovieSpec(large_boxes=True, tracks=(TrackSpec(header_version=1, wide_offsets=True, edits_version=1),))
    ),
    videos.fragmented([FragmentSpec(), FragmentSpec(decode_time=200, shifts=[4] * 50)]),
]


@settings(max_examples=200, deadline=None)
@given(which=st.sampled_from(HAND_MADE), changes=CHANGES, cut=st.integers(0, 40))
def test_a_changed_hand_made_file(which: bytes, changes: list[Change], cut: int) -> None:
    assert_typed(changed(which, changes, cut))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_behind_the_brands(data: bytes) -> None:
    assert_typed(videos.ftyp() + data)
    assert_typed(data)
