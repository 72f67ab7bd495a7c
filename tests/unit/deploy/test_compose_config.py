"""Docker Compose's own reader takes the file with the secrets of `make-env.sh`; services take what they are told."""

import base64
import json
import os
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from services.kernel.config import ServiceSettings
from services.kernel.events.kafka.connection import Security, cluster_of
from services.kernel.storage.s3.address import parse
from tests.servers import needed
from tests.unit.deploy.compose import FILE, drawn
from tests.unit.deploy.test_compose import PLATFORM, SETTINGS, service_of

SECURITY = Security(
    protocol="PLAINTEXT", mechanism="", user="", password="", ca_file="", certificate_file="", key_file=""
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compose file with an `.env` of its own."""
    made = tmp_path_factory.mktemp("repository") / "deploy" / "compose"
    made.mkdir(parents=True)
    drawn(made)
    (made / FILE.name).write_bytes(FILE.read_bytes())
    return made


def resolve(file: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [needed("compose-config"), file], capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]}
    )


@pytest.fixture(scope="module")
def resolved(folder: Path) -> Mapping[str, Any]:
    """What Docker Compose would work from."""
    told = resolve(folder / FILE.name)
    assert told.returncode == 0, told.stderr
    content: dict[str, Any] = json.loads(told.stdout)
    return content


def environment(resolved: Mapping[str, Any], name: str) -> Mapping[str, str]:
    found: dict[str, str] = resolved["services"][name]["environment"]
    return found


@pytest.mark.parametrize("name", PLATFORM)
def test_a_service_takes_what_it_is_told(
    resolved: Mapping[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in os.environ:
        if key.startswith("SHENBAO_"):
            monkeypatch.delenv(key)
    for key, value in environment(resolved, name).items():
        monkeypatch.setenv(key, value)
    settings: ServiceSettings = SETTINGS[service_of(name)]()
    assert settings.mode == "production"
    assert settings.stages == ()
    assert settings.database.endswith("@postgres:5432/shenbao")
    assert settings.token_ring()
    address = parse(settings.objects)
    assert (address.endpoint, address.public_endpoint) == ("http://objects:7070", "http://127.0.0.1:8081")
    assert list(cluster_of(settings.events, SECURITY).servers) == ["kafka:9092"]


def test_browsers_are_sent_where_a_port_is_published(resolved: Mapping[str, Any]) -> None:
    published = {
        name: f"http://{port['host_ip']}:{port['published']}"
        for name in ("gateway", "objects")
        for port in resolved["services"][name]["ports"]
    }
    told = environment(resolved, "gateway")
    assert published["gateway"] == told["SHENBAO_PUBLIC_URL"]
    assert published["objects"] == parse(told["SHENBAO_OBJECTS"]).public_endpoint


def test_the_older_docker_compose_of_debian_takes_it_as_well(folder: Path) -> None:
    command = [str(needed("docker-compose")), "-f", str(folder / FILE.name), "config", "--services"]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert set(told.stdout.split()) >= set(PLATFORM)


def test_without_secrets_nothing_starts(tmp_path: Path) -> None:
    (tmp_path / FILE.name).write_bytes(FILE.read_bytes())
    told = resolve(tmp_path / FILE.name)
    assert told.returncode == 1
    assert "is missing a value: see README.md" in told.stderr


def test_the_reader_refuses_what_docker_compose_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("name: wrong\nservices:\n  a: {image: b, memory: 1g}\n")
    told = resolve(tmp_path / "wrong.yaml")
    assert told.returncode == 1
    assert "memory" in told.stderr


def test_secrets_are_drawn_for_their_owner_only_each_its_own(tmp_path: Path) -> None:
    first = drawn(tmp_path)
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    secrets = {name: value for name, value in first.items() if not name.endswith(("_URL", "_PROJECT_NAME"))}
    assert len(set(secrets.values())) == len(secrets)
    assert all(len(value) >= 32 for value in secrets.values())
    assert len(base64.b64decode(first["ENCRYPTION_KEY"], validate=True)) == 32
    assert sorted(each.name for each in tmp_path.iterdir()) == [".env", "make-env.sh"]


def test_secrets_are_never_drawn_a_second_time(tmp_path: Path) -> None:
    drawn(tmp_path)
    before = (tmp_path / ".env").read_bytes()
    again = subprocess.run(["sh", tmp_path / "make-env.sh"], capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "kept" in again.stderr
    assert (tmp_path / ".env").read_bytes() == before
