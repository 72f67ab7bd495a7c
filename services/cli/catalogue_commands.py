"""`shenbao catalogue`: holds the data against its rules, lists it, and shows what carries out each requirement."""

import json
from pathlib import Path
from typing import Annotated

import typer

from services.catalogue import load
from services.catalogue.lint import coverage as rules_covered
from services.catalogue.model import Catalogue
from services.catalogue.source import SourceError
from services.cli.options import CATALOGUE_ID, JsonOption, refuse

app = typer.Typer(no_args_is_help=True, help="材料目录：检查、列出、规则覆盖 / the catalogue of the notice.")

_FOUND = 1


def _print_json(data: object) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2))


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"{path}: 无法读取 / cannot be read ({type(error).__name__})")


def _loaded(data: Path | None, levels: Path | None) -> Catalogue:
    if data is None and levels is None:
        return load.default()
    texts = (
        load.packaged(load.DATA) if data is None else _read(data),
        load.packaged(load.LEVELS) if levels is None else _read(levels),
    )
    names = (load.DATA if data is None else str(data), load.LEVELS if levels is None else str(levels))
    return load.from_text(*texts, name=names[0], levels_name=names[1])


@app.command()
def lint(
    data: Annotated[Path | None, typer.Argument(help="目录文件，缺省为自带的 / default: the one built in.")] = None,
    levels: Annotated[Path | None, typer.Option(help="层级文件 / levels and routes.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """检查目录数据：每个问题给出文件、行号和路径 / every problem with file, line and path; exit 1 when there is one."""
    try:
        catalogue = _loaded(data, levels)
        problems: tuple[str, ...] = ()
        summary = {
            "catalogue": CATALOGUE_ID,
            "version": catalogue.version,
            "sha256": catalogue.sha256,
            "items": len(catalogue.items),
        }
    except SourceError as error:
        problems, summary = error.problems, {}
    if as_json:
        _print_json({**summary, "problems": list(problems)})
    elif problems:
        typer.echo("\n".join(problems))
    else:
        typer.echo(f"{summary['version']}: {summary['items']} 项，没有问题 / items, no problems")
    raise typer.Exit(_FOUND if problems else 0)


@app.command()
def coverage(*, as_json: JsonOption = False) -> None:
    """每条规则由什么落实 / what carries out each rule; exit 1 when one is carried out by nothing."""
    covered = dict(sorted(rules_covered(load.default()).items()))
    uncovered = [rule for rule, carrier in covered.items() if not carrier]
    later = [rule for rule, carrier in covered.items() if carrier.startswith("not yet")]
    if as_json:
        _print_json({"rules": covered, "not_yet": later, "uncovered": uncovered})
    else:
        for rule, carrier in covered.items():
            typer.echo(f"{rule:8} {carrier or '— 未落实 / by nothing'}")
        typer.echo(
            f"{len(covered)} 条规则，{len(later)} 条待后续，{len(uncovered)} 条未落实 / rules, later, by nothing"
        )
    raise typer.Exit(_FOUND if uncovered else 0)


@app.command("list")
def list_items(*, as_json: JsonOption = False) -> None:
    """列出所有项目的编号、代号和名称 / number, id and title of every item."""
    items = load.default().items
    if as_json:
        fields = ("number", "id", "title_zh", "title_en", "media")
        _print_json([{key: getattr(item, key) for key in fields} for item in items])
        return
    for item in items:
        typer.echo(f"{item.number:7} {item.id:26} {item.title_zh}")
