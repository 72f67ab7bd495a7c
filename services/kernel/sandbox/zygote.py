"""Forks a confined child per task; the one for the next task is made, confined and waiting before that task comes.

Started by `start` with FD NICE SHORT MODULE…. One thread, no event loop, nothing but a control socket:
it can be forked at any moment.
"""

import contextlib
import errno
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import services
from services.kernel import lifeline
from services.kernel.sandbox import confine, heap, large_pages, wire
from services.kernel.sandbox.source import LocalFile, RemoteFile, SourceFile

Task = Callable[[list[SourceFile], dict[str, object], Callable[[float], None]], object]
#: How much a task that takes long gives way to others from then on, as `nice` counts: others get three times as much.
_WAY_GIVEN = 5
_FDS_PER_TASK = 1
_TASK = b"!"
#: What `json.loads` does before and after touches a dozen pages more.
_DECODER = json.JSONDecoder()
_OUT_OF_MEMORY = wire.pack(b'{"memory": true}')
#: Given back by a child that has none left, to say so.
_LAST_MEMORY = [bytearray(64 * 1024)]


Command = dict[str, int | str | None]


class Limits(NamedTuple):
    """What a child may use."""

    memory_bytes: int
    cpu_s: int
    output_bytes: int
    nice: int


class _Spare(NamedTuple):
    """A child that waits at `socket` for the connection of its task."""

    pid: int
    limits: Limits
    socket: socket.socket


def readable_paths() -> tuple[str, ...]:
    """What a child may read: the interpreter, its libraries, this package and harmless system files."""
    package = str(Path(services.__file__).parent)
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, package}
    system = ("/usr/lib", "/lib", "/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache", "/dev/null", "/dev/urandom")
    return (*sorted(prefixes), *system)


class Zygote:
    """The control loop."""

    def __init__(self, control: socket.socket, *, short: bool) -> None:
        """`control` leads to the parent. For `short` tasks, which have no scratch folder, this process itself gives up
        what they do.
        """
        self._control = control
        self._children: dict[int, int] = {}
        self._spare: _Spare | None = None
        #: Of the last task without a scratch folder.
        self._lately: Limits | None = None
        self._wakeup: tuple[int, ...] = ()
        self._confinement = confine.prepared(readable_paths(), closed=short)

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
            for pid in (*self._children, *((self._spare.pid,) if self._spare else ())):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _command(self) -> bool:
        header, handles, _, _ = socket.recv_fds(self._control, wire.HEADER_BYTES, _FDS_PER_TASK)
        if len(header) < wire.HEADER_BYTES:
            return False
        command = json.loads(wire.receive_exactly(self._control, wire.length_of(header)).decode())
        if "kill" in command:
            for pid, task in list(self._children.items()):
                if task == command["kill"]:
                    os.kill(pid, signal.SIGKILL)
        elif "slow" in command:
            for pid, task in self._children.items():
                if task == command["slow"]:
                    _give_way(pid)
        else:
            self._start(command, handles[0])
        return True

    def _start(self, command: Command, handle: int) -> None:
        """Give the task to the child that waits, if it is one for it; else to a new one."""
        task, scratch = int(command["task"] or 0), bool(command["scratch"])
        limits = Limits(*[int(command[name] or 0) for name in Limits._fields])
        pid = None if scratch else self._handed_over(limits, handle)
        if pid is None:
            pid = self._fork(lambda zygote: _child(socket.socket(fileno=handle), limits, zygote, self._confinement))
        os.close(handle)
        self._children[pid] = task
        if not scratch:
            self._lately = limits

    def _handed_over(self, limits: Limits, handle: int) -> int | None:
        """The process id of the child that waited; None when none did, or with other limits."""
        spare, self._spare = self._spare, None
        if spare is None:
            return None
        try:
            if spare.limits == limits:
                socket.send_fds(spare.socket, [_TASK], [handle])
                return spare.pid
            os.kill(spare.pid, signal.SIGKILL)
        except OSError:  # it is gone
            return None
        finally:
            _close(spare.socket)
        return None

    def _make_spare(self, limits: Limits) -> None:
        ours, theirs = socket.socketpair()
        try:
            pid = self._fork(lambda zygote: _waiting_child(theirs, ours, limits, zygote, self._confinement))
        finally:
            _close(theirs)
        self._spare = _Spare(pid=pid, limits=limits, socket=ours)

    def _fork(self, act: Callable[[int], int]) -> int:
        """A child that does `act`, which is told who its parent is and gives the exit status."""
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                _close(self._control)
                if self._spare is not None:  # nobody else may give it a task
                    _close(self._spare.socket)
                for end in self._wakeup:
                    os.close(end)
                status = act(zygote)
            finally:
                os._exit(status)
        return pid

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self._spare is not None and pid == self._spare.pid:
                self._spare.socket.close()
                self._spare = None
            if pid not in self._children:  # it never had a task
                continue
            scale = 1024 if sys.platform == "linux" else 1
            message = {
                "exit": self._children.pop(pid),
                "status": os.waitstatus_to_exitcode(status),
                "cpu_s": usage.ru_utime + usage.ru_stime,
                "peak": usage.ru_maxrss * scale,
            }
            with contextlib.suppress(OSError):
                wire.send(self._control, message)
            if self._spare is None and self._lately is not None:  # now, when it takes no task's time
                self._make_spare(self._lately)


