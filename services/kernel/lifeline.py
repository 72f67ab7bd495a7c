"""No orphan: a child ends when its parent does, however the parent ended.

The parent keeps the writing end of a pipe that nobody else has; the child watches the reading end. The end of the
pipe is the end of the parent, also after `kill -9`, on every Unix. Linux's parent-death signal comes on top.

Run as a program (`python -I -S lifeline.py FD SIGNAL -- COMMAND…`) it does the same for a command that knows
nothing of this, such as PostgreSQL: it starts the command and sends it SIGNAL when the pipe ends.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import sys
import threading

ENVIRONMENT = "SHENBAO_LIFELINE_FD"
_PR_SET_PDEATHSIG = 1


def set_parent_death_signal(number: int) -> None:
    """Ask Linux for signal `number` when the parent thread ends; elsewhere nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def follow_parent() -> None:
    """From now on this process is killed when the parent ends. Call it first thing in `main`; without a lifeline
    in the environment (a service that was started by hand or by Kubernetes) it does nothing.
    """
    text = os.environ.pop(ENVIRONMENT, "")
    if not text:
        return
    fd = int(text)
    fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    set_parent_death_signal(signal.SIGKILL)

    def watch() -> None:
        while os.read(fd, 1):
            pass
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def follow_parent_in_single_thread() -> None:
    """As `follow_parent` for a process that must not have threads: the parent-death signal alone; its own control
    socket ends with the parent as well.
    """
    set_parent_death_signal(signal.SIGKILL)


def _run_command(fd: int, number: int, command: list[str]) -> int:
    """Run `command` until it ends; send it `number` when the pipe ends. Returns its exit status, shell style."""
    child = os.fork()
    if child == 0:
        os.close(fd)
        set_parent_death_signal(number)
        os.execvp(command[0], command)  # noqa: S606 - the caller's command, no shell
    for forwarded in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(forwarded, lambda received, _frame: os.kill(child, received))

    def watch() -> None:
        while os.read(fd, 1):
            pass
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    threading.Thread(target=watch, daemon=True).start()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) % 256


if __name__ == "__main__":
    sys.exit(_run_command(int(sys.argv[1]), int(sys.argv[2]), sys.argv[4:]))
