"""The verdict on one video: measured content and file name, judged by the catalogue's limits."""

from collections.abc import Sequence
from datetime import date, datetime

from services.catalogue.findings import verdict_of
from services.kernel.sandbox.port import ByteSource, Sandbox
from services.video.domain.facts import Probe, Span, VideoFacts
from services.video.domain.name import judge_name, parse_name
from services.video.domain.playing import plays_in_browsers
from services.video.domain.verdict import VideoLimits, judge, seconds
from services.video.ports import VideoReport
from services.video.usecases.measure import measure


async def check_video(
    sandbox: Sandbox,
    source: ByteSource,
    file_name: str,
    limits: VideoLimits,
    *,
    report_id: str,
    now: datetime,
    today: date,
) -> VideoReport:
    """Measure and judge (M15-2b, d, e, f). The report's version is 0 until it is kept.

    Raises as :func:`~services.video.usecases.measure.measure` does.
    """
    probe = await measure(sandbox, source)
    return report_of(probe, file_name, limits, report_id=report_id, now=now, today=today)


def report_of(
    probe: Probe, file_name: str, limits: VideoLimits, *, report_id: str, now: datetime, today: date
) -> VideoReport:
    """The report on what was measured. Pure."""
    findings = (*judge(probe, limits), *judge_name(file_name, today))
    name = parse_name(file_name)
    facts = probe.facts
    return VideoReport(
        report_id=report_id,
        version=0,
        verdict=verdict_of(findings),
        findings=findings,
        checked_at=now,
        duration_s=seconds(facts.duration_s) if facts else 0,
        media_duration_s=seconds(facts.media_duration_s) if facts else 0,
        width=(facts.width or 0) if facts else 0,
        height=(facts.height or 0) if facts else 0,
        fps=float((facts and facts.fps) or 0),
        fps_lowest=float((facts and facts.fps_lowest) or 0),
        fps_highest=float((facts and facts.fps_highest) or 0),
        video_codec=(facts.video_codec or "") if facts else "",
        audio_codec=(facts.audio_codec or "") if facts else "",
        playable=facts is None or _plays(facts),
        bytes_read=probe.bytes_read,
        still=_rounded(facts.still) if facts else (),
        stutter=_rounded(facts.stutter) if facts else (),
        parsed_name=name.name,
        parsed_id_number=name.id_number,
        suggested_name=name.suggested,
    )


def _rounded(spans: Sequence[Span]) -> tuple[tuple[float, float], ...]:
    return tuple((seconds(each.start_s), seconds(each.end_s)) for each in spans)


def _plays(facts: VideoFacts) -> bool:
    return plays_in_browsers(facts.video_codec or "", facts.video_profile or 0, facts.audio_codec or "")
