"""From what was measured to findings: the whole rule of the machine's verdict on a video, as a pure function."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from services.catalogue.findings import Finding, Scalar
from services.catalogue.model import Catalogue
from services.video.domain.disc import image_bytes, largest_file_bytes
from services.video.domain.facts import Probe, Problem, ProblemKind, VideoFacts

ITEM = "surgery_video"
#: What a DVD-R of two layers holds; a DVD+R holds a little more.
DUAL_LAYER_BYTES = 8_543_666_176
#: Lines below which a picture is called small; the notice names none, so this only warns (M15-2c).
CLEAR_LINES = 480
#: A picture that stands still for so long behind the opening is worth a look; the opening's card may (M15-2b).
STILL_S, OPENING_S = 10, 15
#: Decimals of seconds in what people see; the comparison itself is exact.
_SECONDS_DIGITS = 3
#: Stretches that a finding names; the report lists all.
_NAMED = 5


#: Of a file that must be replaced whatever stands in it: its pictures are not looked at.
BROKEN = frozenset({"file.empty", "video.not-mp4", "video.no-video-track", "video.truncated", "video.damaged"})


class LimitMissing(ValueError):
    """The catalogue's item has no duration or no disc, so that nothing can be judged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoLimits:
    """Limits from the catalogue: the longest duration with its tolerance, inclusive, and what a disc holds."""

    duration_limit_s: Fraction
    disc_capacity_bytes: int

    @classmethod
    def of(cls, catalogue: Catalogue, item_id: str = ITEM, *, dual_layer: bool = False) -> "VideoLimits":
        """The limits of an item; discs of two layers are the operator's choice, the notice speaks of a DVD.

        Raises `LimitMissing`, and `AppError` when there is no such item.
        """
        item = catalogue.item(item_id)
        limit_s = catalogue.duration_limit_s(item)
        if limit_s is None or item.disc is None:
            raise LimitMissing(item_id)
        capacity = DUAL_LAYER_BYTES if dual_layer else item.disc.capacity_bytes
        return cls(duration_limit_s=Fraction(str(limit_s)), disc_capacity_bytes=capacity)


def judge(probe: Probe, limits: VideoLimits) -> tuple[Finding, ...]:
    """Everything that is wrong with the content (M15-2a, c, d, e, g). The name is `judge_name`'s matter."""
    if probe.size_bytes == 0:
        return (Finding(code="file.empty", rule_id="M15-2e", measured=0, limit=1, unit="bytes"),)
    return tuple(_findings(probe, limits))


def _findings(probe: Probe, limits: VideoLimits) -> Iterator[Finding]:
    if probe.problem is not None:
        yield _problem_finding(probe.problem, probe.size_bytes)
    if probe.facts is not None:
        yield from _facts_findings(probe.facts, limits)
    if image_bytes(probe.size_bytes) > limits.disc_capacity_bytes:
        yield Finding(
            code="video.exceeds-disc",
            rule_id="M15-2g",
            measured=probe.size_bytes,
            limit=largest_file_bytes(limits.disc_capacity_bytes),
            unit="bytes",
            params={"capacity_bytes": limits.disc_capacity_bytes},
        )


def _problem_finding(problem: Problem, size_bytes: int) -> Finding:
    params: dict[str, Scalar] = {"reason": problem.reason, "found": problem.found or "?", "offset": problem.offset or 0}
    if problem.kind is ProblemKind.NOT_MP4:
        return Finding(code="video.not-mp4", rule_id="M15-2e", measured=problem.found, limit="mp4", params=params)
    if problem.kind is ProblemKind.TRUNCATED:
        return Finding(code="video.truncated", rule_id="M15-2e", measured=size_bytes, unit="bytes", params=params)
    return Finding(code="video.damaged", rule_id="M15-2e", params=params)


def _facts_findings(facts: VideoFacts, limits: VideoLimits) -> Iterator[Finding]:
    if not facts.has_video:
        yield Finding(code="video.no-video-track", rule_id="M15-2a", measured=0, limit=1)
    if facts.duration_s > limits.duration_limit_s:
        yield Finding(
            code="video.too-long",
            rule_id="M15-2d",
            measured=seconds(facts.duration_s),
            limit=seconds(limits.duration_limit_s),
            unit="s",
            params={"over_s": f"{float(facts.duration_s - limits.duration_limit_s):.3f}"},
        )
    elif facts.media_duration_s > limits.duration_limit_s:
        yield _inconsistent("edit-list", facts.media_duration_s, facts.duration_s, header="elst")
    if facts.header_gap is not None:
        gap = facts.header_gap
        yield _inconsistent("header", gap.claimed_s, gap.actual_s, header=gap.header)
    if facts.has_video:
        yield from _picture_findings(facts)


def _picture_findings(facts: VideoFacts) -> Iterator[Finding]:
    """What may keep a reviewer from seeing the operation clearly and fluently (M15-2c): warnings only."""
    lines = min(facts.width or 0, facts.height or 0)
    if 0 < lines < CLEAR_LINES:
        yield Finding(code="video.low-resolution", rule_id="M15-2c", measured=lines, limit=CLEAR_LINES)
    if facts.audio_codec is None:
        yield Finding(code="video.no-sound", rule_id="M15-2c", measured=0, limit=1)
    still = [(max(each.start_s, Fraction(OPENING_S)), each.end_s) for each in facts.still]
    still = [(start, end) for start, end in still if end - start >= STILL_S]
    if still:
        yield Finding(
            code="video.frozen",
            rule_id="M15-2c",
            measured=seconds(sum((end - start for start, end in still), Fraction(0))),
            limit=STILL_S,
            unit="s",
            where=_where(still),
        )
    if facts.stutter:
        stutter = [(each.start_s, each.end_s) for each in facts.stutter]
        yield Finding(
            code="video.stutter",
            rule_id="M15-2c",
            measured=seconds(sum((end - start for start, end in stutter), Fraction(0))),
            limit=0,
            unit="s",
            where=_where(stutter),
        )


def _where(spans: Sequence[tuple[Fraction, Fraction]]) -> str:
    return "; ".join(f"{_clock(start)}–{_clock(end)}" for start, end in spans[:_NAMED])


def _clock(moment: Fraction) -> str:
    minutes, left = divmod(int(moment), 60)
    return f"{minutes}:{left:02}"


def _inconsistent(reason: str, measured: Fraction, actual: Fraction, *, header: str) -> Finding:
    """`measured` is what is stored or claimed, `limit` what is really shown."""
    return Finding(
        code="video.duration-inconsistent",
        rule_id="M15-2d",
        measured=seconds(measured),
        limit=seconds(actual),
        unit="s",
        where=header,
        params={"reason": reason},
    )


def seconds(value: Fraction) -> float:
    """Seconds for people and JSON."""
    return round(float(value), _SECONDS_DIGITS)
