"""A program that is not there is said to be missing: loudly, and on CI as a failure."""

from pathlib import Path

import pytest

from tests import servers


def test_what_is_there_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHENBAO_CACHE", str(tmp_path))
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "thing"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert servers.needed("thing") == program


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_what_is_missing_skips_here_and_fails_on_ci(
    ci: str, outcome: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHENBAO_CACHE", str(tmp_path))
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="missing server: thing"):
        servers.needed("thing")


def test_the_summary_has_a_line_per_program() -> None:
    reasons = ["('a.py', 3, 'Skipped: missing server: b (run `make servers`)')"] * 2 + [
        "Skipped: too slow",
        "missing server: a (x)",
    ]
    assert servers.summary(reasons) == [
        "NOT TESTED: 1 tests lack a (x)",
        "NOT TESTED: 2 tests lack b (run `make servers`)",
    ]
