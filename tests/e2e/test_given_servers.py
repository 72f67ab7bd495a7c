"""Kafka, PostgreSQL and S3 are given by URL, as a team with a cluster has them. A trace goes through all of them; the
platform is backed up while it runs, and restored on another database, another bucket and other topics, where the
journey goes on.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.cli.databases import on_database
from services.cli.demo.client import Client, Data
from services.cli.embedded.folder import DataFolder
from services.cli.embedded.platform import DATABASE, Address, environment, service_url
from services.kernel.db.embedded import SUPERUSER
from services.kernel.db.roles import OWNER, SERVICES
from services.kernel.storage.s3.address import parse
from services.kernel.storage.s3.buckets import make_bucket
from services.kernel.storage.s3.client import Credentials, account, connect
from tests import small_dossier
from tests.e2e.conftest import WITHOUT_BACKGROUND, Platform, on_real_servers
from tests.e2e.test_backup import Churn, sent, told
from tests.e2e.test_tracing import (  # noqa: F401 - the trace's tests, on these servers
    collector,
    journey,
    test_a_job_says_which_it_is_and_how_it_ended,
    test_a_stranger_cannot_join_a_trace,
    test_every_parent_is_in_the_trace_and_one_span_has_none,
    test_it_begins_in_the_order_of_the_journey,
    test_log_lines_of_a_trace_name_it,
    test_nothing_personal_leaves,
    test_one_trace_holds_the_whole_journey,
)
from tests.otlp import Collector
from tests.servers import needed
from tools.stack.bucket import ROOT
from tools.stack.objects import BUCKET
from tools.stack.servers import Servers, drawn

pytestmark = [pytest.mark.xdist_group("tracing"), pytest.mark.timeout(300)]


#: The trace's dossier is another applicant's.
APPLICANT = "applicant-city"


@dataclass(frozen=True, kw_only=True)
class Given:
    """Servers that nobody of the stack started."""

    servers: Servers

    def database(self, service: str, name: str) -> str:
        """The URL of the owner (""), or of a service, for one database."""
        postgres, secrets = self.servers.postgres, self.servers.secrets
        assert postgres is not None
        owner = postgres.url(OWNER, secrets.passwords[OWNER], DATABASE)
        return on_database(service_url(secrets, postgres, service) if service else owner, name)

    @property
    def superuser(self) -> str:
        """For `--bootstrap`."""
        assert self.servers.postgres is not None
        return self.servers.postgres.url(SUPERUSER, self.servers.secrets.superuser, "postgres")

    def named(self, name: str) -> dict[str, str]:
        """What a platform is told of its own part of them: a database, a bucket that is there, a prefix of topics."""
        broker, objects = self.servers.broker, self.servers.objects
        assert broker is not None
        assert objects is not None
        return {
            "SHENBAO_DATABASE": self.database("", name),
            **{f"SHENBAO_{each.upper()}_DATABASE": self.database(each, name) for each in SERVICES},
            "SHENBAO_EVENTS": f"kafka://{broker.address}?prefix={name}.",
            "SHENBAO_OBJECTS": objects.url().replace(BUCKET, name, 1),
            "SHENBAO_OBJECTS_ACCESS_KEY": ROOT,
            "SHENBAO_OBJECTS_SECRET_KEY": self.servers.drawn.root_key,
        }

    def make_bucket(self, name: str) -> None:
        """Empty."""
        objects = self.servers.objects
        assert objects is not None
        root = Credentials(access_key=ROOT, secret_key=self.servers.drawn.root_key)
        with contextlib.closing(connect(account(root), parse(objects.url()), connections=1)) as client:
            make_bucket(client, name, origin="http://pages.test", versioned=False)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Given]:
    """The three servers, with roles and the schemas of the first platform."""
    for program in ("kafka", "versitygw"):
        needed(program)
    folder = DataFolder(tmp_path_factory.mktemp("given") / "servers")
    folder.make()
    known = drawn(folder)
    servers = Servers(
        folder=folder, public_url="http://pages.test", secrets=folder.secrets(), drawn=known,
        objects_port=known.ports["objects"],
    )  # fmt: skip
    try:
        asyncio.run(servers.start())
        yield Given(servers=servers)
    finally:
        servers.stop()


@pytest.fixture(scope="module")
def platform(
    given: Given,
    collector: Collector,  # noqa: F811 - it is that one
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Platform]:
    """Ten processes on them, which send spans."""
    told = {**given.named(DATABASE), "SHENBAO_OTLP": collector.address, **WITHOUT_BACKGROUND}
    with on_real_servers(tmp_path_factory.mktemp("first") / "data", **told) as running:
        yield running


def checked(person: Client, dossier: Data, item: str, folder: Path) -> Data:
    """The dossier once a page for the item was sent and has its verdict."""
    material = small_dossier.materials(dossier)[item]
    page = small_dossier.page(folder, item, seed=1)
    person.upload(dossier["dossier_id"], material["material_id"], small_dossier.COMPONENTS[item], page)
    return passed(person, dossier["dossier_id"], item)


def passed(person: Client, dossier_id: str, item: str) -> Data:
    return person.wait(
        dossier_id, lambda found: bool(small_dossier.materials(found)[item]["status"] == "passed"), deadline_s=60
    )


def test_nothing_is_started_beside_what_was_given(platform: Platform) -> None:
    there = {path.name for path in platform.folder.root.iterdir()}
    assert not there & {"kafka", "s3", "postgres", "pgdata"}
    assert "accounts.json" in there


def test_a_backup_of_them_goes_on_where_it_was_restored(
    given: Given, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = platform.client(APPLICANT)
    made = person.send("POST", "/api/v1/dossiers", json={"profile": small_dossier.PROFILE})
    dossier_id = made["dossier_id"]
    found = checked(person, made, "education", tmp_path)
    keys = environment(platform.folder, platform.folder.secrets(), Address(port=1))
    for name in ("SHENBAO_ENCRYPTION_KEYS", "SHENBAO_LOOKUP_KEY", "SHENBAO_AUDIT_KEY"):
        monkeypatch.setenv(name, keys[name])

    for name, value in given.named(DATABASE).items():
        monkeypatch.setenv(name, value)
    with Churn(platform.client(APPLICANT), made, small_dossier.page(tmp_path, "recommendation", seed=2)):
        taken = told("backup", tmp_path / "b.tar")
    assert taken["missing"] == []
    assert taken["objects"] >= 1

    given.make_bucket("restored")
    for name, value in given.named("restored").items():
        monkeypatch.setenv(name, value)
    done = told("restore", tmp_path / "b.tar", "--bootstrap", given.superuser)
    assert done["audit"]["verified"]

    second = tmp_path / "data"
    second.mkdir()
    for name in ("secrets.json", "accounts.json"):
        shutil.copy(platform.folder.root / name, second / name)
    with on_real_servers(second, **given.named("restored"), **WITHOUT_BACKGROUND) as restored:
        person = restored.client(APPLICANT)
        [(file_id, sha256)] = sent(found).items()
        assert sent(passed(person, dossier_id, "education")).items() >= {file_id: sha256}.items()
        request = person.send("GET", f"/api/v1/dossiers/{dossier_id}/files/{file_id}/download")
        assert person.download(request, tmp_path / "fetched") == sha256
        checked(person, person.dossier(dossier_id), "qualification", tmp_path)
