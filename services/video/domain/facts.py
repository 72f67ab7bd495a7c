"""What a probe measured, and the problem that kept it from measuring, as records and as plain values.

The plain form crosses the sandbox's border and is stored with a report; fractions travel as text ("60060/1001").
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from fractions import Fraction

Plain = str | int | None


class ProblemKind(StrEnum):
    """Each has a finding of its own."""

    NOT_MP4 = "not-mp4"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Why a file is refused; `reason` is one of `bmff.errors.Reason`, `found` is short printable ASCII."""

    kind: ProblemKind
    reason: str
    offset: int | None = None
    found: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeaderGap:
    """A header (`mvhd`, `tkhd`, `mdhd`) that claims another duration than the samples have, in seconds."""

    header: str
    claimed_s: Fraction
    actual_s: Fraction


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A stretch of the presentation, in seconds."""

    start_s: Fraction
    end_s: Fraction


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoFacts:
    """What the sample tables and edit lists say; nothing here comes from a header's claim.

    `duration_s` is the latest presented end over enabled video and audio tracks, `media_duration_s` the longest of
    the media they store. Picture values are None without a video track; `width` and `height` are as shown, that is
    after rotation. `fps` is the average; `fps_lowest` and `fps_highest` are what the longest and the shortest frame
    alone would give, the last frame apart: equal when the rate is constant. `audio_codec` is None without sound.
    `video_profile` is H.264's number for it, 0 for other codecs. `still` (where the picture stands still) is told from
    the sizes of frames and `stutter` (where it jerks) from how long they last, both in order and empty where those tell
    nothing (`bmff.still`, `bmff.stutter`).
    """

    duration_s: Fraction
    media_duration_s: Fraction
    has_video: bool
    width: int | None
    height: int | None
    rotation: int | None
    fps: Fraction | None
    fps_lowest: Fraction | None
    fps_highest: Fraction | None
    video_codec: str | None
    audio_codec: str | None
    header_gap: HeaderGap | None
    video_profile: int | None = None
    still: tuple[Span, ...] = ()
    stutter: tuple[Span, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """One file as measured. Both `facts` and `problem` are set when a cut-off file still has its index."""

    size_bytes: int
    bytes_read: int
    facts: VideoFacts | None
    problem: Problem | None


class UnreadableProbe(ValueError):
    """A plain form that no probe wrote: a bug, or a sandbox that was taken over."""


def to_plain(probe: Probe) -> dict[str, Plain | dict[str, Plain] | list[list[str]]]:
    """The probe as nested dictionaries and lists of text and integers."""
    return {
        "size_bytes": probe.size_bytes,
        "bytes_read": probe.bytes_read,
        "facts": None if probe.facts is None else _facts_to_plain(probe.facts),
        "problem": None if probe.problem is None else _plain_values(asdict(probe.problem)),
        "header_gap": _gap_to_plain(probe.facts),
        "still": _spans_to_plain(probe.facts.still if probe.facts else ()),
        "stutter": _spans_to_plain(probe.facts.stutter if probe.facts else ()),
    }


def from_plain(plain: Mapping[str, object]) -> Probe:
    """The probe back from its plain form. Raises `UnreadableProbe` on anything else."""
    try:
        facts, problem, gap = (_section(plain, name) for name in ("facts", "problem", "header_gap"))
        return Probe(
            size_bytes=_integer(plain["size_bytes"]),
            bytes_read=_integer(plain["bytes_read"]),
            facts=None if facts is None else _facts_from_plain(facts, gap, plain["still"], plain["stutter"]),
            problem=None if problem is None else _problem_from_plain(problem),
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as broken:
        raise UnreadableProbe(str(broken)) from broken


def _plain_values(values: Mapping[str, object]) -> dict[str, Plain]:
    """Fractions and enumerations as text, flags as 0 and 1, the rest as it is."""
    plain: dict[str, Plain] = {}
    for key, value in values.items():
        plain[key] = value if value is None else int(value) if isinstance(value, int) else str(value)
    return plain


def _facts_to_plain(facts: VideoFacts) -> dict[str, Plain]:
    values = asdict(facts)
    del values["header_gap"], values["still"], values["stutter"]
    return _plain_values(values)


def _gap_to_plain(facts: VideoFacts | None) -> dict[str, Plain] | None:
    return None if facts is None or facts.header_gap is None else _plain_values(asdict(facts.header_gap))


def _spans_to_plain(spans: tuple[Span, ...]) -> list[list[str]]:
    return [[str(each.start_s), str(each.end_s)] for each in spans]


def _spans_from_plain(spans: object) -> tuple[Span, ...]:
    if not isinstance(spans, list):
        raise TypeError("spans")
    return tuple(Span(start_s=Fraction(_text(start)), end_s=Fraction(_text(end))) for start, end in spans)


def _facts_from_plain(
    facts: Mapping[str, object], gap: Mapping[str, object] | None, still: object, stutter: object
) -> VideoFacts:
    return VideoFacts(
        duration_s=Fraction(_text(facts["duration_s"])),
        media_duration_s=Fraction(_text(facts["media_duration_s"])),
        has_video=bool(_integer(facts["has_video"])),
        width=_optional_integer(facts["width"]),
        height=_optional_integer(facts["height"]),
        rotation=_optional_integer(facts["rotation"]),
        fps=_optional_fraction(facts["fps"]),
        fps_lowest=_optional_fraction(facts["fps_lowest"]),
        fps_highest=_optional_fraction(facts["fps_highest"]),
        video_codec=_optional_text(facts["video_codec"]),
        audio_codec=_optional_text(facts["audio_codec"]),
        header_gap=None if gap is None else _gap_from_plain(gap),
        video_profile=_optional_integer(facts["video_profile"]),
        still=_spans_from_plain(still),
        stutter=_spans_from_plain(stutter),
    )


def _gap_from_plain(gap: Mapping[str, object]) -> HeaderGap:
    claimed, actual = Fraction(_text(gap["claimed_s"])), Fraction(_text(gap["actual_s"]))
    return HeaderGap(header=_text(gap["header"]), claimed_s=claimed, actual_s=actual)


def _problem_from_plain(problem: Mapping[str, object]) -> Problem:
    return Problem(
        kind=ProblemKind(_text(problem["kind"])),
        reason=_text(problem["reason"]),
        offset=_optional_integer(problem["offset"]),
        found=_text(problem["found"]),
    )


def _section(plain: Mapping[str, object], name: str) -> Mapping[str, object] | None:
    section = plain[name]
    if section is None or isinstance(section, Mapping):
        return section
    raise TypeError(name)


def _integer(value: object) -> int:
    if isinstance(value, int):
        return value
    raise TypeError(repr(value))


def _optional_integer(value: object) -> int | None:
    return None if value is None else _integer(value)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise TypeError(repr(value))


def _optional_text(value: object) -> str | None:
    return None if value is None else _text(value)


def _optional_fraction(value: object) -> Fraction | None:
    return None if value is None else Fraction(_text(value))


Shown = str | int | float | list["Shown"] | dict[str, "Shown"] | None


def shown(probe: Probe) -> dict[str, Shown]:
    """The facts as the command line's JSON names them; only `bytes_read` when there is no index to measure by."""
    facts = probe.facts
    if facts is None:
        return {"bytes_read": probe.bytes_read}
    return {
        "duration_s": _rounded(facts.duration_s),
        "media_duration_s": _rounded(facts.media_duration_s),
        "width": facts.width,
        "height": facts.height,
        "rotation": facts.rotation,
        **{
            name: None if value is None else _rounded(value)
            for name, value in (
                ("fps", facts.fps),
                ("fps_lowest", facts.fps_lowest),
                ("fps_highest", facts.fps_highest),
            )
        },
        "video_codec": facts.video_codec,
        "video_profile": facts.video_profile,
        "audio_codec": facts.audio_codec,
        "still": _shown_spans(facts.still),
        "stutter": _shown_spans(facts.stutter),
        "bytes_read": probe.bytes_read,
    }


def _shown_spans(spans: tuple[Span, ...]) -> list[Shown]:
    return [{"start_s": _rounded(each.start_s), "end_s": _rounded(each.end_s)} for each in spans]


def _rounded(value: Fraction) -> float:
    return round(float(value), 3)
