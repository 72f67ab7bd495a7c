"""`shenbao disc`: the data-DVD image of a surgery video, and the check of an image or a burned disc."""

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from services.catalogue import load
from services.catalogue.model import Catalogue
from services.catalogue.wording import Lang
from services.cli.check_video import check_video
from services.cli.disc_report import BuildReport, VerifyReport
from services.cli.local import LocalFile, UnreadablePathError, look_at, sandboxed, shown
from services.cli.options import DualLayerOption, JsonOption, LangOption, bar, refuse
from services.cli.publish import publish, refuse_same, refuse_unwritable
from services.cli.report import Declared, FileReport
from services.kernel.clock import SystemClock, china_date
from services.kernel.errors import KINDS, AppError
from services.video.domain.disc import volume_label
from services.video.domain.disc_verdict import judge_disc, unreadable
from services.video.domain.name import parse_name
from services.video.domain.readback import FileOnDisc, ReadBack
from services.video.ports import DiscOrder
from services.video.tools import disc as discs
from services.video.usecases.disc_face import PRELOAD as FACE_TOOLS
from services.video.usecases.disc_face import draw_face, title_of
from services.video.usecases.measure import PRELOAD as PROBE_TOOLS
from services.video.usecases.read_disc import PRELOAD as DISC_TOOLS
from services.video.usecases.read_disc import DiscUnreadable, read_disc

if TYPE_CHECKING:
    from typer._click.core import Context  # the type that Typer's own signatures name

_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
#: Where times on a disc begin and end: ISO 9660 counts years from 1900 in one byte, UDF's readers from 1980.
_EARLIEST, _LATEST = datetime(1980, 1, 2, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)


