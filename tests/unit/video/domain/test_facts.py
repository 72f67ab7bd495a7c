"""The plain form that crosses the sandbox's border."""

import json
from fractions import Fraction

import pytest

from services.video.domain.facts import UnreadableProbe, from_plain, to_plain
from services.video.domain.measure import measure
from tests.assets import video_fixtures as videos
from tests.assets.video_fixtures import Bytes, MovieSpec, TrackSpec


@pytest.mark.parametrize(
    "data",
    [
        videos.lasting(1234),
        videos.build(MovieSpec(mvhd_duration=1)),
        videos.build(MovieSpec(tracks=(TrackSpec(timescale=30000, stts=[(7, 1001)]),))),
        videos.lasting(1234, index_first=True)[:-1],
        b"%PDF-1.7",
    ],
)
def test_there_and_back_through_json(data: bytes) -> None:
    probe = measure(Bytes(data))
    assert from_plain(json.loads(json.dumps(to_plain(probe)))) == probe


def test_fractions_stay_exact() -> None:
    probe = measure(Bytes(videos.build(MovieSpec(tracks=(TrackSpec(timescale=30000, stts=[(7, 1001)]),)))))
    assert probe.facts is not None
    assert probe.facts.fps == Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("stts", "lowest", "highest"),
    [
        ([(100, 4)], 25, 25),
        ([(99, 4), (1, 9)], 25, 25),  # writers round the last frame as they like
        ([(98, 4), (2, 9)], Fraction(100, 9), 25),
        ([(98, 4), (1, 9), (1, 1)], Fraction(100, 9), 25),
        ([(50, 4), (0, 77), (50, 5)], 20, 25),
        ([(10, 4), (1, 200), (10, 2)], Fraction(1, 2), 50),  # stands still for two seconds
        ([(10, 0), (10, 4)], 25, None),  # frames of no time have no rate
        ([(1, 4)], None, None),
    ],
)
def test_the_frame_rate_has_a_range(
    stts: list[tuple[int, int]], lowest: Fraction | int | None, highest: Fraction | int | None
) -> None:
    facts = measure(Bytes(videos.build(MovieSpec(tracks=(TrackSpec(timescale=100, stts=stts),))))).facts
    assert facts is not None
    assert (facts.fps_lowest, facts.fps_highest) == (lowest, highest)


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"size_bytes": "1", "bytes_read": 0, "facts": None, "problem": None, "header_gap": None},
        {"size_bytes": 1, "bytes_read": 0, "facts": [], "problem": None, "header_gap": None},
        {"size_bytes": 1, "bytes_read": 0, "facts": {"duration_s": "1/0"}, "problem": None, "header_gap": None},
        {"size_bytes": 1, "bytes_read": 0, "facts": None, "problem": {"kind": "?"}, "header_gap": None},
    ],
)
def test_nonsense_is_refused(nonsense: dict[str, object]) -> None:
    with pytest.raises(UnreadableProbe):
        from_plain(nonsense)
