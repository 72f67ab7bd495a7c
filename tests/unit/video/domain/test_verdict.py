"""Each finding of the verdict: at the limit, one above, and in both languages."""

import re
from dataclasses import replace
from fractions import Fraction

import pytest

from services.catalogue import load
from services.catalogue.findings import Finding, Level
from services.catalogue.wording import word
from services.video.domain.bmff.errors import Reason
from services.video.domain.disc import OVERHEAD_SECTORS, SECTOR_BYTES
from services.video.domain.facts import Probe, Problem, ProblemKind, Span, VideoFacts
from services.video.domain.measure import measure
from services.video.domain.verdict import LimitMissing, VideoLimits, judge
from tests.assets import video_fixtures as videos
from tests.assets.video_fixtures import Bytes, MovieSpec, TrackSpec

LIMITS = VideoLimits.of(load.default())
NORMAL = 0x10000
CLEARNESS = "M15-2c"


def judged(data: bytes) -> tuple[Finding, ...]:
    """All but how well the picture can be seen."""
    return tuple(finding for finding in judge(measure(Bytes(data)), LIMITS) if finding.rule_id != CLEARNESS)


def codes(data: bytes) -> list[str]:
    return [finding.code for finding in judged(data)]


def only(data: bytes) -> Finding:
    (finding,) = judged(data)
    return finding


def test_limits_come_from_the_catalogue() -> None:
    assert VideoLimits(duration_limit_s=Fraction("1200.5"), disc_capacity_bytes=4_700_372_992) == LIMITS
    with pytest.raises(LimitMissing):
        VideoLimits.of(load.default(), "education")


@pytest.mark.parametrize("hundredths", [120_000, 120_050])
def test_twenty_minutes_with_their_tolerance_pass(hundredths: int) -> None:
    assert codes(videos.lasting(hundredths)) == []


@pytest.mark.parametrize("hundredths", [120_051, 120_054, 126_000])
def test_anything_longer_is_too_long(hundredths: int) -> None:
    finding = only(videos.lasting(hundredths))
    assert (finding.code, finding.measured, finding.limit) == ("video.too-long", hundredths / 100, 1200.5)


def test_the_limit_is_exact_to_the_unit() -> None:
    exact = TrackSpec(stts=[(1, 2_401_000_000)], timescale=2_000_000)
    above = TrackSpec(stts=[(1, 2_147_483_647), (1, 253_516_354)], timescale=2_000_000)
    exact = TrackSpec(stts=[(1, 2_147_483_647), (1, 253_516_353)], timescale=2_000_000)
    assert codes(videos.build(MovieSpec(tracks=(exact,)))) == []
    assert codes(videos.build(MovieSpec(tracks=(above,)))) == ["video.too-long"]


def test_headers_that_lie_hide_nothing_and_are_reported() -> None:
    track = TrackSpec(stts=[(1300, 100)], tkhd_duration=6000, mdhd_duration=1000)
    data = videos.build(MovieSpec(tracks=(track,), mvhd_duration=6000))
    too_long, inconsistent = judged(data)
    assert (too_long.code, too_long.measured) == ("video.too-long", 1300.0)
    assert (inconsistent.code, inconsistent.measured, inconsistent.limit) == (
        "video.duration-inconsistent",
        10.0,
        1300.0,
    )
    assert inconsistent.level is Level.WARN


def test_media_beyond_the_limit_that_an_edit_list_cuts_are_a_warning() -> None:
    shown = (1200 * videos.MOVIE_TIMESCALE, 0, NORMAL)
    at_limit = TrackSpec(stts=[(1200, 100), (1, 50)], edits=[shown])
    above = TrackSpec(stts=[(1200, 100), (1, 51)], edits=[shown])
    assert codes(videos.build(MovieSpec(tracks=(at_limit,)))) == []
    finding = only(videos.build(MovieSpec(tracks=(above,))))
    assert (finding.code, finding.measured, finding.limit) == ("video.duration-inconsistent", 1200.51, 1200.0)
    assert finding.params["reason"] == "edit-list"


