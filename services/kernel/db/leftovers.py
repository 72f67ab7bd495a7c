"""Ends what a crash left running on a cluster.

A second server beside processes of the first destroys the data, and PostgreSQL's own guard against it is the pid file
and what it points to. So the file goes only after every process of the cluster has gone, the server's own children
included: they outlive a killed server for as long as a statement runs.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import structlog

_DEADLINE_S = 8.0
log = structlog.get_logger()


class StillRunning(Exception):
    """Processes of the cluster that do not end; the message names them."""


def end_leftovers(cluster: Path, *, deadline_s: float = _DEADLINE_S) -> None:
    """Stop every process of a server on `cluster` and remove its pid file; blocks up to twice `deadline_s`.

    Raises `StillRunning`.
    """
    left = list(_processes(cluster))
    if left:
        log.warning("ending the database server that a crash left", action="postgres.leftover", pid=left[0].pid)
    for number in (signal.SIGQUIT, signal.SIGKILL):
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        _, left = psutil.wait_procs(left, timeout=deadline_s)
    if left:
        raise StillRunning(f"processes {', '.join(str(each.pid) for each in left)} still use {cluster}; end them first")
    (cluster / "postmaster.pid").unlink(missing_ok=True)


def _processes(cluster: Path) -> Iterator[psutil.Process]:
    """A server works in its cluster's folder; while it starts it has the folder on its command line only."""
    place = os.path.realpath(cluster)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            if (process.name() == "postgres" and process.cwd() == place) or _starts(process.cmdline(), cluster):
                yield process


def _starts(words: list[str], cluster: Path) -> bool:
    """Whether a command line, or one that leads to it, is `…/postgres -D <cluster> …`."""
    return any(
        Path(program).name == "postgres" and option == "-D" and place == str(cluster)
        for program, option, place in zip(words, words[1:], words[2:], strict=False)
    )
