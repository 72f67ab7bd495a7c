"""Prints the part of `requirements.lock` that some extras need, for an image: `python tools/pins.py video`.

The lock says of each package what wants it, so nothing is resolved anew and no hash is looked up again. Whether
something is missing pip says itself: with `--require-hashes` it takes nothing that is not listed. Needs nothing but
Python.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Asked for like an extra: what builds the distribution itself.
BUILD = "build"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One package of the lock: its lines, and the names of what wants it."""

    name: str
    text: str
    wanted_by: frozenset[str]


class UnknownExtra(Exception):
    """`pyproject.toml` has no such extra; the message says which it has."""


def name_of(requirement: str) -> str:
    """The package's name as packages compare it. Raises `ValueError` for a line that begins with none."""
    found = _NAME.match(requirement)
    if found is None:
        raise ValueError(f"no package's name: {requirement!r}")
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def pins(lock: str) -> Sequence[Pin]:
    """The packages of a lock that uv wrote with its notes ("# via")."""
    blocks = re.split(r"\n(?=[A-Za-z0-9])", lock)
    return [_pin(block) for block in blocks if not block.startswith("#")]


def _pin(block: str) -> Pin:
    lines = block.rstrip().splitlines()
    notes = [line.strip().removeprefix("#").strip() for line in lines if line.strip().startswith("#")]
    wanting = [note.removeprefix("via").strip() for note in notes]
    return Pin(
        name=name_of(block),
        text="\n".join(line for line in lines if not line.strip().startswith("#")),
        wanted_by=frozenset(name_of(each) for each in wanting if each),
    )


def asked(project: Mapping[str, dict[str, object]], extras: Iterable[str]) -> frozenset[str]:
    """Names that `pyproject.toml` has under the extras, and what every part needs. Raises `UnknownExtra`."""
    known = {**_lists(project["project"]["optional-dependencies"]), BUILD: _list(project["build-system"]["requires"])}
    found: list[str] = []
    for extra in extras:
        if extra not in known:
            raise UnknownExtra(f"no extra {extra}; there are: {', '.join(sorted(known))}")
        found += known[extra]
        found += _list(project["project"]["dependencies"]) if extra != BUILD else []
    return frozenset(map(name_of, found))


def _lists(table: object) -> Mapping[str, list[str]]:
    return {name: _list(value) for name, value in table.items()} if isinstance(table, dict) else {}


def _list(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def closure(all_pins: Sequence[Pin], names: frozenset[str]) -> Sequence[Pin]:
    """The pins of `names` and of all that they want, in the lock's order. Raises `KeyError` for what is not pinned."""
    by_name = {pin.name: pin for pin in all_pins}
    kept = {by_name[name].name for name in names}
    while more := {pin.name for pin in all_pins if pin.name not in kept and pin.wanted_by & kept}:
        kept |= more
    return [pin for pin in all_pins if pin.name in kept]


def selected(extras: Iterable[str], root: Path = ROOT) -> Sequence[Pin]:
    """The pins for some extras of the project at `root`. Raises as `asked` and `closure` do."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    return closure(pins((root / "requirements.lock").read_text("utf-8")), asked(project, extras))


def main() -> int:
    """The exit status: 0, or 2 for an unknown extra."""
    try:
        chosen = selected(sys.argv[1:])
    except UnknownExtra as error:
        print(f"pins: {error}", file=sys.stderr)
        return 2
    print("\n".join(pin.text for pin in chosen))
    return 0


if __name__ == "__main__":
    sys.exit(main())
