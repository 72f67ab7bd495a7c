"""Forks a confined child per task. Run as `python -m services.kernel.sandbox.zygote FD MODULE…`.

One thread, no event loop, nothing but a control socket: it can be forked at any moment.
"""

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import services
from services.kernel import lifeline
from services.kernel.sandbox import confine, wire
from services.kernel.sandbox.source import RemoteFile

Task = Callable[[list[RemoteFile], dict[str, object], Callable[[float], None]], object]
_FDS_PER_TASK = 1
_OUT_OF_MEMORY = wire.pack(b'{"memory": true}')


def readable_paths() -> tuple[str, ...]:
    """What a child may read: the interpreter, its libraries, this package and harmless system files."""
    package = str(Path(services.__file__).parent)
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, package}
    system = ("/usr/lib", "/lib", "/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache", "/dev/null", "/dev/urandom")
    return (*sorted(prefixes), *system)


class Zygote:
    """The control loop."""

    def __init__(self, control: socket.socket) -> None:
        """`control` leads to the parent."""
        self._control = control
        self._children: dict[int, int] = {}
        self._wakeup: tuple[int, ...] = ()

    def run(self) -> None:
        """Until the parent is gone; then every child is killed."""
        reading, writing = self._wakeup = os.pipe()
        os.set_blocking(writing, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        wire.send(self._control, {"ready": os.getpid()})
        try:
            while True:
                ready, _, _ = select.select([self._control.fileno(), reading], [], [])
                if reading in ready:
                    os.read(reading, 4096)
                    self._reap()
                if self._control.fileno() in ready and not self._command():
                    return
        finally:
            for pid in self._children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _command(self) -> bool:
        header, handles, _, _ = socket.recv_fds(self._control, wire.HEADER_BYTES, _FDS_PER_TASK)
        if len(header) < wire.HEADER_BYTES:
            return False
        command = json.loads(wire.receive_exactly(self._control, wire.length_of(header)))
        if "kill" in command:
            for pid, task in list(self._children.items()):
                if task == command["kill"]:
                    os.kill(pid, signal.SIGKILL)
        else:
            self._fork(command, handles)
        return True

    def _fork(self, command: dict[str, int | str | None], handles: list[int]) -> None:
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                self._control.close()
                for end in self._wakeup:
                    os.close(end)
                status = _child(socket.socket(fileno=handles[0]), command, zygote)
            finally:
                os._exit(status)
        for handle in handles:
            os.close(handle)
        self._children[pid] = int(command["task"] or 0)

    def _reap(self) -> None:
        while self._children:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            scale = 1024 if sys.platform == "linux" else 1
            message = {
                "exit": self._children.pop(pid),
                "status": os.waitstatus_to_exitcode(status),
                "cpu_s": usage.ru_utime + usage.ru_stime,
                "peak": usage.ru_maxrss * scale,
            }
            with contextlib.suppress(OSError):
                wire.send(self._control, message)


def _child(connection: socket.socket, command: dict[str, int | str | None], zygote: int) -> int:
    """Confine, run one function, send its value; the exit status says whether that was possible."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)

    def progress(fraction: float) -> None:
        wire.send(connection, {"progress": fraction})

    try:
        task = json.loads(wire.receive(connection))
        function = _function(str(task["function"]))
        confine.limit(
            memory_bytes=int(command["memory_bytes"] or 0),
            cpu_s=int(command["cpu_s"] or 0),
            output_bytes=int(command["output_bytes"] or 0),
        )
        if os.getppid() != zygote:  # it ended before its death could be a signal
            return 1
        confine.confine(readable_paths(), task["scratch"])
        sources = [RemoteFile(connection, index, size) for index, size in enumerate(task["sizes"])]
        wire.send(connection, {"value": function(sources, {**task["arguments"]}, progress)})
    except MemoryError:
        connection.sendall(_OUT_OF_MEMORY)  # ready-made: there may be no memory to make it
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent is told and decides
        last = traceback.format_exception_only(error)[-1].strip()
        wire.send(connection, {"raised": type(error).__name__, "detail": last[:500]})
    return 0


def _function(path: str) -> Task:
    module, _, name = path.partition(":")
    function: Task = getattr(importlib.import_module(module), name)
    return function


def main() -> None:
    """Preload and serve."""
    lifeline.follow_parent_in_single_thread()
    control = socket.socket(fileno=int(sys.argv[1]))
    for module in sys.argv[2:]:
        importlib.import_module(module)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, wire.WireClosed):
        Zygote(control).run()


if __name__ == "__main__":
    main()