def test_an_empty_file_is_empty_and_nothing_else() -> None:
    assert only(b"").code == "file.empty"


def test_one_byte_is_not_an_mp4() -> None:
    assert only(b"\x00").code == "video.not-mp4"


def test_quicktime_is_offered_lossless_rewrapping() -> None:
    finding = only(videos.build(MovieSpec(brands=videos.FTYP_QUICKTIME)))
    assert finding.code == "video.not-mp4"
    for lang in ("zh", "en"):
        assert "ffmpeg -i in.mov -c copy -movflags +faststart out.mp4" in word(finding, lang).fix


def test_sound_alone_is_no_video() -> None:
    sound = TrackSpec(handler=b"soun", codec=b"mp4a")
    assert codes(videos.build(MovieSpec(tracks=(sound,)))) == ["video.no-video-track"]
    assert codes(videos.build(MovieSpec(tracks=(sound, TrackSpec(track_id=2))))) == []


def test_a_picture_that_is_switched_off_is_no_video() -> None:
    sound = TrackSpec(handler=b"soun", codec=b"mp4a")
    assert codes(videos.build(MovieSpec(tracks=(sound, TrackSpec(track_id=2, enabled=False))))) == [
        "video.no-video-track"
    ]


def test_no_track_at_all_is_no_video() -> None:
    assert codes(videos.build(MovieSpec(tracks=()))) == ["video.no-video-track"]


def test_a_cut_off_file_is_truncated_and_still_judged_by_its_length() -> None:
    whole = videos.lasting(120_100, index_first=True)
    assert codes(whole) == ["video.too-long"]
    assert codes(whole[:-1]) == ["video.truncated", "video.too-long"]


def test_damage() -> None:
    broken = TrackSpec(stbl={b"stts": videos.table(b"stts", [(1, 1)])})
    assert codes(videos.build(MovieSpec(tracks=(broken,)))) == ["video.damaged"]


def sized(size_bytes: int) -> Probe:
    facts = VideoFacts(
        duration_s=Fraction(1), media_duration_s=Fraction(1), has_video=True, width=1920, height=1080, rotation=0,
        fps=None, fps_lowest=None, fps_highest=None, video_codec="h264", audio_codec="aac", header_gap=None,
    )  # fmt: skip
    return Probe(size_bytes=size_bytes, bytes_read=0, facts=facts, problem=None)


