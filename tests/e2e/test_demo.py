"""The whole journey, told by `shenbao demo --json` and checked with other people's programs (qpdf, 7-Zip)."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.catalogue import load
from services.catalogue.checklist import checklist
from services.cli.demo import sample
from tests import stack
from tests.e2e.conftest import WITHOUT_BACKGROUND
from tests.servers import needed

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(300)]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module", params=["embedded", "real servers"])
def facts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of a journey through one process tree on embedded defaults, and of one through ten processes on real servers."""
    folder = tmp_path_factory.mktemp("demo")
    if request.param == "embedded":
        return told(folder, "--data", str(folder / "data"), **WITHOUT_BACKGROUND)
    with stack.in_background(folder / "data", **WITHOUT_BACKGROUND) as running:
        return told(folder, "--url", running.url, "--accounts", str(running.accounts))


def told(folder: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.e2e.checked_demo", str(folder), "demo", "--json", *arguments]
    surroundings = {**os.environ, **environment, "TMPDIR": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=surroundings)
    assert done.returncode == 0, done.stderr[-3000:]
    facts: dict[str, Any] = json.loads(done.stdout)
    return {**facts, "routes": (folder / "routes").read_text().splitlines()}


def test_every_owed_item_is_accepted_with_passing_files(facts: dict[str, Any]) -> None:
    owed = sorted(entry.item.number for entry in checklist(load.default(), sample.profile()).entries)
    assert sorted(material["item"] for material in facts["materials"]) == owed
    assert {material["status"] for material in facts["materials"]} == {"accepted"}
    assert all(file["verdict"] == "pass" for material in facts["materials"] for file in material["files"])


def test_the_merged_pdf_is_sound_and_has_a_bookmark_per_component(facts: dict[str, Any]) -> None:
    path = Path(facts["merged_pdf"]["path"])
    assert sha256(path) == facts["merged_pdf"]["sha256"]
    done = subprocess.run([needed("qpdf"), "--check", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    case = next(e for e in checklist(load.default(), sample.profile()).entries if e.item.id == "clinical_case")
    assert facts["merged_pdf"]["bookmarks"] == [owed.component.zh for owed in case.components if owed.due]


@pytest.mark.parametrize("view", ["iso", "udf"])
def test_seven_zip_finds_the_untouched_video_on_the_disc(facts: dict[str, Any], view: str, tmp_path: Path) -> None:
    disc = facts["disc_image"]
    assert sha256(Path(disc["path"])) == disc["sha256"]
    command = [needed("7z"), "x", f"-t{view}", disc["path"], f"-o{tmp_path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, done.stdout + done.stderr
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in found] == [disc["file"]]
    assert sha256(found[0]) == disc["file_sha256"]
    video = next(m for m in facts["materials"] if m["item"] == "15.2a")
    assert video["files"][0]["sha256"] == disc["file_sha256"]


def test_four_levels_signed_and_the_audit_chain_is_whole(facts: dict[str, Any]) -> None:
    assert [level["level"] for level in facts["levels"]] == ["unit", "county", "city", "province"]
    assert [level["decision"] for level in facts["levels"]] == ["forwarded", "forwarded", "forwarded", "accepted"]
    assert facts["audit"]["verified"]
    assert facts["audit"]["entries"] > len(facts["materials"]) * 4


def test_every_answer_on_the_way_was_as_the_openapi_document_says(facts: dict[str, Any]) -> None:
    """The checks are made while it runs; here is what they covered: all that applicants and reviewers read."""
    assert {route for route in facts["routes"] if route.startswith("GET")} == {
        f"GET /api/v1/{path}"
        for path in (
            "dossiers",
            "dossiers/{dossier_id}",
            "dossiers/{dossier_id}/audit",
            "dossiers/{dossier_id}/audit/verification",
            "dossiers/{dossier_id}/changes",
            "dossiers/{dossier_id}/checklist",
            "dossiers/{dossier_id}/files/{file_id}",
            "dossiers/{dossier_id}/files/{file_id}/disc",
            "dossiers/{dossier_id}/files/{file_id}/download",
            "dossiers/{dossier_id}/files/{file_id}/look",
            "dossiers/{dossier_id}/files/{file_id}/opening",
            "dossiers/{dossier_id}/files/{file_id}/report",
            "dossiers/{dossier_id}/files/{file_id}/sheet",
            "dossiers/{dossier_id}/materials/{material_id}/merged",
            "dossiers/{dossier_id}/profile",
            "organisations",
            "session",
        )
    }
