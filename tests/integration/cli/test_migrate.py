"""`shenbao migrate` on a server: makes what is not there, says where each schema is, refuses with a reason."""

import asyncio
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from typer.testing import CliRunner, Result

from services.cli.main import build
from services.kernel.db.migrate import head, migrate
from services.kernel.db.roles import OWNER, SCHEMAS, SERVICES, role_of
from tests.cluster import Cluster

_NUMBERS = itertools.count(1)
Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command with settings of the environment."""

    def call(*arguments: str, **settings: str) -> Result:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(build("migrate"), ["migrate", *arguments])

    return call


def settings(cluster: Cluster, database: str) -> dict[str, str]:
    """As an operator sets them."""
    services = {f"SHENBAO_{name.upper()}_DATABASE": cluster.url(role_of(name), database) for name in SERVICES}
    return {"SHENBAO_DATABASE": cluster.url(OWNER, database), **services}


def execute(url: str, statement: str) -> None:
    async def go() -> None:
        engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                await connection.execute(text(statement))
        finally:
            await engine.dispose()

    asyncio.run(go())


@pytest.fixture
def fresh(cluster: Cluster) -> str:
    """A migrated database, for a test without an event loop."""
    return asyncio.run(cluster.fresh())


def told(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_new_database_is_made_and_migrated_and_a_second_time_nothing_changes(cluster: Cluster, run: Run) -> None:
    name = f"made{next(_NUMBERS)}"
    superuser = cluster.superuser_url("postgres")
    environment = settings(cluster, name)
    for arguments in (["--bootstrap", superuser, "--json"], ["--json"], ["--check", "--json"]):
        result = run(*arguments, **environment)
        assert result.exit_code == 0, result.output
        answer = told(result)
        assert answer["current"]
        assert [(each["schema"], each["found"]) for each in answer["schemas"]] == [(s, head(s)) for s in SCHEMAS]


def test_check_says_what_is_behind_and_changes_nothing(cluster: Cluster, fresh: str, run: Run) -> None:
    environment = settings(cluster, fresh)
    asyncio.run(migrate(environment["SHENBAO_DATABASE"], ["review"], target="review_0001"))
    asyncio.run(migrate(environment["SHENBAO_DATABASE"], ["video"], target="base"))
    for _ in range(2):
        result = run("--check", "--json", **environment)
        assert result.exit_code == 1
        found = {each["schema"]: (each["found"], each["state"]) for each in told(result)["schemas"]}
        assert found["review"] == ("review_0001", "behind")
        assert found["video"] == (None, "behind")
        assert found["upload"] == (head("upload"), "current")
    shown = run("--check", "--lang", "en", **environment)
    assert "review_0001" in shown.stdout
    assert "behind" in shown.stdout


def test_one_schema_goes_down_and_up(cluster: Cluster, fresh: str, run: Run) -> None:
    environment = settings(cluster, fresh)
    down = run("--schema", "review", "--to", "review_0001", "--json", **environment)
    assert down.exit_code == 0, down.output
    assert [(each["schema"], each["found"]) for each in told(down)["schemas"]] == [("review", "review_0001")]
    assert run("--schema", "review", **environment).exit_code == 0
    assert run("--check", **environment).exit_code == 0


def test_a_service_with_a_database_of_its_own(cluster: Cluster, fresh: str, run: Run) -> None:
    name = f"own{next(_NUMBERS)}"
    environment = settings(cluster, fresh)
    environment["SHENBAO_VIDEO_OWNER_DATABASE"] = cluster.url(OWNER, name)
    result = run("--bootstrap", cluster.superuser_url("postgres"), "--json", **environment)
    assert result.exit_code == 0, result.output
    assert told(result)["current"]
    execute(cluster.url(role_of("video"), name), "SELECT 1 FROM video.jobs")
    with pytest.raises(Exception, match="does not exist"):
        execute(cluster.url(OWNER, name), "SELECT 1 FROM upload.jobs")


@pytest.mark.parametrize(
    ("role", "database", "code"),
    [
        ("shenbao_upload", "fresh", "database.not-owner"),
        (OWNER, "no_such_database", "database.refused"),
        ("nobody_known", "fresh", "database.refused"),
        (OWNER, "postgres", "database.no-schema"),
    ],
)
def test_a_wrong_account_or_database_is_refused(
    cluster: Cluster, fresh: str, run: Run, role: str, database: str, code: str
) -> None:
    url = cluster.url(role, fresh if database == "fresh" else database)
    result = run(SHENBAO_DATABASE=url)
    assert result.exit_code == 2
    assert code in result.stderr
    assert "for-tests-only" not in result.output


def test_a_newer_schema_is_left_alone(cluster: Cluster, fresh: str, run: Run) -> None:
    environment = settings(cluster, fresh)
    execute(environment["SHENBAO_DATABASE"], "UPDATE upload.alembic_version SET version_num = 'upload_9999'")
    checked = run("--check", "--json", **environment)
    assert checked.exit_code == 1
    assert {each["state"] for each in told(checked)["schemas"] if each["schema"] == "upload"} == {"unknown"}
    refused = run(**environment)
    assert refused.exit_code == 2
    assert "database.unknown-revision" in refused.stderr


def test_a_database_in_another_encoding_is_refused(cluster: Cluster, run: Run) -> None:
    name = f"ascii{next(_NUMBERS)}"
    superuser = cluster.superuser_url("postgres")
    execute(superuser, f"CREATE DATABASE {name} OWNER {OWNER} ENCODING SQL_ASCII TEMPLATE template0")
    result = run(SHENBAO_DATABASE=cluster.url(OWNER, name))
    assert result.exit_code == 2
    assert "database.wrong-encoding" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        ([], {}, "settings.missing"),
        ([], {"SHENBAO_DATABASE": "mysql://root@h/d"}, "settings.bad-database-url"),
        ([], {"SHENBAO_DATABASE": "not a url"}, "settings.bad-database-url"),
        ([], {"SHENBAO_DATABASE": "postgresql+asyncpg://a:b@127.0.0.1:1/d"}, "database.unreachable"),
        (["--to", "review_0001"], {}, "--schema"),
        (["--schema", "nothing"], {}, "nothing"),
        (["--check", "--bootstrap", "x"], {}, "--check"),
        (["--bootstrap", "x"], {"SHENBAO_DATABASE": "postgresql+asyncpg://a:b@h/d"}, "settings.bad-database-url"),
    ],
)
def test_wrong_usage_says_what_is_wrong(run: Run, arguments: list[str], environment: dict[str, str], said: str) -> None:
    result = run(*arguments, **environment)
    assert result.exit_code == 2
    assert said in result.stderr


def test_the_roles_have_fixed_names_and_need_passwords(cluster: Cluster, fresh: str, run: Run) -> None:
    environment = settings(cluster, fresh)
    environment["SHENBAO_UPLOAD_DATABASE"] = cluster.url(role_of("video"), fresh)
    result = run("--bootstrap", cluster.superuser_url("postgres"), **environment)
    assert result.exit_code == 2
    assert "settings.wrong-role" in result.stderr
    assert "shenbao_upload" in result.stderr
