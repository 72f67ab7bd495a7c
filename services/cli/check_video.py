"""Checks a local video by the rules of 15.2, with the very code that the services use."""

from services.catalogue import rules
from services.catalogue.findings import Finding
from services.catalogue.model import Catalogue
from services.catalogue.opening.compare import read_opening
from services.catalogue.opening.model import Found
from services.cli.local import LocalFile
from services.cli.report import Declared, FileReport, Json
from services.kernel.clock import Clock, SystemClock, china_date
from services.kernel.ocr.port import TextReader
from services.kernel.sandbox.port import Sandbox
from services.video.domain.facts import shown
from services.video.domain.look import black_stretches, judge_look, typical_sharpness
from services.video.domain.name import judge_name, parse_name
from services.video.domain.verdict import BROKEN, OPENING_S, VideoLimits, judge
from services.video.usecases.look import look_through
from services.video.usecases.measure import measure
from services.video.usecases.opening import read_video


async def check_video(
    file: LocalFile,
    *,
    catalogue: Catalogue,
    declared: Declared,
    sandbox: Sandbox,
    sha256: str,
    reader: TextReader | None = None,
    dual_layer: bool = False,
    clock: Clock | None = None,
) -> FileReport:
    """The report on one video and its name, and on what `reader` reads in its opening (M15-2b).

    `clock` bounds birth dates. Raises `UnreadablePathError`.
    """
    said = declared.opening()
    source = file.source()
    try:
        probe = await measure(sandbox, source)
        content = judge(probe, VideoLimits.of(catalogue, dual_layer=dual_layer))
        facts: dict[str, Json] = {**shown(probe)}
        if reader is not None and probe.facts is not None and not any(each.code in BROKEN for each in content):
            read = await read_video(sandbox, reader, source, seconds=OPENING_S)
            fields = read_opening([each.shot for each in read], said)
            facts["opening"] = {str(name): _field(field) for name, field in fields.items()}
            content += rules.opening(fields, said)
            seen = await look_through(sandbox, source)
            samples = () if seen is None else seen.samples
            content += judge_look(samples, float(probe.facts.duration_s))
            facts["sharpness"] = typical_sharpness(samples)
            facts["black"] = [
                [each.start_s, each.end_s] for each in black_stretches(samples, float(probe.facts.duration_s))
            ]
    finally:
        source.close()
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


def _field(field: Found) -> dict[str, Json]:
    """As the contract has it; what is not there is null."""
    return {
        "value": field.value or None,
        "status": str(field.status),
        "confidence": field.confidence,
        "time_s": field.time_s if field.shot >= 0 else None,
    }


def _name_findings(file: LocalFile, declared: Declared, clock: Clock) -> tuple[Finding, ...]:
    """Form and ID number of the file name (M15-2f), and whether it is the declared person's (C-16)."""
    parsed = parse_name(file.path.name)
    mismatches = rules.video_name(
        parsed.name, parsed.id_number, name=declared.name or "", id_number=declared.id_number or ""
    )
    return judge_name(file.path.name, china_date(clock.now())) + mismatches
