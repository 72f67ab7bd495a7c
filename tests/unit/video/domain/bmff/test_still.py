"""Where the picture stands still is told from sizes alone: of real files, and of tables in every order."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.video.domain.bmff import still
from services.video.domain.bmff.movie import read_movie
from services.video.domain.measure import measure
from tests.assets import video_fixtures as videos
from tests.assets.video_fixtures import Bytes, MovieSpec, TrackSpec, full_box, u32s

LIGHT, HEAVY = 80, 9000


def stretches(sizes: list[int], keys: list[int] | None, *, rate: int = 1) -> list[tuple[int, int]]:
    """(from, to) in samples, of a video of so many samples a second; `keys` are counted from 1."""
    boxes = {b"stsz": full_box(b"stsz", 0, 0, u32s(0, len(sizes)), u32s(*sizes))}
    if keys is not None:
        boxes[b"stss"] = full_box(b"stss", 0, 0, u32s(len(keys), *keys))
    track = TrackSpec(stts=[(len(sizes), 1)], timescale=rate, stbl=boxes)
    found = read_movie(Bytes(videos.build(MovieSpec(tracks=(track,)))))
    return [(each.start, each.end) for each in found.tracks[0].still]


def test_key_frames_count_for_neither_side() -> None:
    quiet = [HEAVY, *[LIGHT] * 3]
    assert stretches([*[HEAVY] * 8, *quiet * 6, *[HEAVY] * 8], [1, *range(9, 33, 4)], rate=4) == [(8, 32)]


def test_frames_that_weigh_a_little_now_and_then_repeat_on_average() -> None:
    """As encoders write a held picture: 1080p with 332, 247, 12 and 25 bytes in turn."""
    assert stretches([*[HEAVY] * 24, *[332, 247, 12, 25] * 6, *[HEAVY] * 24], [1], rate=4) == [(24, 48)]


@pytest.mark.parametrize(("length", "found"), [(still.SHORTEST_S, [(1, 6)]), (still.SHORTEST_S - 1, [])])
def test_a_pause_is_none(length: int, found: list[tuple[int, int]]) -> None:
    assert stretches([HEAVY, *[LIGHT] * length, HEAVY], []) == found


def test_what_is_light_among_heavier_frames_stands_still_and_a_light_video_does_not() -> None:
    """1080p: 800 bytes a frame are 0.8 bits a block."""
    assert stretches([*[HEAVY] * 60, *[800] * 20], []) == [(60, 80)]
    assert stretches([1800] * 60 + [800] * 20, []) == []


def test_where_every_frame_is_a_picture_of_its_own_nothing_is_told() -> None:
    assert stretches([LIGHT] * 20, None) == []
    assert stretches([LIGHT] * 20, list(range(1, 21))) == []


@pytest.mark.parametrize("keys", [[0], [10], [5, 5], [6, 5]])
def test_a_list_of_key_frames_that_is_none_tells_nothing(keys: list[int]) -> None:
    assert stretches([HEAVY, *[LIGHT] * 8], []) == [(1, 9)]
    assert stretches([HEAVY, *[LIGHT] * 8], keys) == []


def test_no_more_than_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(still, "MOST", 3)
    assert len(stretches([*[LIGHT] * 5, HEAVY] * 5, [])) == 3


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 12)), min_size=1, max_size=20))
def test_runs_in_any_order(runs: list[tuple[bool, int]]) -> None:
    light = [standing for standing, count in runs for _ in range(count)]
    expected, begun = [], None
    for second, standing in enumerate([*light, False]):
        if standing and begun is None:
            begun = second
        elif not standing and begun is not None:
            expected += [(begun, second)] if second - begun >= still.SHORTEST_S else []
            begun = None
    assert stretches([LIGHT if standing else HEAVY for standing in light], []) == expected


def test_a_real_recording_that_hung(folder: Path) -> None:
    """Moving, then one picture for eight seconds, then moving."""
    made = folder / "hung.mp4"
    videos.ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=s=640x480:r=25:d=12", "-vf", "loop=loop=200:size=1:start=100",
        "-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", str(made),
    )  # fmt: skip
    facts = measure(videos.File(made)).facts
    assert facts is not None
    [stretch] = facts.still
    assert 4 <= stretch.start_s <= 6
    assert 10 <= stretch.end_s <= 12


def test_a_real_recording_that_moves(real: Path) -> None:
    facts = measure(videos.File(real)).facts
    assert facts is not None
    assert facts.still == ()
