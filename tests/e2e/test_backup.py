"""A backup of a running platform in the middle of a journey; the journey goes on to its end where it was restored."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from services.cli.demo.client import Client, Data
from tests import small_dossier
from tests.e2e.conftest import WITHOUT_BACKGROUND, Platform, started

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(300), pytest.mark.slow]
#: What the applicant has sent before the backup is made; the rest follows on the restored platform.
BEFORE = ("education", "qualification", "appointment")


def shenbao(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "services.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ})


def told(*arguments: object) -> dict[str, Any]:
    done = shenbao(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def sent(dossier: Data) -> dict[str, str]:
    """File id → SHA-256."""
    return {file["file_id"]: file["sha256"] for material in dossier["materials"] for file in material["files"]}


def verified_before(dossier: Data) -> bool:
    """Whether what is sent before the backup is there with its hashes."""
    found = sent(dossier).values()
    return len(found) == len(BEFORE) and all(found)


class Churn:
    """Somebody who sends and deletes files, over and over, until the block ends."""

    def __init__(self, person: Client, dossier: Data, path: Path) -> None:
        self._person, self._dossier, self._path = person, dossier, path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.begun = threading.Event()

    def _run(self) -> None:
        dossier_id = self._dossier["dossier_id"]
        material = small_dossier.materials(self._dossier)["recommendation"]["material_id"]
        while not self._stop.is_set():
            component = small_dossier.COMPONENTS["recommendation"]
            self._person.upload(dossier_id, material, component, self._path)
            for file in small_dossier.materials(self._person.dossier(dossier_id))["recommendation"]["files"]:
                self._person.send("DELETE", f"/api/v1/dossiers/{dossier_id}/files/{file['file_id']}")
            self.begun.set()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self.begun.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Platform, Data, dict[str, Path], Path]]:
    """A platform with half a dossier, the files of the whole, and a folder for backups."""
    folder = tmp_path_factory.mktemp("backup")
    with started(folder / "data", **WITHOUT_BACKGROUND) as platform:
        person = platform.client("applicant")
        dossier = person.send("POST", "/api/v1/dossiers", json={"profile": small_dossier.PROFILE})
        (folder / "files").mkdir()
        owed = small_dossier.owed(folder / "files")
        for item in BEFORE:
            material = small_dossier.materials(dossier)[item]
            person.upload(dossier["dossier_id"], material["material_id"], small_dossier.COMPONENTS[item], owed[item])
        yield platform, dossier, owed, folder


def test_the_journey_ends_where_it_was_restored(journey: tuple[Platform, Data, dict[str, Path], Path]) -> None:
    platform, dossier, owed, folder = journey
    person, dossier_id = platform.client("applicant"), dossier["dossier_id"]
    kept = sent(person.wait(dossier_id, verified_before, deadline_s=60))
    with Churn(platform.client("applicant"), dossier, owed["recommendation"]):
        made = told("backup", folder / "b.tar", "--data", platform.folder.root, "--with-secrets")
    assert made["missing"] == []
    assert told("backup", "--verify", folder / "b.tar")["objects"] == made["objects"] >= len(BEFORE)
    done = told("restore", folder / "b.tar", "--data", folder / "restored")
    assert done["audit"]["verified"]
    assert done["audit"]["entries"] > 0
    with started(folder / "restored", **WITHOUT_BACKGROUND) as restored:
        assert restored.passwords == platform.passwords
        applicant = restored.client("applicant")
        assert kept.items() <= sent(applicant.dossier(dossier_id)).items()
        for file_id, sha256 in kept.items():
            request = applicant.send("GET", f"/api/v1/dossiers/{dossier_id}/files/{file_id}/download")
            assert applicant.download(request, folder / "fetched") == sha256
        small_dossier.fill(applicant, applicant.dossier(dossier_id), owed)
        small_dossier.submit(applicant, dossier_id)
        for level in ("unit", "county", "city", "province"):
            reviewer = restored.client(level)
            for material in reviewer.dossier(dossier_id)["materials"]:
                small_dossier.confirm(reviewer, dossier_id, material)
            small_dossier.forward(reviewer, dossier_id)
        assert applicant.dossier(dossier_id)["state"] == "accepted"
        verified = applicant.send("GET", f"/api/v1/dossiers/{dossier_id}/audit/verification")
        assert verified["verified"]
        assert verified["entries"] > done["audit"]["entries"]


def test_without_the_keys_nothing_is_restored_and_with_them_all(
    journey: tuple[Platform, Data, dict[str, Path], Path], tmp_path: Path
) -> None:
    platform, _, _, _ = journey
    told("backup", tmp_path / "b", "--data", platform.folder.root)
    text = b"".join(path.read_bytes() for path in (tmp_path / "b").rglob("*") if path.is_file())
    drawn = platform.folder.secrets()
    for secret in (drawn.encryption, drawn.lookup, drawn.audit, drawn.superuser, *drawn.passwords.values()):
        assert secret.encode() not in text
    refused = shenbao("restore", tmp_path / "b", "--data", tmp_path / "new", "--lang", "en")
    assert refused.returncode == 2
    assert "secrets.json" in refused.stderr
    assert not (tmp_path / "new").exists()
    secrets = platform.folder.root / "secrets.json"
    assert told("restore", tmp_path / "b", "--data", tmp_path / "new", "--secrets", secrets)["audit"]["verified"]
    assert json.loads((tmp_path / "new" / "accounts.json").read_text())["accounts"] == []
    assert (tmp_path / "new" / "secrets.json").stat().st_mode & 0o077 == 0
    audit = shenbao("audit", "verify", "--data", tmp_path / "new", "--json")
    assert json.loads(audit.stdout)["entries"] > 0
    again = shenbao("restore", tmp_path / "b", "--data", tmp_path / "new", "--secrets", secrets)
    assert again.returncode == 2
    assert "backup.target-not-empty" in again.stderr


def test_an_altered_one_is_refused_before_anything_is_made(
    journey: tuple[Platform, Data, dict[str, Path], Path], tmp_path: Path
) -> None:
    platform, _, _, _ = journey
    told("backup", tmp_path / "b", "--data", platform.folder.root, "--with-secrets")
    assert (tmp_path / "b" / "secrets.json").stat().st_mode & 0o077 == 0
    victim = next((tmp_path / "b" / "objects").rglob("0000*0"))
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    for command in (["backup", "--verify"], ["restore", "--data", tmp_path / "new"]):
        refused = shenbao(command[0], tmp_path / "b", *command[1:])
        assert refused.returncode == 2
        assert victim.relative_to(tmp_path / "b").as_posix() in refused.stderr
        assert hashlib.sha256(content).hexdigest() in refused.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["b"]