def _give_way(pid: int) -> None:
    """One that has ended meanwhile is still there, to be waited for."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.setpriority(os.PRIO_PROCESS, pid, min(19, os.getpriority(os.PRIO_PROCESS, pid) + _WAY_GIVEN))


def _waiting_child(
    waiting: socket.socket, other_end: socket.socket, limits: Limits, zygote: int, confinement: confine.Confinement
) -> int:
    """Confine first and wait then; the connection of the task comes later, or never, or is there already: the zygote
    does not wait. Where it could not be done, whoever has the task is told.
    """
    _close(other_end)
    problem: Exception | None = None
    try:
        _confine(limits, zygote, None, confinement)
        _rehearse()
    except Exception as error:  # noqa: BLE001 - see above
        problem = error

    def confined(_scratch: str | None, _handles: Sequence[int]) -> None:
        if problem is not None:
            raise problem

    _, handles, _, _ = socket.recv_fds(waiting, 1, _FDS_PER_TASK)
    _close(waiting)
    return _serve(socket.socket(fileno=handles[0]), confined) if handles else 0


def _rehearse() -> None:
    """Let preloaded modules go through their work once (`rehearse`): memory that a fork shares is slow when it is
    touched first, and nobody waits for it now.
    """
    for module in _preloaded():
        rehearse = getattr(sys.modules[module], "rehearse", None)
        if rehearse is not None:
            rehearse()


def _preloaded() -> list[str]:
    return sys.argv[4:]


def _child(connection: socket.socket, limits: Limits, zygote: int, confinement: confine.Confinement) -> int:
    """Confine when the order is there and says what the scratch folder is."""
    return _serve(connection, lambda scratch, handles: _confine(limits, zygote, scratch, confinement, handles))


def _confine(
    limits: Limits,
    zygote: int,
    scratch: str | None,
    confinement: confine.Confinement,
    handles: Sequence[int] = (),
) -> None:
    """Raises `OSError` when that cannot be done, and when the zygote has ended meanwhile."""
    signal.set_wakeup_fd(-1)
    if limits.nice:
        os.nice(limits.nice)
    confine.limit(memory_bytes=limits.memory_bytes, cpu_s=limits.cpu_s, output_bytes=limits.output_bytes)
    if os.getppid() != zygote:  # it ended before its death could be a signal
        raise OSError(errno.ESRCH, "the zygote is gone")
    confine.confine(confinement, scratch, handles)


def _serve(connection: socket.socket, confined: Callable[[str | None, Sequence[int]], None]) -> int:
    """Run one function, send its value; the exit status says whether that was possible."""

    def progress(fraction: float) -> None:
        wire.send(connection, {"progress": fraction})

    try:
        order, handles = wire.receive_with_handles(connection)
        task, _ = _DECODER.raw_decode(order.decode())
        function = _function(str(task["function"]))
        confined(task["scratch"], handles)
        sources = _sources(connection, task["sizes"], dict(zip(task["local"], handles, strict=True)))
        wire.send(connection, {"value": function(sources, {**task["arguments"]}, progress)})
    except MemoryError:
        _LAST_MEMORY.clear()
        connection.sendall(_OUT_OF_MEMORY)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent is told and decides
        last = traceback.format_exception_only(error)[-1].strip()
        wire.send(connection, {"raised": type(error).__name__, "detail": last[:500]})
    connection.detach()  # the process ends now, and so does this; forgotten while it is open, it would be warned of
    return 0


def _sources(connection: socket.socket, sizes: list[int], local: dict[int, int]) -> list[SourceFile]:
    """`local`: place of a source → its open file."""
    return [
        LocalFile(local[index], size) if index in local else RemoteFile(connection, index, size)
        for index, size in enumerate(sizes)
    ]


def _function(path: str) -> Task:
    module, _, name = path.partition(":")
    function: Task = getattr(sys.modules.get(module) or importlib.import_module(module), name)
    return function


def _close(end: socket.socket) -> None:
    """As its own method does, which is written in Python: in a child, each function costs pages that are copied."""
    os.close(end.detach())


def _be_silent() -> None:
    """Parsers quote the file in what they print."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)


def main() -> None:
    """Preload and serve."""
    lifeline.follow_parent_in_single_thread()
    control, short = socket.socket(fileno=int(sys.argv[1])), bool(int(sys.argv[3]))
    if int(sys.argv[2]):
        os.nice(int(sys.argv[2]))
    for module in _preloaded():
        prepare = getattr(importlib.import_module(module), "prepare", None)
        if prepare is not None:  # what takes long, or is written to memory, and is the same for every child
            prepare()
    confine.give_up()
    gc.collect()
    large_pages.gather()
    heap.take_holes(short=short)  # after that: what is left at the heap's end is new to each child, and not copied
    gc.freeze()  # no child looks through what all of them share, and so copies it
    gc.enable()
    _be_silent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, wire.WireClosed):
        Zygote(control, short=short).run()
