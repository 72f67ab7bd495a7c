"""What browsers play as it is."""

import pytest

from services.video.domain.measure import measure
from services.video.domain.playing import plays_in_browsers
from tests.assets import video_fixtures as videos
from tests.assets.video_fixtures import Bytes, MovieSpec, TrackSpec, box, full_box, u32s


@pytest.mark.parametrize(
    ("video", "profile", "audio", "plays"),
    [
        ("h264", 100, "aac", True),
        ("h264", 77, "", True),
        ("h264", 66, "mp3", True),
        ("h264", 110, "aac", False),  # ten bits
        ("h264", 122, "aac", False),  # 4:2:2
        ("h264", 244, "aac", False),  # 4:4:4
        ("h264", 0, "aac", False),  # not said
        ("h264", 100, "ac3", False),
        ("h264", 100, "pcm", False),
        ("hevc", 0, "aac", False),
        ("mpeg4", 0, "aac", False),
        ("vp9", 0, "opus", True),
        ("av1", 0, "aac", True),
        ("", 0, "", False),
    ],
)
def test_by_codec_and_profile(video: str, profile: int, audio: str, *, plays: bool) -> None:
    assert plays_in_browsers(video, profile, audio) is plays


def entry(*boxes: bytes) -> dict[bytes, bytes]:
    """A sample table whose picture entry carries these boxes."""
    fields = bytes(6) + b"\0\1" + bytes(16) + b"\x02\x80\x01\xe0" + bytes(50)
    return {b"stsd": full_box(b"stsd", 0, 0, u32s(1), box(b"avc1", fields, *boxes))}


@pytest.mark.parametrize(
    ("boxes", "profile"),
    [
        ((box(b"avcC", bytes([1, 100, 0, 40, 255])),), 100),
        ((box(b"pasp", u32s(1, 1)), box(b"avcC", bytes([1, 110, 0, 40, 255]))), 110),
        ((box(b"pasp", u32s(1, 1)), bytes(4)), 0),  # QuickTime's end of a list
        ((), 0),
        ((box(b"avcC"),), 0),
        ((b"\xff\xff\xff\xffavcC",), 0),  # longer than the entry: nothing is judged by it
    ],
)
def test_the_profile_stands_in_the_configuration(boxes: tuple[bytes, ...], profile: int) -> None:
    track = TrackSpec(stbl=entry(*boxes))
    probe = measure(Bytes(videos.build(MovieSpec(tracks=(track,)))))
    assert probe.problem is None
    assert probe.facts is not None
    assert (probe.facts.video_codec, probe.facts.video_profile) == ("h264", profile)