class _BuildsByDefault(TyperGroup):
    """`shenbao disc VIDEO -o OUT` builds; a first word that is a subcommand is one."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Put `build` in front of what names no subcommand and asks for no help."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["build", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_BuildsByDefault, no_args_is_help=True, help="光盘映像的生成与核对。 Disc images: build, verify.")

Video = Annotated[Path, typer.Argument(metavar="VIDEO.mp4", help="手术视频 / the surgery video")]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="OUT.iso", help="光盘映像 / the disc image")]
Label = Annotated[
    Path | None, typer.Option("--label", metavar="OUT.pdf", help="可打印的盘面 / the disc's face, to be printed")
]
Disc = Annotated[
    Path, typer.Argument(metavar="IMAGE_OR_MOUNT", help="映像，或光盘的挂载目录 / image or mounted folder")
]
Sha256 = Annotated[str | None, typer.Option("--sha256", help="视频应有的 SHA-256 / what the video should have")]


@app.command("build")
def build(
    video: Video,
    output: Output,
    label: Label = None,
    lang: LangOption = "zh",
    *,
    dual_layer: DualLayerOption = False,
    as_json: JsonOption = False,
) -> None:
    """检查视频并生成只含该视频的光盘映像。 Check the video, then build the image with it alone on it."""
    catalogue = load.default()
    try:
        file = look_at(video)
        refuse_unwritable(output, [video], lang)
        if label is not None:
            refuse_unwritable(label, [video, output], lang)
            if label.absolute() == output.absolute():
                refuse_same(label, lang)
        sha256 = file.sha256()
        checked = asyncio.run(_checked(file, catalogue, sha256, dual_layer=dual_layer))
        built = None
        if checked.verdict == "pass":
            with bar({"zh": "生成映像", "en": "building"}[lang], quiet=as_json) as progress:
                built = _build(file, sha256, catalogue.cycle.year, output.absolute(), progress)
        name = parse_name(file.path.name).name
        if label is not None and built is not None:
            asyncio.run(_print_face(label.absolute(), name, sha256))
    except UnreadablePathError as error:
        refuse(error.worded(lang))
    except AppError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(KINDS[error.kind].exit_code) from error
    face = shown(label) if label is not None and built is not None else ""
    report = BuildReport(output=shown(output), checked=checked, built=built, name=name, face=face)
    _print(report, lang, as_json=as_json)


@app.command("verify")
def verify(image: Disc, sha256: Sha256 = None, lang: LangOption = "zh", *, as_json: JsonOption = False) -> None:
    """核对映像或已刻录的光盘：只有一个文件，名称、大小、SHA-256。 What is on it, and is it what it should be?"""
    if sha256 is not None and (len(sha256) != 64 or not _HEX_DIGITS.issuperset(sha256)):
        refuse({"zh": "SHA-256 应为 64 位十六进制数", "en": "A SHA-256 has 64 hexadecimal digits"}[lang])
    try:
        found = None if image.is_dir() else asyncio.run(_read(look_at(image)))
        files = tuple(_mounted(image)) if found is None else found.files
    except UnreadablePathError as error:
        refuse(error.worded(lang))
    except DiscUnreadable:
        report = VerifyReport(path=shown(image), files=(), image=None, findings=(unreadable(),))
    else:
        findings = judge_disc(files, sha256=sha256, today=china_date(SystemClock().now()))
        report = VerifyReport(path=shown(image), files=files, image=found, findings=findings)
    _print(report, lang, as_json=as_json)


def _print(report: BuildReport | VerifyReport, lang: Lang, *, as_json: bool) -> None:
    typer.echo(json.dumps(report.to_json(lang), ensure_ascii=False) if as_json else report.to_text(lang))
    raise typer.Exit(report.exit_code)


async def _checked(file: LocalFile, catalogue: Catalogue, sha256: str, *, dual_layer: bool) -> FileReport:
    async with sandboxed(PROBE_TOOLS) as sandbox:
        return await check_video(
            file, catalogue=catalogue, declared=Declared(), sandbox=sandbox, sha256=sha256, dual_layer=dual_layer
        )


def _build(file: LocalFile, sha256: str, year: int, output: Path, progress: Callable[[float], None]) -> ReadBack:
    """Build beside the output, read back, then give the image its name in one step. Raises `AppError` disc.*."""
    order = DiscOrder(
        video=file.path,
        file_name=parse_name(file.path.name).suggested,
        size_bytes=file.size_bytes,
        sha256=sha256,
        label=volume_label(year),
        at=_time_of(file),
    )
    with tempfile.TemporaryDirectory(prefix=".shenbao-disc-", dir=output.parent) as folder:
        image = Path(folder) / "disc.iso"
        found = discs.build(order, image, lambda done, whole: progress(done / max(1, whole)))
        publish(image, output)
    return found


async def _print_face(output: Path, name: str, sha256: str) -> None:
    async with sandboxed(FACE_TOOLS) as sandbox:
        pdf = await draw_face(sandbox, title=title_of(name), notes=(), sha256=sha256)
    with tempfile.TemporaryDirectory(prefix=".shenbao-face-", dir=output.parent) as folder:
        made = Path(folder) / "face.pdf"
        made.write_bytes(pdf)
        publish(made, output)


def _time_of(file: LocalFile) -> datetime:
    """When the file was last changed, to the second, within what a disc can say."""
    changed = datetime.fromtimestamp(int(file.path.stat().st_mtime), UTC)
    return min(max(changed, _EARLIEST), _LATEST)


async def _read(file: LocalFile) -> ReadBack:
    source = file.source()
    try:
        async with sandboxed(DISC_TOOLS) as sandbox:
            return await read_disc(sandbox, source)
    finally:
        source.close()


def _mounted(folder: Path) -> Iterator[FileOnDisc]:
    """Every file below a mounted disc's folder. Raises `UnreadablePathError`."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            file = look_at(path)
            name = path.relative_to(folder).as_posix()
            yield FileOnDisc(view="mount", name=name, size_bytes=file.size_bytes, sha256=file.sha256())
