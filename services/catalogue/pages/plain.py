"""What was seen, as plain data for a sealed column, and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from services.catalogue.findings import Finding
from services.catalogue.pages.model import Repeat, Rim, SeenFile, SeenLine, SeenPage

Plain = dict[str, Any]


def plain_file(seen: SeenFile) -> Plain:
    """JSON can hold it."""
    findings = [
        {**{name: getattr(each, name) for name in ("code", "rule_id", "measured", "limit", "unit", "where")},
         "params": dict(each.params)}
        for each in seen.findings
    ]  # fmt: skip
    return {
        "version": seen.version,
        "pages": [asdict(each) for each in seen.pages],
        "findings": findings,
        "lines": [asdict(each) for each in seen.lines],
        "repeats": [asdict(each) for each in seen.repeats],
    }


def seen_file(plain: Mapping[str, Any]) -> SeenFile:
    """What `plain_file` made. Raises `KeyError`, `TypeError` for anything else."""
    return SeenFile(
        version=plain["version"],
        pages=tuple(seen_page(each) for each in plain["pages"]),
        findings=tuple(Finding(**each) for each in plain["findings"]),
        lines=tuple(SeenLine(**each) for each in plain["lines"]),
        repeats=tuple(Repeat(**each) for each in plain["repeats"]),
    )


def seen_page(plain: Mapping[str, Any]) -> SeenPage:
    """One page. Raises as above."""
    rims = {name: None if plain[name] is None else Rim(**plain[name]) for name in ("seal", "grey_seal")}
    return SeenPage(**{**plain, **rims})
