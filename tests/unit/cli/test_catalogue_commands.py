"""`shenbao catalogue`: clean data exits 0, every problem is printed with its line and exits 1."""

import json
from pathlib import Path

from typer.testing import CliRunner

from services.catalogue import load
from services.cli.catalogue_commands import app


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout


def test_the_catalogue_that_comes_along_is_clean() -> None:
    code, out = run("lint", "--json")
    data = json.loads(out)
    assert (code, data["problems"], data["items"]) == (0, [], 50)
    assert data["sha256"] == load.default().sha256
    assert run("lint")[0] == 0


def test_problems_of_another_file_have_lines_and_exit_1(tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(load.packaged(load.DATA).replace("entries: single", "entries: singel", 1), "utf-8")
    code, out = run("lint", str(path))
    line = path.read_text("utf-8").splitlines().index("    entries: singel") + 1
    assert code == 1
    assert f"{path}:{line}: items[2].entries: " in out
    code, out = run("lint", str(path), "--json")
    assert code == 1
    assert len(json.loads(out)["problems"]) == 1


def test_problems_of_levels_are_found(tmp_path: Path) -> None:
    path = tmp_path / "levels.yaml"
    path.write_text(load.packaged(load.LEVELS).replace("[unit, province]", "[province, unit]"), "utf-8")
    code, out = run("lint", "--levels", str(path))
    assert code == 1
    assert "levels are not in order" in out


def test_what_cannot_be_read_exits_2(tmp_path: Path) -> None:
    assert run("lint", str(tmp_path / "missing.yaml"))[0] == 2
    assert run("lint", str(tmp_path))[0] == 2
    assert run("lint", "--no-such-option")[0] == 2


def test_every_rule_is_carried_out_by_something_or_planned() -> None:
    code, out = run("coverage", "--json")
    data = json.loads(out)
    assert (code, data["uncovered"]) == (0, [])
    assert len(data["rules"]) == 173
    assert run("coverage")[0] == 0


def test_the_list_names_every_item() -> None:
    code, out = run("list")
    assert code == 0
    assert len(out.splitlines()) == 50
    code, out = run("list", "--json")
    assert {entry["number"] for entry in json.loads(out)} >= {"1", "15.2a", "19"}
