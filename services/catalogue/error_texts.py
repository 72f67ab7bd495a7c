"""What each error code means to a person, in both languages; `errors.yaml` is the one place where it is written.

`docs/errors.md` is made from it and from the findings' messages (a test holds it to that).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from services.catalogue.wording import Lang


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorText:
    """Title (what happened), detail (what was found and what is allowed) and fix (what to do)."""

    title: str
    detail: str
    fix: str


class _Blank(dict[str, object]):
    """A parameter that was not given reads as a dash."""

    def __missing__(self, key: str) -> str:
        return "–"


@cache
def texts() -> Mapping[str, Mapping[Lang, Mapping[str, str]]]:
    """Code → language → {title, detail, fix}."""
    loaded: dict[str, dict[Lang, dict[str, str]]] = yaml.safe_load(
        (resources.files("services.catalogue") / "errors.yaml").read_text("utf-8")
    )
    return loaded


def explain(code: str, params: Mapping[str, object], lang: Lang) -> ErrorText:
    """The words for a code; one without words of its own gets those of service.failed."""
    known = texts()
    text = known.get(code, known["service.failed"])[lang]
    values = _Blank({key: _readable(key, value) for key, value in params.items()})
    return ErrorText(**{part: text[part].format_map(values) for part in ("title", "detail", "fix")})


def _readable(key: str, value: object) -> object:
    if key.endswith("bytes") and isinstance(value, int):
        return f"{value / 2**20:.2f} MB ({value} B)" if value >= 2**20 else f"{value} B"
    return value
