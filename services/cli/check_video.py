"""Checks a local video by the rules of 15.2, with the very code that the services use."""

from services.catalogue import rules
from services.catalogue.findings import Finding
from services.catalogue.model import Catalogue
from services.cli.local import LocalFile
from services.cli.report import Declared, FileReport, Json
from services.kernel.clock import Clock, SystemClock, china_date
from services.kernel.sandbox.port import Sandbox
from services.video.domain.facts import shown
from services.video.domain.name import judge_name, parse_name
from services.video.domain.verdict import VideoLimits, judge
from services.video.usecases.measure import measure


async def check_video(
    file: LocalFile,
    *,
    catalogue: Catalogue,
    declared: Declared,
    sandbox: Sandbox,
    sha256: str,
    clock: Clock | None = None,
) -> FileReport:
    """The report on one video and its name. Raises `UnreadablePathError`. `clock` bounds birth dates."""
    source = file.source()
    try:
        probe = await measure(sandbox, source)
    finally:
        source.close()
    content = judge(probe, VideoLimits.of(catalogue))
    facts: dict[str, Json] = {**shown(probe)}
    parsed = parse_name(file.path.name)
    if parsed.problem is not None and parsed.suggested:
        facts["suggested_name"] = parsed.suggested
    return FileReport(
        path=file.shown,
        sha256=sha256,
        size_bytes=probe.size_bytes,
        media_type=file.media_type.value,
        facts=facts,
        findings=content + _name_findings(file, declared, clock or SystemClock()),
    )


def _name_findings(file: LocalFile, declared: Declared, clock: Clock) -> tuple[Finding, ...]:
    """Form and ID number of the file name (M15-2f), and whether it is the declared person's (C-16)."""
    parsed = parse_name(file.path.name)
    mismatches = rules.video_name(
        parsed.name, parsed.id_number, name=declared.name or "", id_number=declared.id_number or ""
    )
    return judge_name(file.path.name, china_date(clock.now())) + mismatches
