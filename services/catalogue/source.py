"""Reads YAML so that every complaint can name file, line and path; used for the catalogue and for profiles."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from services.catalogue.complaints import Complaint, Path, complain, of_validation
from services.catalogue.wording import Lang

MAX_BYTES = 2**20
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Problem:
    """A complaint and where in a file it belongs: `file:line`, empty for data that came from no file."""

    place: str
    complaint: Complaint

    def text(self, lang: Lang = "en") -> str:
        """`file:line: a.b[2]: what is wrong`."""
        return ": ".join(part for part in (self.place, self.complaint.text(lang)) if part)


class SourceError(ValueError):
    """The text is not what it should be."""

    def __init__(self, found: tuple[Problem, ...]) -> None:
        """`found` is every problem, not the first alone."""
        super().__init__("\n".join(problem.text() for problem in found))
        self.found = found

    @property
    def problems(self) -> tuple[str, ...]:
        """In English, one line each, ready to be printed."""
        return self.lines("en")

    def lines(self, lang: Lang) -> tuple[str, ...]:
        """The same in `lang`."""
        return tuple(problem.text(lang) for problem in self.found)


@dataclass(frozen=True, slots=True)
class Source:
    """Parsed data with the line of every node, None for data that came from no file."""

    name: str
    data: object
    lines: Mapping[Path, int] | None

    def line(self, path: Path) -> int:
        """The line of the node at `path`, or of the nearest one above it that exists; from 1."""
        lines = self.lines or {}
        while path and path not in lines:
            path = path[:-1]
        return lines.get(path, 1)

    def at(self, complaint: Complaint) -> Problem:
        """The complaint at its line."""
        return Problem(f"{self.name}:{self.line(complaint.path)}" if self.lines is not None else "", complaint)


class _Loader(yaml.SafeLoader):
    """Safe YAML without aliases (a billion laughs need them) and with dates left as text."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse aliases."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.constructor.ConstructorError(None, None, "aliases are not accepted", self.get_mark())
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(text: str, name: str) -> Source:
    """Parse `text`. Raises `SourceError` for what is no YAML, for aliases, doubled keys and oversize."""
    if len(text.encode()) > MAX_BYTES:
        raise _unreadable(name, "yaml.too-large", bytes=len(text.encode()), most=MAX_BYTES)
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = f"U+{ord(text[error.position]):04X}"
        raise _unreadable(f"{name}:{line}", "yaml.character", name=character) from error
    try:
        node = loader.get_single_node()
        lines: dict[Path, int] = {}
        if node is not None:
            _number(node, (), lines)
        data = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f":{mark.line + 1}" if mark is not None else ""
        raise _unreadable(name + where, "yaml.unreadable", reason=error.problem) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = f"this is not YAML that can be read ({type(error).__name__})"
        raise _unreadable(name, "yaml.unreadable", reason=reason) from error
    finally:
        loader.dispose()
    return Source(name, data, lines)


def _unreadable(place: str, kind: str, **params: object) -> SourceError:
    return SourceError((Problem(place, complain((), kind, **params)),))


def _number(node: yaml.Node, path: Path, lines: dict[Path, int]) -> None:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            step = (*path, str(key.value))
            if step in lines:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} stands here twice", key.start_mark)
            _number(value, step, lines)
            lines[step] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _number(value, (*path, index), lines)


def validated(source: Source, model: type[M], context: Mapping[str, object] | None = None) -> M:
    """The data as `model`; `context` is what its validators need to know. Raises `SourceError` with every problem."""
    try:
        return model.model_validate(source.data, context=context)
    except ValidationError as error:
        found = of_validation(error.errors(include_url=False))
        raise SourceError(tuple(source.at(complaint) for complaint in found)) from error
