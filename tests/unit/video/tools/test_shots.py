"""Which pictures of an opening are read."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.video.tools.decoding import NoPicture
from services.video.tools.shots import WIDEST_PX, shots
from tests.assets import video_fixtures
from tests.assets.cards import card_picture, film

ONE, OTHER = card_picture(("主刀：张三",)), card_picture(("手术名称：剖宫产术",))
BLACK = Image.new("RGB", (1280, 720))


def chosen(path: Path, scratch: Path, seconds: float = 15, most: int = 6) -> Sequence[dict[str, Any]]:
    scratch.mkdir(exist_ok=True)
    with path.open("rb", buffering=0) as source:
        return shots([source], {"scratch": str(scratch), "seconds": seconds, "most": most}, lambda _: None)


def test_what_stands_comes_first_the_longest_at_the_head(tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", [(BLACK, 1), (ONE, 2), (OTHER, 4), (None, 6)])
    told = chosen(path, tmp_path / "s")
    assert [3 <= told[0]["time_s"] <= 7, 1 <= told[1]["time_s"] <= 3] == [True, True]
    assert len(told) == 6
    assert told[0]["time_s"] > 6  # the last of its stretch, when all of it is there
    assert all(each["time_s"] >= 7 for each in told[2:])


def test_the_same_picture_is_read_once(tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", [(ONE, 2), (BLACK, 1), (ONE, 2), (BLACK, 1)])
    assert len(chosen(path, tmp_path / "s")) == 1


def test_text_that_goes_from_a_still_ground_is_a_new_picture(tmp_path: Path) -> None:
    ground = card_picture((), ground=(90, 60, 60))
    titled = card_picture(("主刀医生：张三", "科室：骨科"), ground=(90, 60, 60))
    path = film(tmp_path / "v.mp4", [(titled, 3), (ground, 4)])
    assert any(each["time_s"] < 3 for each in chosen(path, tmp_path / "s"))


def test_only_the_beginning_is_looked_at(tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", [(None, 4), (ONE, 4)])
    assert all(each["time_s"] <= 3 for each in chosen(path, tmp_path / "s", seconds=3))


def test_a_video_that_never_stands_is_looked_at_evenly(tmp_path: Path) -> None:
    times = [each["time_s"] for each in chosen(film(tmp_path / "v.mp4", [(None, 12)]), tmp_path / "s")]
    assert len(times) == 6
    assert max(np.diff(sorted(times))) <= 3


def test_a_black_video_still_shows_something(tmp_path: Path) -> None:
    [told] = chosen(film(tmp_path / "v.mp4", [(BLACK, 2)]), tmp_path / "s")
    assert (told["width_px"], told["height_px"]) == (1280, 720)


def test_pixels_are_as_many_as_they_say_and_the_jpeg_is_the_same_picture(tmp_path: Path) -> None:
    [told] = chosen(film(tmp_path / "v.mp4", [(ONE, 1)]), tmp_path / "s")
    assert (tmp_path / "s" / "0.rgb").stat().st_size == 3 * told["width_px"] * told["height_px"]
    jpeg = Image.open(io.BytesIO((tmp_path / "s" / "0.jpg").read_bytes()))
    assert jpeg.size == (told["width_px"], told["height_px"])


def test_large_pictures_become_smaller(tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", [(ONE, 1), (None, 1)], size=(3840, 2160), rate=4)
    assert {max(each["width_px"], each["height_px"]) for each in chosen(path, tmp_path / "s")} == {WIDEST_PX}


def test_where_frames_are_many_and_large_key_frames_stand_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.video.tools.shots._MOST_PIXELS_PER_S", 1)
    path = film(tmp_path / "v.mp4", [(ONE, 8), (None, 8)])
    told = chosen(path, tmp_path / "s")
    assert told
    assert len({each["time_s"] for each in told}) == len(told)


def test_a_turned_video_stands_upright(tmp_path: Path) -> None:
    upright = film(tmp_path / "v.mp4", [(ONE, 1)])
    turned = video_fixtures.rewrapped(upright, tmp_path / "t.mp4", before=("-display_rotation", "90"))
    [told] = chosen(turned, tmp_path / "s")
    assert (told["width_px"], told["height_px"]) == (720, 1280)


def test_no_picture_at_all_is_said(tmp_path: Path) -> None:
    sound = tmp_path / "a.mp4"
    video_fixtures.ffmpeg("-f", "lavfi", "-i", "sine=frequency=440:d=1", "-c:a", "aac", str(sound))
    with pytest.raises(NoPicture):
        chosen(sound, tmp_path / "s")
