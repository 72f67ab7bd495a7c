"""What counts as the duration: samples, clipped and shifted by edit lists, over what a player shows (M15-2d)."""

from dataclasses import replace
from fractions import Fraction

import pytest

from services.video.domain.bmff.movie import Movie, read_movie
from services.video.domain.duration import duration_s, header_gap, media_duration_s
from tests.assets import video_fixtures as videos
from tests.assets.video_fixtures import Bytes, MovieSpec, TrackSpec

FOUR_SECONDS = TrackSpec(stts=[(100, 4)])
SOUND = TrackSpec(track_id=2, handler=b"soun", codec=b"mp4a", stts=[(500, 1)])
NORMAL, NOTHING = 0x10000, -1


def movie(*tracks: TrackSpec, mvhd_duration: int | None = None) -> Movie:
    return read_movie(Bytes(videos.build(MovieSpec(tracks=tracks, mvhd_duration=mvhd_duration))))


def test_without_edits_the_last_sample_ends_it() -> None:
    assert duration_s(movie(FOUR_SECONDS)) == 4


def test_the_longest_enabled_track_decides() -> None:
    assert duration_s(movie(FOUR_SECONDS, SOUND)) == 5
    assert duration_s(movie(FOUR_SECONDS, replace(SOUND, enabled=False))) == 4
    both_off = movie(replace(FOUR_SECONDS, enabled=False), replace(SOUND, enabled=False))
    assert duration_s(both_off) == 5


def test_subtitles_and_empty_tracks_do_not_count() -> None:
    text = TrackSpec(track_id=3, handler=b"text", codec=b"tx3g", stts=[(9, 100)])
    assert duration_s(movie(FOUR_SECONDS, text)) == 4
    assert duration_s(movie(FOUR_SECONDS, replace(SOUND, stts=()))) == 4


def test_b_frames_end_later_than_they_are_decoded() -> None:
    shifted = replace(FOUR_SECONDS, ctts=[(98, 4), (2, 8)])
    assert duration_s(movie(shifted)) == Fraction(408, 100)
    negative = replace(FOUR_SECONDS, ctts=[(100, -4)], ctts_version=1)
    assert duration_s(movie(negative)) == Fraction(396, 100)
    assert duration_s(movie(replace(FOUR_SECONDS, ctts=[(1, 8)]))) == 4


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([(1800, 0, NORMAL)], 3),
        ([(1800, 200, NORMAL)], 2),
        ([(600, NOTHING, NORMAL), (2400, 0, NORMAL)], 5),
        ([(600, NOTHING, NORMAL)], 5),
        ([(2400, 0, NORMAL), (600, NOTHING, NORMAL)], 4),
        ([(1200, 0, NORMAL), (1200, 0, NORMAL)], 4),
        ([(1200, 0, NORMAL), (1200, 0, NORMAL), (1200, 0, NORMAL)], 6),
        ([(0, 0, NORMAL)], 4),
        ([(0, 100, NORMAL)], 3),
        ([(9000, 0, NORMAL)], 4),
        ([(600, 900, NORMAL)], 0),
        ([(1200, 0, 2 * NORMAL)], 2),
        ([(9000, 0, NORMAL // 2)], 8),
        ([(3000, 0, 0)], 5),
    ],
)
def test_edit_lists_clip_shift_and_repeat(edits: list[tuple[int, int, int]], expected: int) -> None:
    for version in (0, 1):
        track = replace(FOUR_SECONDS, edits=edits, edits_version=version)
        assert duration_s(movie(track)) == expected
        assert media_duration_s(movie(track)) == 4


def test_thirds_of_a_second_are_exact() -> None:
    track = TrackSpec(stts=[(3_600_000, 1)], timescale=3000, sample_bytes=1)
    assert duration_s(movie(track)) == 1200
    assert duration_s(movie(replace(track, stts=[(3_600_001, 1)]))) == Fraction(3_600_001, 3000)


@pytest.mark.parametrize(
    ("claimed", "gap"), [(2400, None), (3000, None), (3001, Fraction(1, 600)), (1800, None), (1799, Fraction(1, 600))]
)
def test_a_movie_header_may_differ_by_one_second(claimed: int, gap: Fraction | None) -> None:
    found = header_gap(movie(FOUR_SECONDS, mvhd_duration=claimed))
    if gap is None:
        assert found is None
    else:
        assert found is not None
        assert found.header == "mvhd"
        assert abs(found.claimed_s - found.actual_s) - 1 == gap


def test_track_and_media_headers_are_compared_too() -> None:
    lying_track = header_gap(movie(replace(FOUR_SECONDS, tkhd_duration=600)))
    lying_media = header_gap(movie(replace(FOUR_SECONDS, mdhd_duration=100)))
    assert lying_track is not None
    assert lying_media is not None
    assert (lying_track.header, lying_media.header) == ("tkhd", "mdhd")
    assert lying_media.claimed_s == 1
    assert lying_media.actual_s == 4


def test_headers_that_say_unknown_claim_nothing() -> None:
    unknown = 2**32 - 1
    track = replace(FOUR_SECONDS, tkhd_duration=unknown, mdhd_duration=unknown)
    assert header_gap(movie(track, mvhd_duration=unknown)) is None


def test_a_fragmented_file_need_not_know_its_end() -> None:
    assert header_gap(read_movie(Bytes(videos.fragmented([videos.FragmentSpec(count=5000)])))) is None
