"""Reads YAML so that every complaint can name file, line and path; used for the catalogue and for profiles."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

MAX_BYTES = 2**20
M = TypeVar("M", bound=BaseModel)
Path = tuple[str | int, ...]


class SourceError(ValueError):
    """The text is not what it should be; one line per problem, each with file and line."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """`problems` are ready to be printed."""
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Source:
    """Parsed data with the line of every node."""

    name: str
    data: object
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of the node at `path`, or of the nearest one above it that exists; from 1."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def at(self, path: Path, message: str) -> str:
        """`file:line: a.b[2]: message`."""
        text = ""
        for step in path:
            text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
        return f"{self.name}:{self.line(path)}: {text + ': ' if text else ''}{message}"


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
        raise SourceError((f"{name}: {len(text.encode())} bytes, at most {MAX_BYTES} are read",))
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SourceError(
            (f"{name}:{line}: a character that no text holds (U+{ord(text[error.position]):04X})",)
        ) from error
    try:
        node = loader.get_single_node()
        lines: dict[Path, int] = {}
        if node is not None:
            _number(node, (), lines)
        data = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f":{mark.line + 1}" if mark is not None else ""
        raise SourceError((f"{name}{where}: {error.problem}",)) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SourceError((f"{name}: this is not YAML that can be read ({type(error).__name__})",)) from error
    finally:
        loader.dispose()
    return Source(name, data, lines)


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


def validated(source: Source, model: type[M]) -> M:
    """The data as `model`. Raises `SourceError` with every problem at its line."""
    try:
        return model.model_validate(source.data)
    except ValidationError as error:
        problems = []
        for problem in error.errors(include_url=False, include_input=False):
            path = problem["loc"]
            message = (
                problem["msg"].removeprefix("Value error, ").replace("Extra inputs are not permitted", "unknown key")
            )
            problems.append(source.at(path, message))
        raise SourceError(tuple(problems)) from error
