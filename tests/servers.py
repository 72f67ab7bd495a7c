"""Programs that tests need and PyPI does not have: `make servers` puts them into a cache outside the tree.

Where one cannot be had its tests are skipped, and the run's summary says so; on CI that is a failure.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

_MISSING = "missing server: "
_TOLD = re.compile(_MISSING + r"([^)]*\))")


def cache() -> Path:
    """Where `make servers` puts things."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shenbao"
    return Path(os.environ.get("SHENBAO_CACHE") or home)


def needed(program: str) -> Path:
    """The program, below the cache. Skips the test that asks, or fails it where `CI=true`."""
    path = cache() / "bin" / program
    if os.access(path, os.X_OK):
        return path
    told = f"{_MISSING}{program} (run `make servers`)"
    if os.environ.get("CI") == "true":
        pytest.fail(told, pytrace=False)
    pytest.skip(told)


def summary(reasons: Iterable[str]) -> list[str]:
    """One line per program that was not there, from the reasons of skipped tests."""
    missing: dict[str, int] = {}
    for reason in reasons:
        if found := _TOLD.search(reason):
            missing[found[1]] = missing.get(found[1], 0) + 1
    return [f"NOT TESTED: {count} tests lack {told}" for told, count in sorted(missing.items())]
