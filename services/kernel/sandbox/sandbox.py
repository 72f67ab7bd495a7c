"""The parent's side: starts the zygote, hands out tasks, serves bytes, keeps the limits."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from services.kernel.sandbox import confine, scratch_watch, wire
from services.kernel.sandbox.dialogue import Dialogue, within
from services.kernel.sandbox.port import (
    ByteSource,
    JsonObject,
    LocalSource,
    Outcome,
    Profile,
    Progress,
    SandboxBudget,
    SandboxCrashed,
    SandboxError,
    SandboxTimeout,
    ZygoteLost,
)

_START_DEADLINE_S = 30.0
_END_DEADLINE_S = 5.0
#: A task that takes longer gives way: a file that is made to take long must not keep up those that take milliseconds.
_LONG_S = 0.5
log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Exit:
    status: int
    cpu_s: float
    peak: int


class ForkingSandbox:
    """One zygote, started with the first task and again when it is lost; children as many as tasks run."""

    def __init__(self, preload: Sequence[str] = (), *, nice: int = 0, short: bool = False) -> None:
        """`preload` names the modules whose functions will be called; `nice` is how much everything in it gives way.
        One for `short` tasks starts them faster; they have no scratch folder.
        """
        self._short = short
        self._nice = nice
        self._preload = tuple(preload)
        self._numbers = itertools.count(1)
        self._exits: dict[int, asyncio.Future[_Exit]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None]
        self._starting = asyncio.Lock()

    async def run(
        self,
        function: str,
        arguments: JsonObject,
        *,
        profile: Profile,
        sources: Sequence[ByteSource] = (),
        scratch: Path | None = None,
        progress: Progress | None = None,
    ) -> Outcome:
        """See the port. Raises `ValueError` for a scratch folder where tasks are short."""
        if self._short and scratch is not None:
            raise ValueError("this sandbox has no scratch folders")
        await self._ensure_zygote()
        task = next(self._numbers)
        exited: asyncio.Future[_Exit] = asyncio.get_running_loop().create_future()
        self._exits[task] = exited
        ours, theirs = socket.socketpair()
        try:
            self._hand_over(task, profile, theirs, scratch=scratch is not None)
            theirs.close()
            async with _opened(sources) as local:
                dialogue = Dialogue(ours, sources, profile, progress, tuple(local.values()))
                order = {
                    "function": function,
                    "arguments": arguments,
                    "sizes": [source.size_bytes for source in sources],
                    "local": list(local),
                    "scratch": str(scratch) if scratch else None,
                }
                with self._watching(task, scratch, profile) as overflow:
                    return await self._supervise(task, exited, dialogue, order, profile, overflow)
        finally:
            theirs.close()
            ours.close()
            self._exits.pop(task, None)

    async def _supervise(
        self, task: int, exited: "asyncio.Future[_Exit]", dialogue: Dialogue, order: object, profile: Profile,
        overflow: asyncio.Event,
    ) -> Outcome:  # fmt: skip
        giving_way = asyncio.get_running_loop().call_later(_LONG_S, self._tell, task, "slow")
        try:
            value = await within(dialogue, order, profile.wall_s)
        except wire.WireClosed:
            # It may have closed its end and live on. One that is ending keeps its status.
            usage = await self._end(task, exited)
            raise SandboxBudget("scratch folder") if overflow.is_set() else _verdict(usage, profile) from None
        except SandboxTimeout:
            await self._end(task, exited)  # a zygote that hangs is not the file's fault
            raise
        except BaseException:
            with contextlib.suppress(ZygoteLost):
                await self._end(task, exited)
            raise
        finally:
            giving_way.cancel()
        usage = await self._end(task, exited)
        return Outcome(value=value, bytes_read=dialogue.bytes_read, cpu_s=usage.cpu_s, peak_memory_bytes=usage.peak)

    @contextlib.contextmanager
    def _watching(self, task: int, scratch: Path | None, profile: Profile) -> Iterator[asyncio.Event]:
        """Set, with the child killed, once its files together are too large."""
        overflow = asyncio.Event()
        if scratch is None:
            yield overflow
            return

        async def watch() -> None:
            await scratch_watch.until_overflow(scratch, profile.scratch_bytes)
            overflow.set()
            self._tell(task, "kill")

        watching = asyncio.create_task(watch(), name="sandbox-scratch")
        try:
            yield overflow
        finally:
            watching.cancel()

    async def _end(self, task: int, exited: "asyncio.Future[_Exit]") -> _Exit:
        """Kill the child and wait until it is gone: then nobody writes in its scratch folder. Raises `ZygoteLost`."""
        self._tell(task, "kill")
        try:
            async with asyncio.timeout(_END_DEADLINE_S):
                return await asyncio.shield(exited)
        except TimeoutError:
            await self.close()
            raise ZygoteLost("it does not answer") from None

    def _hand_over(self, task: int, profile: Profile, theirs: socket.socket, *, scratch: bool) -> None:
        command = {
            "task": task,
            "memory_bytes": profile.memory_bytes,
            "cpu_s": profile.cpu_s,
            "output_bytes": profile.output_bytes,
            "nice": profile.nice,
            "scratch": scratch,
        }
        try:
            socket.send_fds(self._connected(), [wire.pack(json.dumps(command).encode())], [theirs.fileno()])
        except OSError as error:
            raise ZygoteLost from error

    def _tell(self, task: int, command: str) -> None:
        """Have the zygote `kill` or make `slow` the task's child; one that has ended it knows and leaves alone."""
        exited = self._exits.get(task)
        if self._control is None or exited is None or exited.done():
            return
        with contextlib.suppress(OSError):
            wire.send(self._control, {command: task})

    def _connected(self) -> socket.socket:
        if self._control is None:
            raise ZygoteLost
        return self._control

    async def _ensure_zygote(self) -> None:
        async with self._starting:
            if self._reader is None or self._reader.done():
                await self._discard()
                self._start()
            try:
                async with asyncio.timeout(_START_DEADLINE_S):
                    await asyncio.shield(self._ready)
            except TimeoutError as error:
                await self.close()
                raise ZygoteLost("it did not start") from error

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        arguments = [
            sys.executable,
            "-m",
            "services.kernel.sandbox.start",
            str(theirs.fileno()),
            str(self._nice),
            str(int(self._short)),
            *self._preload,
        ]
        # From this thread on purpose: the parent-death signal follows the thread that started the process.
        try:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, pass_fds=(theirs.fileno(),), start_new_session=True,
                env=_quiet_environment(short=self._short),
            )  # fmt: skip
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._control = ours
        self._ready = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._listen(ours, self._ready), name="sandbox-control")

    async def _listen(self, control: socket.socket, ready: "asyncio.Future[None]") -> None:
        """Hear of ended children until the zygote is gone; then everyone who waits hears that."""
        reader, writer = await asyncio.open_connection(sock=control.dup())
        try:
            while True:
                header = await reader.readexactly(wire.HEADER_BYTES)
                message = json.loads(await reader.readexactly(wire.length_of(header)))
                if "ready" in message:
                    _announce(message["ready"])
                    ready.set_result(None)
                    continue
                exited = self._exits.get(message["exit"])
                if exited is not None and not exited.done():
                    exited.set_result(_Exit(status=message["status"], cpu_s=message["cpu_s"], peak=message["peak"]))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            _lose(ready)
            for exited in self._exits.values():
                _lose(exited)
            writer.close()

    async def close(self) -> None:
        """See the port."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
            await asyncio.wait([reader])
        await self._discard()

    async def _discard(self) -> None:
        process, self._process = self._process, None
        control, self._control = self._control, None
        if control is not None:
            control.close()
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its children cannot leave its group
            await asyncio.to_thread(process.wait)


@contextlib.asynccontextmanager
async def _opened(sources: Sequence[ByteSource]) -> AsyncIterator[Mapping[int, int]]:
    """Place of a source → its open file, for those that are files here. Of very many, none is: they are asked for."""
    handles: dict[int, int] = {}
    try:
        if len(sources) <= wire.MAX_HANDLES:
            for index, source in enumerate(sources):
                handle = await source.descriptor() if isinstance(source, LocalSource) else None
                if handle is not None:
                    handles[index] = handle
        yield handles
    finally:
        for handle in handles.values():
            os.close(handle)


def _lose(waiting: "asyncio.Future[None] | asyncio.Future[_Exit]") -> None:
    if not waiting.done():
        waiting.set_exception(ZygoteLost())
        waiting.exception()  # nobody need ask for it


def _announce(pid: int) -> None:
    layers = confine.probe()
    log.info("sandbox ready", action="sandbox.ready", seccomp=layers.seccomp, landlock=layers.landlock_version, pid=pid)


def _verdict(exit_: _Exit, profile: Profile) -> SandboxError:
    """What an end without a value means."""
    if exit_.status == -signal.SIGXCPU or exit_.cpu_s >= profile.cpu_s:
        return SandboxTimeout("CPU")
    if exit_.status == -signal.SIGXFSZ:
        return SandboxBudget("file size limit")
    return SandboxCrashed(f"status {exit_.status}")


def _quiet_environment(*, short: bool) -> dict[str, str]:
    """What the zygote needs and no secret of ours."""
    kept = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "LC_ALL", "TMPDIR")
    alone = {"PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}  # no threads in what is forked
    if short:
        alone["PYTHONMALLOC"] = "malloc"  # see `heap`
    return {**alone, **{name: os.environ[name] for name in kept if name in os.environ}}


class FileSource:
    """A local file as a source; `close` it after the task."""

    def __init__(self, path: Path) -> None:
        """Open `path` for reading. Raises `OSError`."""
        self._handle = os.open(path, os.O_RDONLY)
        self.size_bytes = os.fstat(self._handle).st_size

    async def read(self, offset: int, length: int) -> bytes:
        """See `ByteSource`."""
        return os.pread(self._handle, length, offset)

    async def descriptor(self) -> int | None:
        """See `LocalSource`."""
        return os.dup(self._handle)

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)