def test_a_video_fits_on_the_disc_with_its_directories_or_not() -> None:
    largest = (LIMITS.disc_capacity_bytes // SECTOR_BYTES - OVERHEAD_SECTORS) * SECTOR_BYTES
    assert judge(sized(largest), LIMITS) == ()
    (finding,) = judge(sized(largest + 1), LIMITS)
    assert (finding.code, finding.measured, finding.limit) == ("video.exceeds-disc", largest + 1, largest)


def test_a_disc_of_two_layers_is_a_choice() -> None:
    """M15-2g: the notice speaks of one DVD; what it holds is the operator's decision."""
    larger = VideoLimits.of(load.default(), dual_layer=True)
    assert larger.disc_capacity_bytes == 8_543_666_176
    five_gb = sized(5_000_000_000)
    assert [finding.code for finding in judge(five_gb, LIMITS)] == ["video.exceeds-disc"]
    assert judge(five_gb, larger) == ()


_KINDS = {Reason.QUICKTIME: ProblemKind.NOT_MP4, Reason.OTHER_BRAND: ProblemKind.NOT_MP4}
_KINDS |= {Reason.OTHER_CONTENT: ProblemKind.NOT_MP4, Reason.NO_INDEX: ProblemKind.TRUNCATED}
_KINDS |= {Reason.BOX_PAST_END: ProblemKind.TRUNCATED, Reason.SAMPLE_PAST_END: ProblemKind.TRUNCATED}


@pytest.mark.parametrize("reason", [*(reason.value for reason in Reason), "resources"])
def test_every_reason_has_words_in_both_languages(reason: str) -> None:
    kind = _KINDS.get(Reason(reason), ProblemKind.DAMAGED) if reason in list(Reason) else ProblemKind.DAMAGED
    problem = Problem(kind=kind, reason=reason, offset=7, found="AVI")
    (finding,) = judge(Probe(size_bytes=9, bytes_read=9, facts=None, problem=problem), LIMITS)
    assert finding.code == f"video.{kind.value}"
    chinese, english = word(finding, "zh"), word(finding, "en")
    assert reason not in chinese.message
    assert re.search("[一-鿿]", chinese.message)
    assert chinese.fix
    assert not re.search("[一-鿿]", english.message + english.fix)


@pytest.mark.parametrize(
    "data",
    [
        videos.lasting(120_054),
        videos.build(MovieSpec(tracks=(TrackSpec(handler=b"soun"),))),
        videos.build(MovieSpec(mvhd_duration=9_000_000)),
        videos.build(MovieSpec(tracks=(TrackSpec(stts=[(1300, 100)], edits=[(600, 0, NORMAL)]),))),
    ],
)
def test_messages_say_found_allowed_and_what_to_do(data: bytes) -> None:
    for finding in judged(data):
        for lang in ("zh", "en"):
            wording = word(finding, lang)
            assert wording.fix
            assert finding.rule_id in wording.message
            assert "{" not in wording.message + wording.fix


def test_too_long_shows_the_measured_value_to_the_hundredth() -> None:
    wording = word(only(videos.lasting(120_054)))
    assert "20:00.54" in wording.message
    assert "20:00.50" in wording.message
    assert "0.040" in wording.message


def seen(*still: tuple[int, int], **changes: object) -> dict[str, Finding]:
    """What is said of the picture of a video, by code."""
    facts = VideoFacts(
        duration_s=Fraction(600), media_duration_s=Fraction(600), has_video=True, width=1920, height=1080, rotation=0,
        fps=Fraction(25), fps_lowest=Fraction(25), fps_highest=Fraction(25), video_codec="h264", audio_codec="aac",
        header_gap=None, still=tuple(Span(start_s=Fraction(start), end_s=Fraction(end)) for start, end in still),
    )  # fmt: skip
    probe = Probe(size_bytes=1000, bytes_read=1000, facts=replace(facts, **changes), problem=None)  # type: ignore[arg-type]
    findings = judge(probe, LIMITS)
    assert all(finding.rule_id == CLEARNESS and finding.level is Level.WARN for finding in findings)
    return {finding.code: finding for finding in findings}


def test_a_clear_picture_with_sound_is_passed_over() -> None:
    assert seen() == {}


@pytest.mark.parametrize(("width", "height", "lines"), [(640, 479, 479), (479, 640, 479), (320, 240, 240)])
def test_a_small_picture_is_worth_a_look(width: int, height: int, lines: int) -> None:
    finding = seen(width=width, height=height)["video.low-resolution"]
    assert (finding.measured, finding.limit) == (lines, 480)


@pytest.mark.parametrize(("width", "height"), [(640, 480), (480, 854)])
def test_a_picture_at_the_limit_is_clear(width: int, height: int) -> None:
    assert seen(width=width, height=height) == {}


def test_silence_is_noted() -> None:
    assert set(seen(audio_codec=None)) == {"video.no-sound"}


def test_a_picture_that_stands_still_is_named_with_its_times() -> None:
    finding = seen((3, 8), (100, 110), (311, 342), (400, 409))["video.frozen"]
    assert (finding.measured, finding.where) == (41.0, "1:40–1:50; 5:11–5:42")


def test_a_picture_that_jerks_is_named_with_its_times() -> None:
    spans = tuple(Span(start_s=Fraction(start), end_s=Fraction(end)) for start, end in ((4, 6), (311, 313)))
    finding = seen(stutter=spans)["video.stutter"]
    assert (finding.measured, finding.where) == (4.0, "0:04–0:06; 5:11–5:13")


def test_the_card_of_the_opening_may_stand_still() -> None:
    assert seen((0, 24)) == {}
    finding = seen((0, 25))["video.frozen"]
    assert (finding.measured, finding.where) == (10.0, "0:15–0:25")
