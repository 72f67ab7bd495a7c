"""Turns a finding into words: message (what was found, what is allowed) and fix (what to do), in either language."""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import yaml

from services.catalogue.findings import Finding, Scalar

Lang = Literal["zh", "en"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """Message and fix of one finding; both are plain text, ready to show."""

    message: str
    fix: str


@cache
def _templates() -> dict[str, dict[str, dict[str, str]]]:
    """Code → language → {message, fix}, merged from every file in `messages/`."""
    merged: dict[str, dict[str, dict[str, str]]] = {}
    folder = resources.files("services.catalogue") / "messages"
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".yaml"):
            merged.update(yaml.safe_load(entry.read_text("utf-8")) or {})
    return merged


def codes_with_wording() -> frozenset[str]:
    """Every code that `messages/*.yaml` words; a test holds it against the table of codes."""
    return frozenset(_templates())


def readable(value: Scalar, unit: str | None) -> str:
    """A value as people write it: bytes in MB (2^20) with two digits, seconds as m:ss.cc, else as it is."""
    if value is None:
        return "–"
    if unit == "bytes" and isinstance(value, int | float):
        return f"{value / 2**20:.2f} MB" if value >= 2**20 else f"{value / 1024:.1f} KB"
    if unit == "s" and isinstance(value, int | float):
        minutes, seconds = divmod(round(float(value) * 100), 6000)
        return f"{minutes}:{seconds / 100:05.2f}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _places(where: str | None, template: dict[str, str], lang: Lang) -> str:
    if not where:
        return {"zh": "文件", "en": "the file"}[lang]
    worded = [template.get(f"where.{place}") for place in where.split(",")]
    return {"zh": "、", "en": ", "}[lang].join(place for place in worded if place) if all(worded) else where


def _kinds(told: str, template: dict[str, str]) -> str:
    return ", ".join(template.get(f"kinds.{kind}", kind) for kind in told.split(", "))


def word(finding: Finding, lang: Lang = "zh") -> Wording:
    """The words for `finding`. Placeholders: {measured} {limit} (readable), {where}, {rule} and each of `params`.

    A finding with a `reason` among its parameters gets that reason's words for {reason} (`reason.<name>` beside the
    message) and its own advice where there is one (`fix.<name>`). {kinds} are worded one by one (`kinds.<name>`).
    Places that have a word (`where.<name>`) get it, also several of them parted by commas.

    Raises `KeyError` when a code has no wording or a template names a parameter that the finding lacks: both are
    bugs, and the tests word one finding of every code.
    """
    template = _templates()[finding.code][lang]
    values: dict[str, str] = {key: readable(value, None) for key, value in finding.params.items()}
    values["measured"] = readable(finding.measured, finding.unit)
    values["limit"] = readable(finding.limit, finding.unit)
    values["where"] = _places(finding.where, template, lang)
    values["rule"] = finding.rule_id
    values["kinds"] = _kinds(values.get("kinds", ""), template)
    reason = values.get("reason", "")
    values["reason"] = template.get(f"reason.{reason}", reason).format(**values)
    fix = template.get(f"fix.{reason}", template["fix"])
    return Wording(message=template["message"].format(**values), fix=fix.format(**values))
