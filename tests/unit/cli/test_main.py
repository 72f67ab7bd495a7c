"""The exit codes of the contract come out of the program itself, not only out of its commands."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.cli import main as program
from services.cli.main import main

SURGEON = str(Path(__file__).parents[2] / "assets" / "profile-surgeon.yaml")


def exit_code(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr(sys, "argv", ["shenbao", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("checklist", SURGEON, "--json"), 0),
        (("catalogue", "coverage", "--json"), 0),
        (("checklist", "no-such-file.yaml"), 2),
        (("checklist", SURGEON, "--lang", "fr"), 2),
        (("no-such-command",), 2),
        (("catalogue", "lint", "no-such-file.yaml"), 2),
    ],
)
def test_exit_codes(monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], expected: int) -> None:
    assert exit_code(monkeypatch, *arguments) == expected


def test_a_problem_found_exits_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    levels = tmp_path / "levels.yaml"
    levels.write_text("levels: []\n", "utf-8")
    assert exit_code(monkeypatch, "catalogue", "lint", "--levels", str(levels)) == 1


def test_a_bug_exits_3(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError

    monkeypatch.setattr(program, "build", lambda _asked: broken)
    assert exit_code(monkeypatch) == 3


def test_an_interruption_exits_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_path: Path, _lang: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("services.cli.checklist_command.profile_of", interrupted)
    assert exit_code(monkeypatch, "checklist", SURGEON) == 130


@pytest.mark.parametrize("name", program.COMMANDS)
def test_every_command_explains_itself_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert exit_code(monkeypatch, name, "--help") == 0
    assert f"shenbao {name}" in capsys.readouterr().out


def test_the_help_lists_every_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(monkeypatch, "--help") == 0
    told = capsys.readouterr().out
    assert [name for name in program.COMMANDS if f"│ {name} " not in told] == []


def test_checking_a_file_loads_no_server() -> None:
    command = "import sys; from services.cli.main import build; build('check'); print('sqlalchemy' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
