"""`shenbao check`: decides by content what each file is and checks it by the rules of its item."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from services.catalogue import load
from services.catalogue.model import Catalogue, Item
from services.catalogue.opening.values import day_in
from services.catalogue.sniff import VIDEOS
from services.cli.check_pdf import check_pdf
from services.cli.check_video import check_video
from services.cli.local import LocalFile, UnreadablePathError, look_at, sandboxed
from services.cli.options import CATALOGUE_ID, DualLayerOption, ItemOption, JsonOption, LangOption, bar, item_of, refuse
from services.cli.report import CheckReport, Declared, FileReport
from services.kernel.ocr.reader import PRELOAD as OCR_TOOLS
from services.kernel.ocr.reader import SandboxedReader
from services.pdfcheck.usecases.expectation import expected_type
from services.pdfcheck.usecases.measure import PRELOAD as DOCUMENT_TOOLS
from services.pdfcheck.usecases.pixels import PRELOAD as PIXEL_TOOLS
from services.video.usecases.look import PRELOAD as LOOK_TOOLS
from services.video.usecases.measure import PRELOAD as VIDEO_TOOLS
from services.video.usecases.opening import PRELOAD as OPENING_TOOLS

Paths = Annotated[list[Path], typer.Argument(metavar="PATH...", help="要检查的文件 / the files to check")]
Name = Annotated[str | None, typer.Option("--name", help="申报人姓名 / the applicant's name")]
IdNumber = Annotated[str | None, typer.Option("--id-number", help="身份证号 / the applicant's ID number")]
Employer = Annotated[str | None, typer.Option("--employer", help="工作单位 / employer")]
Department = Annotated[str | None, typer.Option("--department", help="科室 / department")]
JobTitle = Annotated[str | None, typer.Option("--title", help="职称 / present title")]
Operation = Annotated[str | None, typer.Option("--operation", help="手术名称 / name of the operation")]
Date = Annotated[str | None, typer.Option("--date", help="手术日期 / date of the operation")]


def check(
    paths: Paths,
    item: ItemOption = None,
    name: Name = None,
    id_number: IdNumber = None,
    employer: Employer = None,
    department: Department = None,
    title: JobTitle = None,
    operation: Operation = None,
    date: Date = None,
    lang: LangOption = "zh",
    *,
    dual_layer: DualLayerOption = False,
    as_json: JsonOption = False,
) -> None:
    """检查文件是否符合要求。 Check files by the rules: 0 nothing blocks, 1 something does, 2 wrong usage."""
    catalogue = load.default()
    chosen = item_of(catalogue, item, lang)
    if date is not None and day_in(date) is None:
        refuse(
            {
                "zh": f"--date 应写成 2022-05-12，收到的是“{date}”。",
                "en": f"--date is written 2022-05-12, not “{date}”.",
            }[lang]
        )
    declared = Declared(
        name=name, id_number=id_number, employer=employer, department=department, title=title, operation=operation,
        date=date,
    )  # fmt: skip
    try:
        files = [look_at(path) for path in paths]
        with bar({"zh": "检查", "en": "checking"}[lang], quiet=as_json) as progress:
            reports = asyncio.run(_check(files, catalogue, chosen, declared, progress, dual_layer=dual_layer))
    except UnreadablePathError as error:
        refuse(error.worded(lang))
    report = CheckReport(catalogue=CATALOGUE_ID, files=tuple(reports))
    typer.echo(json.dumps(report.to_json(lang), ensure_ascii=False) if as_json else report.to_text(lang))
    raise typer.Exit(report.exit_code)


def is_video(file: LocalFile, item: Item | None) -> bool:
    """Whether a video is expected: by the item, else by the extension, else by the content."""
    if item is not None:
        return item.is_video
    promised = expected_type(file.path.name)
    return (file.media_type if promised is None else promised) in VIDEOS


async def _check(
    files: Sequence[LocalFile],
    catalogue: Catalogue,
    item: Item | None,
    declared: Declared,
    progress: Callable[[float], None],
    *,
    dual_layer: bool,
) -> list[FileReport]:
    """One report per file, in the order given; the bar follows the bytes that were hashed."""
    total, done = max(1, sum(file.size_bytes for file in files)), 0

    def hashed(count: int) -> None:
        nonlocal done
        done += count
        progress(done / total)

    reports = []
    tools = (*DOCUMENT_TOOLS, *PIXEL_TOOLS, *VIDEO_TOOLS, *OPENING_TOOLS, *LOOK_TOOLS)
    async with sandboxed(tools) as sandbox, sandboxed(OCR_TOOLS) as reading:  # each starts when it is first used
        reader = SandboxedReader(reading, at_once=2)
        for file in files:
            sha256 = await asyncio.to_thread(file.sha256, hashed)
            if is_video(file, item):
                report = await check_video(
                    file, catalogue=catalogue, declared=declared, sandbox=sandbox, sha256=sha256, reader=reader,
                    dual_layer=dual_layer,
                )  # fmt: skip
            else:
                report = await check_pdf(file, catalogue=catalogue, item=item, sandbox=sandbox, sha256=sha256)
            reports.append(report)
    return reports
