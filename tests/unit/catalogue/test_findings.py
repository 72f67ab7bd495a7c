"""Levels: the contract's table, worst first, and what they do to a verdict."""

import pytest

from services.catalogue.findings import LEVELS, WORST_FIRST, Finding, Level, verdict_of

#: `cli.md` fixes these; more may stand beside them.
CONTRACT = {
    "block": "file.empty file.type-mismatch file.hash-mismatch video.not-mp4 video.no-video-track video.too-long "
    "video.truncated video.damaged video.name-format video.name-mismatch video.id-number-invalid video.exceeds-disc "
    "pdf.not-pdf pdf.damaged pdf.empty pdf.encrypted pdf.page-too-large pdf.item-too-large pdf.too-complex pdf.xfa "
    "text.too-long",
    "warn": "video.duration-inconsistent video.opening-missing video.opening-mismatch video.low-resolution "
    "video.frozen video.black video.no-sound pdf.repaired pdf.active-content pdf.embedded-files pdf.low-resolution "
    "pdf.blurred pdf.blank-page pdf.no-colour pdf.no-seal pdf.upside-down pdf.duplicate-page pdf.name-mismatch",
    "checklist": "text.not-countable pdf.copy-suspected",
    "info": "pdf.signed pdf.owner-restricted",
}


@pytest.mark.parametrize("level", sorted(CONTRACT))
def test_the_contract_is_kept(level: str) -> None:
    assert {code: LEVELS[code].value for code in CONTRACT[level].split()} == dict.fromkeys(
        CONTRACT[level].split(), level
    )


def test_levels_are_ordered_worst_first() -> None:
    assert WORST_FIRST == (Level.BLOCK, Level.WARN, Level.CHECKLIST, Level.INFO)


@pytest.mark.parametrize("code", sorted(LEVELS))
def test_only_blocking_findings_fail_a_file(code: str) -> None:
    finding = Finding(code=code, rule_id="G-04")
    assert finding.blocks == (LEVELS[code] is Level.BLOCK)
    assert verdict_of((finding,)) == ("fail" if finding.blocks else "pass")


def test_nothing_found_passes() -> None:
    assert verdict_of(()) == "pass"
