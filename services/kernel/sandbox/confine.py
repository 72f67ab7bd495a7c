"""What a child gives up before it looks at a file. Linux only; elsewhere the resource limits remain.

ctypes and system calls by number, because no wheel brings libseccomp and no root is assumed.
"""

import contextlib
import ctypes
import os
import platform
import resource
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from services.kernel.sandbox import filters

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION = 0x20080522
_KEPT_CAPABILITIES = 0b110  # DAC_OVERRIDE, DAC_READ_SEARCH
_PR_GET_SECCOMP = 21
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_ON_FILES = 0b111 | 1 << 14 | 1 << 15  # execute, write, read, truncate, device control
_READ = (1 << 0) | (1 << 2) | (1 << 3)  # execute (to map libraries), read file, read folder
_OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_PATH", 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Layers:
    """Which layers this machine offers; 0 means that Landlock is absent."""

    seccomp: bool
    landlock_version: int


def probe() -> Layers:
    """What this machine has, without giving anything up."""
    if sys.platform != "linux":
        return Layers(seccomp=False, landlock_version=0)
    version = _syscall(_LANDLOCK_CREATE, None, 0, 1)
    seccomp = platform.machine() in filters.ARCHITECTURE and _libc().prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0
    return Layers(seccomp=seccomp, landlock_version=max(0, version))


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *arguments: object) -> int:
    return int(_libc().syscall(ctypes.c_long(number), *arguments))


def limit(*, memory_bytes: int, cpu_s: int, output_bytes: int) -> None:
    """Resource limits of a task, and the end of the child when its parent ends."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0)
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_FSIZE, output_bytes)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))  # the soft limit's signal says why it ended


def _limit(kind: int, value: int) -> None:
    with contextlib.suppress(ValueError, OSError):  # macOS refuses some
        resource.setrlimit(kind, (value, value))


def give_up() -> None:
    """What neither a zygote nor any of its children needs: privileges, capabilities, core dumps, many open files, and
    most of the system calls that harm.

    Raises `OSError` when a layer that the machine has cannot be put on.
    """
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, 512)  # what a task may be given, each opened once more, and a few
    if sys.platform == "linux":
        if _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "no_new_privs")
        _drop_capabilities()
    if probe().seccomp:
        _Program(filters.for_all(platform.machine())).put_on()


@dataclass(frozen=True, kw_only=True, slots=True)
class Confinement:
    """What is the same for every child, made once: half of what putting it on would cost.

    `ruleset` is an open descriptor of Landlock's (-1 where there is none, or nothing is left to give up). Whoever holds
    it could add rules for all who come later, so a child closes it before it looks at a file.
    """

    layers: Layers
    readable: tuple[str, ...]
    ruleset: int
    #: Of the system calls; None where there is no seccomp.
    program: "_ChildProgram | None"


def prepared(readable: tuple[str, ...], *, closed: bool = False) -> Confinement:
    """For children that may read below these paths. `closed` gives up all else here and now, for whom comes later, too:
    then no child can have a scratch folder. Raises `OSError` when Landlock is there and does not take that.
    """
    layers = probe()
    ruleset = _ruleset(layers.landlock_version, readable, None) if layers.landlock_version else -1
    if closed and ruleset >= 0:
        _restrict(ruleset)
        ruleset = -1
    program = _ChildProgram(filters.for_child(platform.machine())) if layers.seccomp else None
    return Confinement(layers=layers, readable=readable, ruleset=ruleset, program=program)


def confine(made: Confinement, scratch: str | None, handles: Sequence[int] = ()) -> None:
    """Give up foreign files and forbidden system calls, for good, after `give_up`. With a scratch folder, the files
    open at `handles` may be opened once more for reading, by `/proc/self/fd`. Raises `OSError` when a layer that the
    machine has cannot be put on: then nothing is parsed.
    """
    if made.ruleset >= 0:
        _landlock(made, scratch, handles)
    if made.program is not None:
        made.program.put_on()


def _drop_capabilities() -> None:
    """As root: keep what opens the files that root's libraries may stand among, nothing else."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    held = ctypes.create_string_buffer(24)
    if _libc().capget(header, held) != 0:
        raise OSError(ctypes.get_errno(), "capget")
    permitted = struct.unpack("=6I", held.raw)[1] & _KEPT_CAPABILITIES
    if _libc().capset(header, struct.pack("=6I", permitted, permitted, 0, 0, 0, 0)) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _landlock(made: Confinement, scratch: str | None, handles: Sequence[int]) -> None:
    ruleset = made.ruleset
    if scratch is not None:  # a rule of its own, which nobody else may get
        os.close(ruleset)
        ruleset = _ruleset(made.layers.landlock_version, made.readable, scratch)
        for handle in handles:
            _allow(ruleset, handle, _READ & _ON_FILES)
    _restrict(ruleset)


def _restrict(ruleset: int) -> None:
    """Takes `ruleset` as its own."""
    if _syscall(_LANDLOCK_RESTRICT, ruleset, 0) != 0:
        raise OSError(ctypes.get_errno(), "landlock")
    os.close(ruleset)


def _ruleset(version: int, readable: tuple[str, ...], scratch: str | None) -> int:
    """An open descriptor, the caller's."""
    # Access rights by version: 13 at first, then refer, truncate and device control.
    handled = (1 << {1: 13, 2: 14}.get(version, 15 if version < 5 else 16)) - 1
    # Later versions also keep to itself: TCP ports (4), signals and abstract sockets (6).
    ports, scoped = (3 if version >= 4 else 0), (3 if version >= 6 else 0)
    attributes = struct.pack("=QQQ", handled, ports, scoped)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _syscall(_LANDLOCK_CREATE, attributes, len(attributes), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock")
    for path, rights in [*((path, _READ) for path in readable), *(((scratch, handled),) if scratch else ())]:
        if Path(path).exists():
            _allow_below(ruleset, path, rights & handled if Path(path).is_dir() else rights & handled & _ON_FILES)
    return ruleset


def _allow_below(ruleset: int, path: str, rights: int) -> None:
    handle = os.open(path, _OPEN_FLAGS)
    try:
        _allow(ruleset, handle, rights)
    finally:
        os.close(handle)


def _allow(ruleset: int, handle: int, rights: int) -> None:
    """What is open at `handle`, and what is below it."""
    if _syscall(_LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", rights, handle), 0) != 0:
        raise OSError(ctypes.get_errno(), "landlock: rule")


def _packed(instruction: filters.Instruction) -> bytes:
    return struct.pack("=HBBI", *instruction)


class _Program:
    """A filter as the kernel takes it."""

    def __init__(self, instructions: Sequence[filters.Instruction]) -> None:
        code = b"".join(_packed(each) for each in instructions)
        self._code = ctypes.create_string_buffer(code, len(code))
        header = struct.pack("=HxxxxxxQ", len(instructions), ctypes.addressof(self._code))
        self._header = ctypes.create_string_buffer(header, len(header))

    def put_on(self) -> None:
        """For good, and for those who are forked from now on. Raises `OSError`."""
        if _libc().prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, self._header, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "seccomp")


class _ChildProgram(_Program):
    """Laid out before the fork: a child only puts its own number in."""

    def __init__(self, instructions: Sequence[filters.Instruction]) -> None:
        """`instructions` name the child as `filters.NOBODY`, once."""
        super().__init__(instructions)
        #: Where that stands: the last four bytes of its instruction.
        self._place = bytes(self._code).index(_packed(filters.myself(filters.NOBODY))) + 4

    def put_on(self) -> None:
        """For this process."""
        struct.pack_into("=I", self._code, self._place, os.getpid())
        super().put_on()
