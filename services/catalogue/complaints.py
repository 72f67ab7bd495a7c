"""What is wrong with typed data, in both languages: where, what stands there as far as it may be said, what is allowed.

Pydantic says it in English only, and of a value in full. Here a problem is its kind with parameters; `complaints.yaml`
holds the words. Nothing that was typed is repeated: it may be a name or an ID number.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml
from pydantic_core import ErrorDetails, PydanticCustomError

from services.catalogue.wording import Lang

Path = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Complaint:
    """One problem. `path` leads to the value, empty for the whole; the words are plain text."""

    path: Path
    zh: str
    en: str

    def words(self, lang: Lang) -> str:
        """What is wrong, without the place."""
        return self.zh if lang == "zh" else self.en

    def text(self, lang: Lang) -> str:
        """`a.b[2]: what is wrong`."""
        place = dotted(self.path)
        return f"{place}: {self.words(lang)}" if place else self.words(lang)


def dotted(path: Path) -> str:
    """`a.b[2]`, numbers from 0 as the data counts."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


@cache
def _templates() -> Mapping[str, Mapping[Lang, str]]:
    loaded: dict[str, dict[Lang, str]] = yaml.safe_load(
        (resources.files("services.catalogue") / "complaints.yaml").read_text("utf-8")
    )
    return loaded


def complain(path: Path, kind: str, **params: object) -> Complaint:
    """A problem of a kind that `complaints.yaml` words. Raises `KeyError` for another kind or a missing parameter."""
    template = _templates()[kind]
    return Complaint(path=path, zh=template["zh"].format(**params), en=template["en"].format(**params))


def refusal(kind: str, **params: object) -> PydanticCustomError:
    """The same from within a validator, to be raised there."""
    return PydanticCustomError(kind, "{said}", {"said": complain((), kind, **params).en, "params": params})


def of_validation(errors: Iterable[ErrorDetails]) -> tuple[Complaint, ...]:
    """Pydantic's errors, with their inputs. A kind that has no words here keeps pydantic's own in both languages."""
    return tuple(_of_error(error) for error in errors)


def _of_error(error: ErrorDetails) -> Complaint:
    context: Mapping[str, Any] = error.get("ctx", {})
    params = context.get("params", context)
    if error["type"] not in _templates():
        words = error["msg"].removeprefix("Value error, ")
        return Complaint(path=error["loc"], zh=f"填写有误（{words}）", en=words)
    given = error.get("input")
    found = len(given) if isinstance(given, str | list | tuple | dict) else 0
    values = {"found": found, "kind_of_value": _kind(given, "en"), "kind_zh": _kind(given, "zh"), **params}
    if error["type"] == "literal_error":
        values["expected"] = str(params["expected"]).replace("'", "").replace(" or ", ", ")
    return complain(error["loc"], error["type"], **values)


_KINDS: tuple[tuple[type | tuple[type, ...], str, str], ...] = (
    (bool, "yes or no", "是或否"),
    (str, "a text", "文字"),
    ((int, float), "a number", "数字"),
    (dict, "an object", "对象"),
    ((list, tuple), "a list", "列表"),
    (type(None), "nothing", "空"),
)


def _kind(value: object, lang: Lang) -> str:
    for kind, en, zh in _KINDS:
        if isinstance(value, kind):
            return zh if lang == "zh" else en
    return "其他内容" if lang == "zh" else "something else"
