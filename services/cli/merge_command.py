"""`shenbao merge`: ordered parts to one PDF on this machine, judged like an upload, written whole or not at all."""

import asyncio
import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from services.catalogue import load
from services.catalogue.wording import Lang
from services.cli.check_pdf import limits_of
from services.cli.local import LocalFile, UnreadablePathError, look_at, sandboxed, shown
from services.cli.merge_report import MergeReport
from services.cli.options import CATALOGUE_ID, ItemOption, JsonOption, LangOption, bar, item_of, refuse
from services.cli.publish import publish, refuse_unwritable
from services.pdfcheck.domain.findings import DocumentLimits
from services.pdfcheck.domain.merging import RESULT, Part
from services.pdfcheck.usecases.measure import PRELOAD
from services.pdfcheck.usecases.merge import MergeInput, MergeOutcome, merge_parts

Parts = Annotated[list[Path], typer.Argument(metavar="PART...", help="PDF、JPEG、PNG，按顺序 / in this order")]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="OUT.pdf", help="合并后的文件 / the merged file")]
Titles = Annotated[list[str] | None, typer.Option("--title", help="各份的书签，按顺序 / a bookmark per part, in order")]


def merge(
    parts: Parts,
    output: Output,
    item: ItemOption = None,
    title: Titles = None,
    lang: LangOption = "zh",
    *,
    as_json: JsonOption = False,
) -> None:
    """把多份 PDF、照片按顺序合并为一个 PDF。 Merge parts into one PDF, or say which part is to blame."""
    catalogue = load.default()
    chosen = item_of(catalogue, item, lang) or catalogue.generic
    if chosen.is_video:
        refuse({"zh": f"项目 {chosen.number} 是视频，不能合并", "en": f"Item {chosen.number} is a video"}[lang])
    try:
        files = [look_at(path) for path in parts]
        hashes = [file.sha256() for file in files]
    except UnreadablePathError as error:
        refuse(error.worded(lang))
    refuse_unwritable(output, [file.path for file in files], lang)
    titles = _titles(files, title or [], lang)
    with bar({"zh": "合并", "en": "merging"}[lang], quiet=as_json) as progress:
        outcome = asyncio.run(_merge(files, titles, limits_of(catalogue, chosen), output.absolute(), progress))
    report = MergeReport(
        catalogue=CATALOGUE_ID,
        output=shown(output),
        paths=[file.shown for file in files],
        hashes=hashes,
        outcome=outcome,
    )
    typer.echo(json.dumps(report.to_json(lang), ensure_ascii=False) if as_json else report.to_text(lang))
    raise typer.Exit(report.exit_code)


def _titles(files: Sequence[LocalFile], given: Sequence[str], lang: Lang) -> list[str]:
    """The titles given, then the names of the files that have none."""
    if len(given) > len(files):
        refuse({"zh": "书签（--title）比文件多", "en": "There are more titles than parts"}[lang])
    return [*given, *(shown(Path(file.path.stem)) for file in files[len(given) :])]


async def _merge(
    files: Sequence[LocalFile],
    titles: Sequence[str],
    limits: DocumentLimits,
    output: Path,
    progress: Callable[[float], None],
) -> MergeOutcome:
    """Merge beside the output, then give the result its name in one step."""
    with ExitStack() as stack:
        folder = tempfile.TemporaryDirectory(prefix=".shenbao-merge-", dir=output.parent)
        scratch = Path(stack.enter_context(folder))
        inputs = []
        for file, name in zip(files, titles, strict=True):
            source = file.source()
            stack.callback(source.close)
            inputs.append(MergeInput(part=Part(title=name), source=source))
        async with sandboxed(PRELOAD) as sandbox:
            outcome = await merge_parts(sandbox, inputs, limits, scratch, progress)
        if outcome.accepted:
            publish(scratch / RESULT, output)
        return outcome
