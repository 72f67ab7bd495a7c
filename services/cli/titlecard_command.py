"""`shenbao titlecard`: a compliant opening from the profile, alone or in front of a video."""

import asyncio
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from services.catalogue import load, rules
from services.catalogue.findings import Finding
from services.catalogue.model import Catalogue
from services.catalogue.opening.compare import read_opening
from services.catalogue.opening.model import Declared, FieldName, Opening, Status
from services.catalogue.profile import Answer
from services.catalogue.wording import Lang, readable
from services.cli.checklist_command import profile_of
from services.cli.local import UnreadablePathError, look_at, sandboxed, shown
from services.cli.options import JsonOption, LangOption, bar, fail, refuse
from services.cli.publish import publish, refuse_unwritable
from services.cli.report import Json, finding_to_json, finding_to_lines
from services.kernel.errors import AppError
from services.kernel.ocr.reader import PRELOAD as OCR_TOOLS
from services.kernel.ocr.reader import SandboxedReader
from services.kernel.sandbox.sandbox import FileSource
from services.video.domain.verdict import OPENING_S, VideoLimits, judge
from services.video.usecases.measure import PRELOAD as PROBE_TOOLS
from services.video.usecases.measure import measure
from services.video.usecases.opening import PRELOAD as OPENING_TOOLS
from services.video.usecases.opening import read_video
from services.video.usecases.title_card import PRELOAD as CARD_TOOLS
from services.video.usecases.title_card import RESULT, title_card

ITEM = "surgery_video"
_WORDS: dict[Lang, dict[str, str]] = {
    "zh": {
        "done": "✓ 已生成 {path}：片头 {card}，全长 {duration}；六项信息识别 {found}/6",
        "untouched": "  原视频的画面和声音未重新编码，只向后移了 {card}。",
    },
    "en": {
        "done": "✓ written: {path}; opening {card}, in all {duration}; {found} of six fields are read from it",
        "untouched": "  the video's own pictures and sound were not coded again, only moved by {card}.",
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Made:
    """What was written, measured and read again."""

    card_s: float
    duration_s: float
    opening: Opening
    findings: tuple[Finding, ...]


ProfileFile = Annotated[Path, typer.Argument(metavar="PROFILE.yaml", help="申报信息 / the applicant's profile")]
Video = Annotated[
    Path | None,
    typer.Argument(metavar="[VIDEO.mp4]", help="手术视频；不给则只生成片头 / the video; without it the card alone"),
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="OUT.mp4", help="生成的视频 / what is written")]
Seconds = Annotated[float, typer.Option("--seconds", help="片头停留秒数，2 到 30 / how long it stands, 2 to 30")]


def titlecard(
    profile: ProfileFile,
    output: Output,
    video: Video = None,
    seconds: Seconds = 5.0,
    lang: LangOption = "zh",
    *,
    as_json: JsonOption = False,
) -> None:
    """按申报信息生成合规片头，可加在视频前面。 A compliant opening; exit 1 when the result breaks a rule, as 20:00."""
    catalogue, person = load.default(), profile_of(profile, lang)
    answer = next(iter(person.answers.get(ITEM, ())), Answer())
    declared = rules.declared_opening(person, answer)
    refuse_unwritable(output, [profile, *([video] if video else [])], lang)
    try:
        source = look_at(video).source() if video is not None else None
        with bar({"zh": "生成片头", "en": "making it"}[lang], quiet=as_json) as progress:
            made = asyncio.run(_make(catalogue, declared, source, output.absolute(), seconds, progress))
    except UnreadablePathError as error:
        refuse(error.worded(lang))
    except AppError as error:
        fail(error, lang)
    _tell(made, output, lang, video=video, as_json=as_json)
    raise typer.Exit(int(any(finding.blocks for finding in made.findings)))


async def _make(
    catalogue: Catalogue, declared: Declared, source: FileSource | None, output: Path, seconds: float,
    progress: Callable[[float], None],
) -> _Made:  # fmt: skip
    """Beside the output; measured and read before it gets its name. Raises `AppError` titlecard.*."""
    tools = (*PROBE_TOOLS, *OPENING_TOOLS, *CARD_TOOLS)
    with tempfile.TemporaryDirectory(prefix=".shenbao-titlecard-", dir=output.parent) as folder:
        async with sandboxed(tools) as sandbox, sandboxed(OCR_TOOLS) as reading:
            try:
                card_s = await title_card(sandbox, declared, source, Path(folder), seconds=seconds, progress=progress)
            finally:
                if source is not None:
                    source.close()
            result = FileSource(Path(folder) / RESULT)
            try:
                probe = await measure(sandbox, result)
                read = await read_video(sandbox, SandboxedReader(reading, at_once=2), result, seconds=OPENING_S)
            finally:
                result.close()
        publish(Path(folder) / RESULT, output)
    fields = read_opening([each.shot for each in read], declared)
    findings = judge(probe, VideoLimits.of(catalogue)) + rules.opening(fields, declared)
    duration_s = float(probe.facts.duration_s) if probe.facts is not None else 0.0
    return _Made(card_s=card_s, duration_s=duration_s, opening=fields, findings=findings)


def _tell(made: _Made, output: Path, lang: Lang, *, video: Path | None, as_json: bool) -> None:
    found = sum(field.status is Status.FOUND for field in made.opening.values())
    if as_json:
        told: dict[str, Json] = {
            "path": shown(output),
            "card_s": made.card_s,
            "duration_s": made.duration_s,
            "opening": {str(name): str(made.opening[name].status) for name in FieldName},
            "findings": [finding_to_json(finding, lang) for finding in made.findings],
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    card, duration = readable(made.card_s, "s"), readable(made.duration_s, "s")
    lines = [_WORDS[lang]["done"].format(path=shown(output), card=card, duration=duration, found=found)]
    if video is not None:
        lines.append(_WORDS[lang]["untouched"].format(card=card))
    for finding in made.findings:
        lines.extend(finding_to_lines(finding, lang))
    typer.echo("\n".join(lines))
