"""What a request's body may hold, of all of them."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError

from services.gateway import routes
from services.gateway.pages import applicant

#: Its characters are looked at where it becomes a page, which says which they are (`pages.texts`).
LOOKED_AT_LATER = {"NewText.text"}


def bodies() -> Iterator[type[BaseModel]]:
    modules = [
        importlib.import_module(f"{routes.__name__}.{each.name}") for each in pkgutil.iter_modules(routes.__path__)
    ]
    for module in (*modules, applicant):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__:
                yield value


def texts() -> Iterator[tuple[type[BaseModel], str, object]]:
    """(body, field, half a surrogate pair in it) of every text and list of texts."""
    for body in bodies():
        for name, field in body.model_fields.items():
            if f"{body.__name__}.{name}" in LOOKED_AT_LATER:
                continue
            if field.annotation is str:
                yield body, name, "\ud800"
            elif get_origin(field.annotation) is list and str in _within(field.annotation):
                yield body, name, ["\ud800"]


def _within(annotation: object) -> set[object]:
    """What a list is of, without what is noted about it."""
    return {part for inner in get_args(annotation) for part in (inner, *get_args(inner))}


def test_there_are_texts() -> None:
    assert {("Order", "file_ids"), ("Return", "comment"), ("Dropped", "paths")} <= {
        (body.__name__, name) for body, name, _ in texts()
    }


@pytest.mark.parametrize(
    ("body", "name", "value"), [pytest.param(*each, id=f"{each[0].__name__}.{each[1]}") for each in texts()]
)
def test_half_a_character_is_no_text(body: type[BaseModel], name: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        body.model_validate({name: value})
    about = [error["type"] for error in caught.value.errors() if error["loc"][0] == name]
    assert about == ["string_unicode"]
