"""`shenbao check` on documents and pictures: dispatch by content, findings, exit codes, JSON and text."""

import hashlib
import json
import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from services.catalogue import load
from services.cli.check_command import check, is_video
from services.cli.local import look_at
from tests.assets import pdf_fixtures as made

app = typer.Typer()
app.command()(check)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def codes(path: Path, *arguments: str) -> list[str]:
    done = run(path, *arguments, "--json")
    told = json.loads(done.stdout)
    (file,) = told["files"]
    found = file["findings"]
    blocked = any(finding["level"] == "block" for finding in found)
    assert (done.exit_code, file["verdict"]) == ((1, "fail") if blocked else (0, "pass"))
    return [finding["code"] for finding in found]


def test_a_sound_pdf(tmp_path: Path) -> None:
    content = made.scanned_pdf(3)
    (tmp_path / "学历.pdf").write_bytes(content)
    done = run(tmp_path / "学历.pdf", "--item", "education", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert told["catalogue"] == "sichuan-2023"
    (file,) = told["files"]
    assert (file["verdict"], file["media_type"], file["findings"]) == ("pass", "application/pdf", [])
    assert (file["sha256"], file["size_bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    facts = file["facts"]
    assert (facts["pages"], len(facts["page_bytes"]), facts["largest_page_bytes"]) == (3, 3, max(facts["page_bytes"]))
    assert (facts["encrypted"], facts["signed"], facts["images_only"]) == (False, False, True)


@pytest.mark.parametrize(
    ("name", "content", "item", "expected"),
    [
        ("x.pdf", b"", "1", ["file.empty"]),
        ("x.pdf", made.html(), "1", ["pdf.not-pdf"]),
        ("x.pdf", made.html(), None, ["pdf.not-pdf"]),
        ("x.pdf", made.truncated(), "1", ["pdf.damaged"]),
        ("x.pdf", made.rotten_pdf(), "1", ["pdf.picture-damaged"]),
        ("x.jpg", made.rotten(made.scan_jpeg()), "1", ["image.damaged"]),
        ("x.pdf", made.no_pages(), "1", ["pdf.empty"]),
        ("x.pdf", made.encrypted(user="1"), "1", ["pdf.encrypted"]),
        ("x.pdf", made.encrypted(), "1", ["pdf.owner-restricted"]),
        ("x.pdf", made.page_of_bytes(made.PAGE_LIMIT), "1", []),
        ("x.pdf", made.page_of_bytes(made.PAGE_LIMIT + 1), "1", ["pdf.page-too-large"]),
        ("x.pdf", made.page_of_bytes(made.PAGE_LIMIT + 1), "15.1", ["pdf.page-too-large"]),
        ("x.pdf", made.item_of_bytes(made.ITEM_LIMIT), "1", []),
        ("x.pdf", made.item_of_bytes(made.ITEM_LIMIT + 1), "1", ["pdf.item-too-large"]),
        ("x.pdf", made.item_of_bytes(made.ITEM_LIMIT + 1), None, ["pdf.item-too-large"]),
        ("x.pdf", made.item_of_bytes(made.ITEM_LIMIT + 1), "15.1", []),
        ("x.pdf", made.item_of_bytes(made.ITEM_LIMIT + 1), "surgery_video_docs", []),
        ("x.pdf", made.scan_jpeg(), "1", ["file.type-mismatch"]),
        ("x.jpg", made.scanned_pdf(), "1", ["file.type-mismatch"]),
        ("x.mp4", made.scanned_pdf(), "1", ["file.type-mismatch"]),
        ("x.jpeg", made.photo_jpeg(), "1", []),
        ("X.PNG", made.png(), "1", []),
        ("x", made.scanned_pdf(), "1", []),
        ("x.jpg", made.scan_jpeg()[:-1000], "1", ["image.damaged"]),
        ("x", b"words", None, ["pdf.not-pdf"]),
        ("x.mp4", made.scanned_pdf(), None, ["video.not-mp4", "video.name-format"]),
        ("x.pdf", made.scanned_pdf(), "15.2a", ["video.not-mp4", "video.name-format"]),
    ],
)
def test_codes(name: str, content: bytes, item: str | None, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert codes(tmp_path / name, *(["--item", item] if item else [])) == expected


@pytest.mark.parametrize(
    ("name", "content", "item", "expected"),
    [
        ("x.pdf", b"\x00\x00\x00\x14ftypisom", None, False),
        ("x.mp4", b"%PDF-", None, True),
        ("x", b"\x00\x00\x00\x14ftypisom", None, True),
        ("x", b"%PDF-", None, False),
        ("x", b"", None, False),
        ("x.mp4", b"\x00\x00\x00\x14ftypisom", "education", False),
        ("x.pdf", b"%PDF-", "15.2a", True),
    ],
)
def test_the_expected_kind(name: str, content: bytes, item: str | None, *, expected: bool, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    chosen = None if item is None else load.default().item(item)
    assert is_video(look_at(tmp_path / name), chosen) is expected


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", ["✗ 不通过", "第 2 页", "不得超过 5.00 MB", "超出 1 字节"]),
        ("en", ["✗ fail", "Page 2", "at most 5.00 MB"]),
    ],
)
def test_text_says_found_allowed_and_what_to_do(lang: str, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "x.pdf").write_bytes(made.page_of_bytes(made.PAGE_LIMIT + 1))
    done = run(tmp_path / "x.pdf", "--lang", lang)
    assert done.exit_code == 1
    assert all(word in done.stdout for word in [*words, "→"])


def test_several_files_are_reported_in_order_and_one_that_blocks_decides(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(made.scanned_pdf())
    (tmp_path / "b.pdf").write_bytes(made.truncated())
    done = run(tmp_path / "a.pdf", tmp_path / "b.pdf", "--json")
    assert [file["verdict"] for file in json.loads(done.stdout)["files"]] == ["pass", "fail"]
    assert done.exit_code == 1


@pytest.mark.parametrize("bad", ["missing.pdf", "folder", "pipe"])
def test_a_path_that_is_no_file_is_wrong_usage(bad: str, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(made.scanned_pdf())
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    done = run(tmp_path / "a.pdf", tmp_path / bad, "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert bad in done.stderr


@pytest.mark.parametrize("arguments", [["--item", "99"], ["--lang", "fr"], ["--no-such-option"]])
def test_wrong_usage(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(made.scanned_pdf())
    assert run(tmp_path / "a.pdf", *arguments).exit_code == 2


def test_no_path_is_wrong_usage() -> None:
    assert run().exit_code == 2
