"""`shenbao checklist`: the list for people and as JSON, and what is said of a profile that is wrong."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from services.cli.checklist_command import checklist

SURGEON = Path(__file__).parents[2] / "assets" / "profile-surgeon.yaml"
app = typer.Typer()
app.command()(checklist)


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def changed(tmp_path: Path, old: str, new: str) -> str:
    text = SURGEON.read_text("utf-8")
    assert old in text
    path = tmp_path / "profile.yaml"
    path.write_text(text.replace(old, new), "utf-8")
    return str(path)


def test_json_is_the_only_output() -> None:
    code, out, _ = run(str(SURGEON), "--json")
    data = json.loads(out)
    assert code == 0
    assert data["may_apply"] is True
    assert [entry["number"] for entry in data["items"]][-3:] == ["15.1", "15.2a", "15.2b"]
    assert {"paper_review_form", "paper_disc"} <= {line["id"] for line in data["paper"]}


@pytest.mark.parametrize(("lang", "word"), [("zh", "手术视频（光盘）"), ("en", "Surgery video (disc)")])
def test_text_in_either_language(lang: str, word: str) -> None:
    code, out, _ = run(str(SURGEON), "--lang", lang)
    assert code == 0
    assert word in out
    assert "M15-2d" in out


def test_the_id_number_is_not_printed() -> None:
    for arguments in ((), ("--json",)):
        _, out, err = run(str(SURGEON), *arguments)
        assert "510199197802141016" not in out + err


def test_who_may_not_apply_here_is_told_and_exits_1(tmp_path: Path) -> None:
    path = changed(tmp_path, "target_level: 正高级", "target_level: 副高级")
    code, out, _ = run(path)
    assert code == 1
    assert "G-01" in out
    code, out, _ = run(path, "--json")
    assert (code, json.loads(out)["may_apply"]) == (1, False)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("category: 医疗类", "category: 医疗", ":6: category: "),
        ("department:", "departement:", ":11: departement: 没有这个项目"),
        ('"510199197802141016"', '"510199197802141017"', ":4: id_number: 身份证号末位与前 17 位不符"),
        ("  clinical_case:", "  clinical_cases:", "answers.clinical_cases: 目录中没有这个项目"),
        ("{path: certificate}", "{path: certificat}", "answers.advanced_study[0].path: 不在可选范围内"),
    ],
)
def test_a_wrong_profile_is_refused_with_its_lines(tmp_path: Path, old: str, new: str, expected: str) -> None:
    code, out, err = run(changed(tmp_path, old, new))
    assert (code, out) == (2, "")
    assert expected in err
    assert "51019919780214101" not in err


def test_unreadable_paths_and_wrong_usage_exit_2(tmp_path: Path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    for arguments in (
        (str(tmp_path / "missing.yaml"),),
        (str(tmp_path),),
        (str(binary),),
        (str(SURGEON), "--lang", "fr"),
        (),
    ):
        assert run(*arguments)[0] == 2
