"""The same request for many things: each is tried, and what was refused is told at the end (exit code 2)."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import typer

from services.cli.operating.platform import worded
from services.cli.options import USAGE
from services.cli.person import Person, Refused


@dataclass(slots=True)
class Done:
    """What became of each: ids in order, and the refusals by id."""

    done: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def through(person: Person, chosen: Sequence[str], path: Callable[[str], str]) -> Done:
    """POST to each one's path. Raises httpx's transport errors."""
    found = Done()
    for each in chosen:
        try:
            person.ask("POST", path(each))
            found.done.append(each)
        except Refused as error:
            found.refused[each] = worded(error)
    return found


def tell(found: Done, word: str, *, as_json: bool) -> None:
    """Say it; ends with 2 when anything was refused."""
    if as_json:
        typer.echo(json.dumps({"done": found.done, "refused": found.refused}, ensure_ascii=False))
    else:
        for each in found.done:
            typer.echo(f"{word}  {each}")
        for each, why in found.refused.items():
            typer.echo(f"✗ {each}: {why}", err=True)
    raise typer.Exit(USAGE if found.refused else 0)
