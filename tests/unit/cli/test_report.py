"""The JSON of the command line's contract, and the same as text for people."""

from dataclasses import replace

import pytest

from services.catalogue.findings import Finding
from services.cli.report import CheckReport, FileReport, finding_to_json

TOO_LONG = Finding(
    code="video.too-long", rule_id="M15-2d", measured=1260.0, limit=1200.5, unit="s", params={"over_s": "59.500"}
)
GOOD = FileReport(
    path="a.mp4",
    sha256="0" * 64,
    size_bytes=5,
    media_type="video/mp4",
    facts={"duration_s": 1260.0, "width": 1920, "audio_codec": None, "page_bytes": [1, 2], "encrypted": False},
    findings=(),
)
BAD = replace(GOOD, findings=(TOO_LONG,))


def test_json_has_the_keys_of_the_contract() -> None:
    told = CheckReport(catalogue="sichuan-2023", files=(BAD,)).to_json()
    assert told["catalogue"] == "sichuan-2023"
    file = BAD.to_json()
    assert list(file) == ["path", "sha256", "size_bytes", "media_type", "verdict", "facts", "findings"]
    finding = finding_to_json(TOO_LONG, "zh")
    assert file["findings"] == [finding]
    assert list(finding) == ["code", "level", "measured", "limit", "unit", "where", "rule", "message", "fix"]
    assert (finding["level"], finding["measured"], finding["limit"]) == ("block", 1260.0, 1200.5)


def test_one_blocking_file_fails_the_run() -> None:
    assert CheckReport(catalogue="c", files=(GOOD,)).exit_code == 0
    assert CheckReport(catalogue="c", files=(GOOD, BAD)).exit_code == 1


@pytest.mark.parametrize(
    ("lang", "words"), [("zh", ["不通过", "时长 21:00.00", "→"]), ("en", ["fail", "duration 21:00.00", "→"])]
)
def test_text_says_verdict_facts_and_what_to_do(lang: str, words: list[str]) -> None:
    text = BAD.to_text("en" if lang == "en" else "zh")
    assert all(word in text for word in words)
    assert "page_bytes" not in text
    assert "encrypted" not in text
