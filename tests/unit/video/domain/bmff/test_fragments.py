"""Fragments: the samples that `moov` does not list."""

from dataclasses import replace

import pytest

from services.video.domain.bmff.movie import Movie, read_movie
from tests.assets import video_fixtures as videos
from tests.assets.video_fixtures import Bytes, FragmentSpec

FIRST = FragmentSpec(count=50, duration=4)


def read(*fragments: FragmentSpec, defaults: bool = True) -> Movie:
    return read_movie(Bytes(videos.fragmented(fragments, defaults=defaults)))


@pytest.mark.parametrize("defaults", [True, False])
def test_fragments_follow_one_another(defaults: bool) -> None:
    movie = read(FIRST, replace(FIRST, decode_time=None), defaults=defaults)
    assert movie.fragmented
    assert movie.truncated is None
    timing = movie.tracks[0].timing
    assert (timing.sample_count, timing.decode_end, timing.composition_end) == (100, 400, 400)


def test_a_gap_between_fragments_counts() -> None:
    assert read(FIRST, replace(FIRST, decode_time=1000)).tracks[0].timing.composition_end == 1200


def test_the_shortest_and_the_longest_sample_of_all_fragments() -> None:
    """The last sample of all is passed over, the last one of a fragment is not."""
    slow, single = replace(FIRST, duration=9, decode_time=None), FragmentSpec(count=1, duration=77, decode_time=None)
    for fragments, expected in (
        ([FIRST], (4, 4)),
        ([FIRST, slow], (4, 9)),
        ([FIRST, single], (4, 4)),
        ([FIRST, single, slow], (4, 77)),
        ([single], (None, None)),
    ):
        steps = read(*fragments, defaults=False).tracks[0].timing.steps
        assert (steps.shortest, steps.longest) == expected


def test_shifts_move_the_end() -> None:
    assert read(replace(FIRST, shifts=[0] * 49 + [7])).tracks[0].timing.composition_end == 207
    assert read(replace(FIRST, shifts=[0] * 49 + [-7])).tracks[0].timing.composition_end == 196


def test_a_fragment_of_an_unknown_track_counts_for_none() -> None:
    assert read(FIRST, replace(FIRST, track_id=9)).tracks[0].timing.sample_count == 50


def test_four_billion_samples_cost_nothing_and_are_not_there() -> None:
    data = videos.fragmented([FIRST])
    at = data.index(b"trun") + 8
    lying = data[:at] + b"\xff\xff\xff\xff" + data[at + 4 :]
    movie = read_movie(Bytes(lying))
    assert movie.truncated is not None
    assert movie.truncated.reason == "sample-past-end"


def test_a_fragment_that_is_cut_off_leaves_the_others() -> None:
    data = videos.fragmented([FIRST, replace(FIRST, decode_time=200)])
    movie = read_movie(Bytes(data[:-1]))
    assert movie.truncated is not None
    assert movie.tracks[0].timing.sample_count == 100
