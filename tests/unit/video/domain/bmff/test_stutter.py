"""Where the picture jerks is told from how long frames last: of tables in every order, and of a real file."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.video.domain.bmff import stutter, tables
from services.video.domain.bmff.movie import read_movie
from services.video.domain.measure import measure
from tests.assets import video_fixtures as videos
from tests.assets.video_fixtures import Bytes, MovieSpec, TrackSpec

#: 100 units are a second, a frame lasts 4.
SCALE, FRAME = 100, 4
DRAG, SHORT, LONG = 20, 19, 200
LEAD = (1000, FRAME)


def stretches(*runs: tuple[int, int]) -> list[tuple[int, int]]:
    found = read_movie(Bytes(videos.build(MovieSpec(tracks=(TrackSpec(stts=list(runs), timescale=SCALE),)))))
    return [(each.start, each.end) for each in found.tracks[0].stutter]


def test_three_frames_that_drag_are_a_stretch_and_two_are_a_hiccup() -> None:
    assert stretches(LEAD, (3, DRAG), LEAD) == [(4000, 4060)]
    assert stretches(LEAD, (2, DRAG), LEAD) == []


@pytest.mark.parametrize(("lasting", "told"), [(DRAG, True), (SHORT, False), (LONG - 1, True), (LONG, False)])
def test_a_frame_drags_from_a_fifth_of_a_second_to_two(lasting: int, told: bool) -> None:
    assert bool(stretches(LEAD, (3, lasting), LEAD)) is told


@pytest.mark.parametrize(("between", "found"), [(49, [(4000, 4452)]), (50, [])])
def test_frames_that_drag_belong_together_within_two_seconds(between: int, found: list[tuple[int, int]]) -> None:
    assert stretches(LEAD, (1, DRAG), (between, FRAME), (1, DRAG), (between, FRAME), (1, DRAG), LEAD) == found


def test_four_times_the_average_is_what_drags_in_a_slow_video() -> None:
    """Ten frames a second: 0.2 s is twice a frame."""
    assert stretches((1000, 10), (3, 39), (1000, 10)) == []
    assert stretches((1000, 10), (3, 41), (1000, 10)) == [(10000, 10123)]


def test_of_slides_nothing_is_told() -> None:
    assert stretches((10, 15), (5, 100), (10, 15)) == []


def test_the_last_frame_lasts_as_its_writer_likes() -> None:
    assert stretches(LEAD, (2, DRAG), (1, DRAG)) == []
    assert stretches(LEAD, (4, DRAG)) == [(4000, 4060)]


def test_runs_of_nothing_count_for_nothing() -> None:
    assert stretches((0, DRAG), LEAD, (0, DRAG), (3, DRAG), (0, 77), LEAD, (0, DRAG)) == [(4000, 4060)]
    assert stretches((0, DRAG)) == []


def test_no_more_than_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stutter, "MOST", 2)
    assert len(stretches(*[LEAD, (3, DRAG)] * 4, LEAD)) == 2


def expected(lasting: Sequence[int]) -> list[tuple[int, int]]:
    """The same, frame by frame."""
    groups: list[list[tuple[int, int]]] = []
    now = 0
    shortest = max(Fraction(DRAG), Fraction(stutter.TIMES * sum(lasting), len(lasting)))
    for number, each in enumerate(lasting):
        if shortest <= each < LONG and number < len(lasting) - 1:
            if not groups or now - groups[-1][-1][1] >= LONG:
                groups.append([])
            groups[-1].append((now, now + each))
        now += each
    return [(group[0][0], group[-1][1]) for group in groups if len(group) >= stutter.FRAMES]


@given(st.lists(st.sampled_from([(1, DRAG), (3, DRAG), (2, 60), (1, LONG), (5, FRAME), (60, FRAME)]), max_size=20))
def test_runs_in_any_order(runs: list[tuple[int, int]]) -> None:
    runs = [LEAD, *runs]
    wanted = expected([each for count, each in runs for _ in range(count)])
    assert stretches(*runs) == wanted
    for block in (1, 2, 3):
        with mock.patch.object(tables, "_BLOCK", block):
            assert stretches(*runs) == wanted


def test_a_real_recording_that_lost_frames(folder: Path) -> None:
    """Of the fifth and sixth second every tenth frame of thirty is left."""
    made = folder / "lost.mp4"
    videos.ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=s=320x240:r=30:d=12", "-vf", "select='not(between(t,4,6))+not(mod(n,10))'",
        "-fps_mode", "vfr", "-c:v", "libx264", "-preset", "ultrafast", str(made),
    )  # fmt: skip
    facts = measure(videos.File(made)).facts
    assert facts is not None
    [stretch] = facts.stutter
    assert 3.5 <= stretch.start_s <= 4.4
    assert 5.6 <= stretch.end_s <= 6.4


def test_a_real_recording_that_runs(real: Path) -> None:
    facts = measure(videos.File(real)).facts
    assert facts is not None
    assert facts.stutter == ()
