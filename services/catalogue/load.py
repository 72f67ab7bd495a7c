"""Reads the catalogue that comes with this package, or another one from a file. Raises `SourceError` with lines."""

import hashlib
from functools import cache
from importlib import resources

from services.catalogue import lint
from services.catalogue.model import Catalogue, Document, Levels
from services.catalogue.source import SourceError, parse, validated

DATA = "sichuan-2023.yaml"
LEVELS = "levels.yaml"


def packaged(name: str) -> str:
    """The text of a data file that comes with this package."""
    return (resources.files("services.catalogue") / name).read_text("utf-8")


@cache
def default() -> Catalogue:
    """The catalogue of this release. Raises `SourceError` when its data is wrong (the tests keep it right)."""
    return from_text(packaged(DATA), packaged(LEVELS))


def from_text(data: str, levels: str, *, name: str = DATA, levels_name: str = LEVELS) -> Catalogue:
    """A catalogue from two YAML texts; the names are for messages. Raises `SourceError`."""
    source = parse(data, name)
    document = validated(source, Document)
    levels_source = parse(levels, levels_name)
    sign_off = validated(levels_source, Levels)
    if problems := lint.problems(document, source) + lint.problems_of_levels(sign_off, levels_source):
        raise SourceError(problems)
    sha256 = hashlib.sha256(data.encode() + b"\x00" + levels.encode()).hexdigest()
    return Catalogue.model_construct(**dict(document), sha256=sha256, sign_off=sign_off)
