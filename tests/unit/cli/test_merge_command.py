"""`shenbao merge` writes the whole result or nothing, and names the part to blame."""

import hashlib
import json
import os
from pathlib import Path

import pikepdf
import pytest
import typer
from typer.testing import CliRunner, Result

from services.cli.merge_command import merge
from tests.assets import pdf_fixtures as made

app = typer.Typer()
app.command()(merge)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "正面.pdf").write_bytes(made.scanned_pdf(2))
    (tmp_path / "反面.jpg").write_bytes(made.photo_jpeg())
    return tmp_path


def test_parts_become_one_pdf_with_a_bookmark_each(folder: Path) -> None:
    out = folder / "out.pdf"
    done = run(folder / "正面.pdf", folder / "反面.jpg", "-o", out, "--title", "学历证书", "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["verdict"] == "pass"
    assert told["catalogue"] == "sichuan-2023"
    assert told["output"]["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert [mark["title"] for mark in told["output"]["bookmarks"]] == ["学历证书", "反面"]
    assert told["output"]["page_map"][2] == {"part": 2, "page": 1}
    assert told["parts"][1]["media_type"] == "image/jpeg"
    with pikepdf.open(out) as pdf:
        assert pdf.check_pdf_syntax() == []
        assert len(pdf.pages) == 3
    assert sorted(path.name for path in folder.iterdir()) == ["out.pdf", "反面.jpg", "正面.pdf"]


def test_the_same_parts_give_the_same_file(folder: Path) -> None:
    for name in ("one.pdf", "two.pdf"):
        assert run(folder / "正面.pdf", folder / "反面.jpg", "-o", folder / name).exit_code == 0
    assert (folder / "one.pdf").read_bytes() == (folder / "two.pdf").read_bytes()


def test_a_page_over_the_limit_is_named_and_nothing_is_written(folder: Path) -> None:
    (folder / "big.pdf").write_bytes(made.page_of_bytes(made.PAGE_LIMIT + 1))
    done = run(folder / "正面.pdf", folder / "big.pdf", "-o", folder / "out.pdf", "--json", "--lang", "en")
    told = json.loads(done.stdout)
    assert done.exit_code == 1
    assert told["output"] is None
    (finding,) = told["findings"]
    assert (finding["code"], finding["part"], finding["where"]) == ("pdf.page-too-large", 2, "page 2")
    assert "1 bytes too much" in finding["message"]
    assert not list(folder.glob("out*"))
    assert not list(folder.glob(".shenbao*"))


def test_a_page_at_the_limit_passes(folder: Path) -> None:
    (folder / "full.pdf").write_bytes(made.page_of_bytes(made.PAGE_LIMIT))
    assert run(folder / "full.pdf", "-o", folder / "out.pdf").exit_code == 0


def test_a_total_over_the_limit_leaves_what_was_there(folder: Path) -> None:
    (folder / "item.pdf").write_bytes(made.item_of_bytes(made.ITEM_LIMIT))
    (folder / "out.pdf").write_bytes(b"earlier")
    done = run(folder / "正面.pdf", folder / "item.pdf", "-o", folder / "out.pdf", "--item", "1")
    assert done.exit_code == 1
    assert "item.pdf" in done.stdout
    assert "pdf.item-too-large" in done.stdout
    assert (folder / "out.pdf").read_bytes() == b"earlier"


def test_records_have_no_total(folder: Path) -> None:
    (folder / "item.pdf").write_bytes(made.item_of_bytes(made.ITEM_LIMIT))
    arguments = (folder / "正面.pdf", folder / "item.pdf", "-o", folder / "out.pdf", "--item", "15.1")
    assert run(*arguments).exit_code == 0


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("x.pdf", b"", "file.empty"),
        ("x.pdf", made.html(), "pdf.not-pdf"),
        ("x.pdf", made.truncated(), "pdf.damaged"),
        ("x.pdf", made.encrypted(user="1"), "pdf.encrypted"),
        ("x.jpg", made.scan_jpeg()[:-1000], "image.damaged"),
        ("x.pdf", made.no_pages(), "pdf.empty"),
        ("x.pdf", made.xfa(), "pdf.xfa"),
    ],
)
def test_a_part_that_blocks_is_named(name: str, content: bytes, code: str, folder: Path) -> None:
    (folder / name).write_bytes(content)
    done = run(folder / "正面.pdf", folder / name, "-o", folder / "out.pdf", "--json")
    assert done.exit_code == 1
    assert [(finding["code"], finding["part"]) for finding in json.loads(done.stdout)["findings"]] == [(code, 2)]
    assert not (folder / "out.pdf").exists()


@pytest.mark.parametrize("bad", ["missing.pdf", "sub", "pipe"])
def test_a_path_that_is_no_file_is_wrong_usage(bad: str, folder: Path) -> None:
    (folder / "sub").mkdir()
    os.mkfifo(folder / "pipe")
    done = run(folder / "正面.pdf", folder / bad, "-o", folder / "out.pdf", "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert bad in done.stderr
    assert not (folder / "out.pdf").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["-o", "正面.pdf"],
        ["-o", "nowhere/out.pdf"],
        ["-o", "."],
        ["-o", "out.pdf", "--title", "a", "--title", "b"],
        ["-o", "out.pdf", "--item", "99"],
        ["-o", "out.pdf", "--item", "15.2a"],
        ["-o", "out.pdf", "--lang", "fr"],
        [],
    ],
)
def test_wrong_usage(arguments: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    before = (folder / "正面.pdf").read_bytes()
    assert run("正面.pdf", *arguments).exit_code == 2
    assert (folder / "正面.pdf").read_bytes() == before
    assert not (folder / "out.pdf").exists()


def test_no_part_is_wrong_usage(folder: Path) -> None:
    assert run("-o", folder / "out.pdf").exit_code == 2
