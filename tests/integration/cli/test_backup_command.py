"""`shenbao backup` and `restore` on servers that the environment names, and wrong usage of both."""

import asyncio
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli.main import build
from services.kernel.db.roles import OWNER, SERVICES, role_of
from tests.cluster import Cluster

_NUMBERS = itertools.count(1)
Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*arguments: object, **settings: str) -> Result:
        with monkeypatch.context() as patched:
            for name, value in settings.items():
                patched.setenv(name, value)
            return CliRunner().invoke(build(str(arguments[0])), [str(each) for each in arguments])

    return call


def settings(cluster: Cluster, database: str, objects: Path) -> dict[str, str]:
    services = {f"SHENBAO_{name.upper()}_DATABASE": cluster.url(role_of(name), database) for name in SERVICES}
    return {"SHENBAO_DATABASE": cluster.url(OWNER, database), "SHENBAO_OBJECTS": objects.as_uri(), **services}


def test_servers_are_backed_up_and_restored(cluster: Cluster, run: Run, tmp_path: Path) -> None:
    source = settings(cluster, asyncio.run(cluster.fresh()), tmp_path / "one")
    made = run("backup", tmp_path / "b.tar", "--json", **source)
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["secrets"] is False
    target = settings(cluster, f"restored{next(_NUMBERS)}", tmp_path / "two")
    bootstrap = ["--bootstrap", cluster.superuser_url("postgres")]
    refused = run("restore", tmp_path / "b.tar", *bootstrap, SHENBAO_LOOKUP_KEY="other" * 10, **target)
    assert refused.exit_code == 2
    assert "backup.wrong-secrets" in refused.stderr
    done = run("restore", tmp_path / "b.tar", *bootstrap, "--json", **target)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["audit"] == {"entries": 0, "verified": True, "breaks": []}
    again = run("restore", tmp_path / "b.tar", **target)
    assert again.exit_code == 2
    assert "backup.target-not-empty" in again.stderr
    assert run("restore", tmp_path / "b.tar", "--resume", **target).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("backup", "{}/b", "--data", "{}/nothing"), "backup.no-platform"),
        (("backup", "--verify", "{}/nothing"), "backup.not-one"),
        (("backup", "--verify", "{}/nothing", "--with-secrets"), "--verify"),
        (("restore", "{}/nothing", "--data", "{}/new"), "backup.not-one"),
        (("restore", "{}/nothing", "--data", "{}/new", "--resume"), "--resume"),
        (("restore", "{}/nothing", "--data", "{}/new", "--bootstrap", "x"), "--bootstrap"),
    ],
)
def test_wrong_usage_ends_with_2_and_makes_nothing(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    result = run(*(each.format(tmp_path) for each in arguments))
    assert result.exit_code == 2
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_backup_overwrites_nothing_and_wants_a_database(cluster: Cluster, run: Run, tmp_path: Path) -> None:
    source = settings(cluster, asyncio.run(cluster.fresh()), tmp_path / "one")
    (tmp_path / "b").mkdir()
    refused = run("backup", tmp_path / "b", **source)
    assert refused.exit_code == 2
    assert "backup.target-exists" in refused.stderr
    away = {**source, "SHENBAO_DATABASE": "postgresql+asyncpg://a:b@127.0.0.1:1/d"}
    refused = run("backup", tmp_path / "c", **away)
    assert refused.exit_code == 2
    assert "database.unreachable" in refused.stderr
    assert sorted(each.name for each in tmp_path.iterdir()) == ["b", "one"]
