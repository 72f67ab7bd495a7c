"""Options that several commands share, and how a command refuses wrong usage (exit code 2)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from services.catalogue import load
from services.catalogue.error_texts import explain
from services.catalogue.model import Catalogue, Item
from services.catalogue.wording import Lang
from services.kernel.errors import AppError

ItemOption = Annotated[str | None, typer.Option("--item", help="项目编号或代号 / item number or id: 15.2a, education")]
LangOption = Annotated[Lang, typer.Option("--lang", help="zh 中文 · en English")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="标准输出只有一个 JSON 文档 / one JSON document, nothing else")
]
DualLayerOption = Annotated[
    bool, typer.Option("--dual-layer", help="允许双层 DVD（8.5 GB） / a DVD of two layers may be burned")
]
USAGE = 2
#: How the contract of the command line calls the catalogue that the answer rests on.
CATALOGUE_ID = load.DATA.removesuffix(".yaml")


def refuse(message: str) -> NoReturn:
    """Say on standard error what is wrong with the call, and end with exit code 2."""
    typer.echo(message, err=True)
    raise typer.Exit(USAGE)


def fail(error: AppError, lang: Lang) -> NoReturn:
    """Say what happened, what was found and what to do, and end with exit code 2."""
    text = explain(error.code, error.params, lang)
    refuse(f"{text.title}\n{text.detail}\n{text.fix}  ({error.code})")


def item_of(catalogue: Catalogue, given: str | None, lang: Lang) -> Item | None:
    """The item named by id or number, None when none is; an unknown one is refused."""
    if given is None:
        return None
    try:
        return catalogue.item(given)
    except AppError:
        numbers = " ".join(item.number for item in catalogue.items)
        refuse(
            f"目录中没有项目“{given}”。现有编号：{numbers}"
            if lang == "zh"
            else f"The catalogue has no item “{given}”. Its numbers: {numbers}"
        )


@contextmanager
def bar(title: str, *, quiet: bool) -> Iterator[Callable[[float], None]]:
    """A bar on standard error for a terminal; call what it gives with a fraction from 0 to 1."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as shown:
        task = shown.add_task(title, total=1.0)
        yield lambda fraction: shown.update(task, completed=fraction)
