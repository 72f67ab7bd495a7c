"""The real server, started over what crashes, other versions and other people leave behind."""

import importlib.util
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from services.kernel.db import embedded
from services.kernel.db.embedded import EmbeddedPostgres, PostgresFailed, binary
from services.kernel.db.run_as import NAMESPACE, Identity

PASSWORD = "for-tests-only"
DEADLINE_S = 60
#: Starts a server, says its process id, and is then killed without a chance to stop it.
HOLDER = """
import sys, signal
from pathlib import Path
from services.kernel.db.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), sys.argv[2])
server.start()
print("started", flush=True)
signal.pause()
"""
pytestmark = pytest.mark.timeout(180)


async def ask(server: EmbeddedPostgres, statement: str) -> object:
    """One value of one statement, or None where there is no row."""
    engine = create_async_engine(server.superuser_url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            answer = await connection.execute(text(statement))
            return answer.scalar() if answer.returns_rows else None
    finally:
        await engine.dispose()


def server_of(folder: Path) -> psutil.Process:
    return psutil.Process(int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0]))


@contextmanager
def orphan(folder: Path) -> Iterator[psutil.Process]:
    """A server on the cluster of `folder` that nobody holds any more."""
    prefix = NAMESPACE if os.geteuid() == 0 else ()
    command = [*prefix, str(binary("postgres")), "-D", str(folder / "postgres"), "-k", str(folder / "run")]
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert started.stderr is not None
    try:
        status = folder / "postgres" / "postmaster.pid"
        while started.poll() is None and not (status.exists() and "ready" in status.read_text()):
            os.sched_yield()
        assert started.poll() is None, started.stderr.read()
        yield psutil.Process(started.pid)
    finally:
        started.kill()
        started.communicate(timeout=DEADLINE_S)


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose server was stopped in order."""
    folder = tmp_path_factory.mktemp("made")
    with EmbeddedPostgres(folder, PASSWORD):
        pass
    return folder


@pytest.fixture
def folder(_made: Path) -> Path:
    """The same one for every test; each leaves it startable, which is what they prove."""
    return _made


async def test_what_was_committed_is_there_again(folder: Path) -> None:
    with EmbeddedPostgres(folder, PASSWORD) as server:
        await ask(server, "CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer")
    with EmbeddedPostgres(folder, PASSWORD) as server:
        assert await ask(server, "SELECT answer FROM kept") == 42
        assert await ask(server, "SHOW data_checksums") == "on"
        assert await ask(server, "SHOW listen_addresses") == ""
    assert not (folder / "postgres" / "postmaster.pid").exists()


async def test_a_left_over_server_is_ended_with_its_children_before_the_next_starts(folder: Path) -> None:
    with orphan(folder) as left:
        family = [left, *left.children(recursive=True)]
        assert len(family) > 1
        with EmbeddedPostgres(folder, PASSWORD) as server:
            assert [each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE] == []
            assert server_of(folder).pid != left.pid
            assert await ask(server, "SELECT 1") == 1


@pytest.mark.parametrize(
    "content", ["", "\n", "not a number\n", "999999999\n/elsewhere\n", "OUR OWN\n/elsewhere\n", "0\n", "-1\n"]
)
async def test_a_stale_pid_file_is_no_obstacle_and_names_nobody_who_is_harmed(folder: Path, content: str) -> None:
    (folder / "postgres" / "postmaster.pid").write_text(content.replace("OUR OWN", str(os.getpid())))
    with EmbeddedPostgres(folder, PASSWORD) as server:
        assert await ask(server, "SELECT 1") == 1


def test_the_server_ends_with_a_killed_holder(folder: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), PASSWORD], stdout=subprocess.PIPE, start_new_session=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"started\n"
    server = server_of(folder)
    family = [server, *server.children(recursive=True)]
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate(timeout=DEADLINE_S)
    _, alive = psutil.wait_procs(family, timeout=DEADLINE_S)
    assert alive == []


async def test_a_cluster_whose_making_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    half = tmp_path / ".postgres-new-cut-off"
    (half / "base").mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    (tmp_path / "postgres").mkdir()
    with EmbeddedPostgres(tmp_path, PASSWORD) as server:
        assert await ask(server, "SELECT 1") == 1
    assert sorted(os.listdir(tmp_path)) == ["logs", "postgres", "run"]  # noqa: PTH208 - names


def test_a_cluster_of_another_version_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(PostgresFailed, match=r"made by PostgreSQL 17, this is 18: run `shenbao backup`"):
        EmbeddedPostgres(tmp_path, PASSWORD).start()
    assert [each.name for each in (tmp_path / "postgres").iterdir()] == ["PG_VERSION"]


def test_a_folder_with_other_files_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "thesis.docx").write_text("years of work")
    with pytest.raises(PostgresFailed, match=r"holds files but no PostgreSQL cluster; move it away"):
        EmbeddedPostgres(tmp_path, PASSWORD).start()
    assert (tmp_path / "postgres" / "thesis.docx").read_text() == "years of work"


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    configuration = folder / "postgres" / "postgresql.conf"
    before = configuration.read_text()
    configuration.write_text(before + "shared_buffers = lots\n")
    try:
        with pytest.raises(PostgresFailed, match=r'did not start; the end of .*postgres\.log: .*"shared_buffers"'):
            EmbeddedPostgres(folder, PASSWORD).start()
    finally:
        configuration.write_text(before)


@pytest.mark.parametrize("name", ["a" * 100, "with, comma", 'with "quotes"', "名 字's"])
async def test_any_name_of_a_folder_will_do(tmp_path: Path, name: str) -> None:
    with EmbeddedPostgres(tmp_path / name, PASSWORD) as server:
        assert await ask(server, "SELECT 1") == 1


def test_a_socket_folder_of_somebody_else_is_refused(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "theirs"
    target.mkdir()
    sockets = folder / "run"
    sockets.rename(folder / "run.before")
    sockets.symlink_to(target)
    try:
        with pytest.raises(PostgresFailed, match="belongs to somebody else; remove it, or set another TMPDIR"):
            EmbeddedPostgres(folder, PASSWORD).start()
    finally:
        sockets.unlink()
        (folder / "run.before").rename(sockets)


def test_without_the_wheel_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(PostgresFailed, match="run `make setup`, or set SHENBAO_DATABASE"):
        binary("postgres")


def ways() -> list[Identity]:
    """Whom this process may run a server as: root may also name an account that can reach the programs."""
    if os.geteuid() != 0:
        return [Identity()]
    nobody = pwd.getpwnam("nobody")
    account = Identity(uid=nobody.pw_uid, gid=nobody.pw_gid)
    reached = subprocess.run(
        ["/bin/sh", "-c", f'test -x "{binary("postgres")}" && test -r "{embedded.__file__}" && "{sys.executable}" -V'],
        user=account.uid, group=account.gid, extra_groups=(), capture_output=True, check=False,
    )  # fmt: skip
    return [account] if reached.returncode == 0 else [Identity(prefix=NAMESPACE)]


@pytest.mark.parametrize("identity", ways(), ids=lambda each: f"uid-{each.uid}")
async def test_it_runs_as_whoever_was_chosen(
    identity: Identity, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("as") / "data"
    if identity.uid is not None:  # an account passes only where the path lets it
        for above in (folder.parent, folder.parent.parent, folder.parent.parent.parent):
            if above.stat().st_uid == os.geteuid():
                above.chmod(above.stat().st_mode | 0o011)
    monkeypatch.setattr(embedded, "choose", lambda _cluster, _works: identity)
    for _ in range(2):
        with EmbeddedPostgres(folder, PASSWORD) as server:
            assert await ask(server, "SELECT 1") == 1
            expected = os.geteuid() if identity.uid is None else identity.uid
            assert server_of(folder).uids().effective == expected
