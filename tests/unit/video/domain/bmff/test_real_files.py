"""What ffmpeg writes, in every layout, is read like the samples it was made from."""

from fractions import Fraction
from pathlib import Path

import pytest

from services.video.domain.bmff.errors import NotMp4, Reason, Truncated
from services.video.domain.bmff.movie import read_movie
from services.video.domain.measure import measure
from tests.assets import video_fixtures as videos

TWO_SECONDS = Fraction(2)


def test_index_at_the_end_is_read_without_the_samples(real: Path) -> None:
    probe = measure(videos.File(real))
    assert probe.facts is not None
    assert probe.problem is None
    assert probe.facts.duration_s == TWO_SECONDS
    # B-frames are shown up to two frames later than they are decoded; the edit list takes that back.
    assert probe.facts.media_duration_s == TWO_SECONDS + Fraction(2, 25)
    assert (probe.facts.width, probe.facts.height, probe.facts.rotation) == (640, 480, 0)
    assert probe.facts.fps == 25
    assert (probe.facts.video_codec, probe.facts.audio_codec) == ("h264", "aac")
    assert probe.facts.header_gap is None
    assert probe.bytes_read < real.stat().st_size / 2


@pytest.mark.parametrize(
    ("name", "options", "duration_s"),
    [
        ("front.mp4", ["-movflags", "+faststart"], TWO_SECONDS),
        ("fragmented.mp4", ["-movflags", "frag_keyframe+delay_moov"], TWO_SECONDS),
        ("empty-moov.mp4", ["-movflags", "frag_keyframe+empty_moov+default_base_moof"], TWO_SECONDS + Fraction(2, 25)),
        ("no-edits.mp4", ["-use_editlist", "0"], None),
    ],
)
def test_other_layouts_say_the_same(
    real: Path, folder: Path, name: str, options: list[str], duration_s: Fraction | None
) -> None:
    probe = measure(videos.File(videos.rewrapped(real, folder / name, *options)))
    assert probe.problem is None
    assert probe.facts is not None
    assert probe.facts.fps == 25
    assert probe.facts.duration_s == duration_s or (duration_s is None and probe.facts.duration_s >= TWO_SECONDS)


def test_a_cut_inside_a_group_of_pictures_counts_what_is_shown(real: Path, folder: Path) -> None:
    cut = videos.rewrapped(real, folder / "cut.mp4", before=["-ss", "1"])
    facts = measure(videos.File(cut)).facts
    assert facts is not None
    # Copying starts at the key frame before the cut; the edit list hides what lies between.
    assert facts.duration_s < facts.media_duration_s
    assert Fraction(9, 10) < facts.duration_s < Fraction(11, 10)


def test_rotation_turns_the_shown_size(real: Path, folder: Path) -> None:
    turned = videos.rewrapped(real, folder / "turned.mp4", before=["-display_rotation", "90"])
    facts = measure(videos.File(turned)).facts
    assert facts is not None
    assert (facts.width, facts.height, facts.rotation) == (480, 640, 270)


def test_two_sound_tracks(folder: Path) -> None:
    movie = read_movie(videos.File(videos.real_mp4(folder / "two-sounds.mp4", seconds=1, sounds=2)))
    assert [track.handler for track in movie.tracks] == ["vide", "soun", "soun"]


def test_quicktime_is_not_an_mp4(real: Path, folder: Path) -> None:
    with pytest.raises(NotMp4) as refused:
        read_movie(videos.File(videos.rewrapped(real, folder / "movie.mov")))
    assert refused.value.reason is Reason.QUICKTIME


@pytest.mark.parametrize("kept", [0.2, 0.6, 0.97])
def test_a_copy_that_broke_off_is_truncated(real: Path, kept: float) -> None:
    data = real.read_bytes()
    with pytest.raises(Truncated):
        read_movie(videos.Bytes(data[: int(len(data) * kept)]))


def test_a_cut_off_file_with_its_index_in_front_still_says_how_long_it_was(real: Path, folder: Path) -> None:
    data = videos.rewrapped(real, folder / "front2.mp4", "-movflags", "+faststart").read_bytes()
    probe = measure(videos.Bytes(data[: len(data) * 2 // 3]))
    assert probe.facts is not None
    assert probe.facts.duration_s == TWO_SECONDS
    assert probe.problem is not None
    assert probe.problem.reason == "box-past-end"


def test_a_variable_frame_rate_shows_as_a_range(folder: Path) -> None:
    """A still second in the middle, as phones write it: no frame was taken."""
    made = folder / "vfr.mp4"
    videos.ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=2", "-vf", "setpts=PTS+gte(N\\,25)/TB", "-fps_mode", "vfr",
        "-c:v", "libx264", "-preset", "ultrafast", str(made),
    )  # fmt: skip
    facts = measure(videos.Bytes(made.read_bytes())).facts
    assert facts is not None
    assert facts.duration_s == 3
    assert facts.fps_highest == 25
    assert facts.fps_lowest == Fraction(25, 26)


def test_a_constant_frame_rate_is_no_range(real: Path) -> None:
    facts = measure(videos.Bytes(real.read_bytes())).facts
    assert facts is not None
    assert facts.fps_lowest == facts.fps_highest == 25
