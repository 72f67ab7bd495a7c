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

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION = 0x20080522
_KEPT_CAPABILITIES = 0b110  # DAC_OVERRIDE, DAC_READ_SEARCH
_PR_GET_SECCOMP = 21
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_ALLOW, _DENY, _ABSENT = 0x7FFF0000, 0x00050001, 0x00050026  # allow, EPERM, ENOSYS
_CLONE_THREAD = 0x00010000
_LD, _JEQ, _JSET, _JGE, _RET = 0x20, 0x15, 0x45, 0x35, 0x06
_X32_BIT = 0x40000000
_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_DENIED = {
    "x86_64": {
        "socket": 41, "connect": 42, "accept": 43, "bind": 49, "listen": 50, "accept4": 288, "socketpair": 53,
        "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "kill": 62, "tkill": 200, "pidfd_send_signal": 424,
        "pidfd_open": 434, "pidfd_getfd": 438, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311,
        "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "setns": 308, "unshare": 272, "bpf": 321,
        "perf_event_open": 298, "add_key": 248, "request_key": 249, "keyctl": 250, "init_module": 175,
        "finit_module": 313, "kexec_load": 246, "reboot": 169, "userfaultfd": 323, "io_uring_setup": 425,
        "prlimit64": 302, "setrlimit": 160, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297, "setpgid": 109,
        "setsid": 112, "chmod": 90, "fchmodat": 268, "chown": 92, "fchownat": 260, "personality": 135,
        # Landlock does not see these change a file.
        "fchmod": 91, "fchown": 93, "lchown": 94, "fchmodat2": 452, "truncate": 76, "mknod": 133, "mknodat": 259,
        "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "setxattrat": 463, "removexattr": 197,
        "lremovexattr": 198, "fremovexattr": 199, "removexattrat": 466, "utime": 132, "utimes": 235, "futimesat": 261,
        "utimensat": 280, "open_by_handle_at": 304,
        # No limit counts this memory, and some of it outlives the process.
        "memfd_create": 319, "memfd_secret": 447, "shmget": 29, "shmat": 30, "shmctl": 31, "semget": 64, "msgget": 68,
        "mq_open": 240,
        # They reach other processes or the machine.
        "setpriority": 141, "sched_setscheduler": 144, "sched_setattr": 314, "sched_setaffinity": 203,
        "ioprio_set": 251, "kcmp": 312, "migrate_pages": 256, "move_pages": 279, "process_madvise": 440, "syslog": 103,
        "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432, "fspick": 433, "mount_setattr": 442,
        "swapon": 167, "swapoff": 168, "sethostname": 170, "iopl": 172, "ioperm": 173, "acct": 163, "quotactl": 179,
        "settimeofday": 164, "clock_settime": 227, "adjtimex": 159, "clock_adjtime": 305, "delete_module": 176,
        "kexec_file_load": 320, "fanotify_init": 300, "name_to_handle_at": 303,
    },
    "aarch64": {
        "socket": 198, "connect": 203, "accept": 202, "bind": 200, "listen": 201, "accept4": 242, "socketpair": 199,
        "execve": 221, "execveat": 281, "kill": 129, "tkill": 130, "pidfd_send_signal": 424, "pidfd_open": 434,
        "pidfd_getfd": 438, "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "mount": 40,
        "umount2": 39, "pivot_root": 41, "chroot": 51, "setns": 268, "unshare": 97, "bpf": 280,
        "perf_event_open": 241, "add_key": 217, "request_key": 218, "keyctl": 219, "init_module": 105,
        "finit_module": 273, "kexec_load": 104, "reboot": 142, "userfaultfd": 282, "io_uring_setup": 425,
        "prlimit64": 261, "setrlimit": 164, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240, "setpgid": 154,
        "setsid": 157, "fchmodat": 53, "fchownat": 54, "personality": 92,
        "fchmod": 52, "fchown": 55, "fchmodat2": 452, "truncate": 45, "mknodat": 33,
        "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "setxattrat": 463, "removexattr": 14, "lremovexattr": 15,
        "fremovexattr": 16, "removexattrat": 466, "utimensat": 88, "open_by_handle_at": 265,
        "memfd_create": 279, "memfd_secret": 447, "shmget": 194, "shmctl": 195, "shmat": 196, "semget": 190,
        "msgget": 186, "mq_open": 180,
        "setpriority": 140, "sched_setscheduler": 119, "sched_setattr": 274, "sched_setaffinity": 122,
        "ioprio_set": 30, "kcmp": 272, "migrate_pages": 238, "move_pages": 239, "process_madvise": 440, "syslog": 116,
        "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432, "fspick": 433, "mount_setattr": 442,
        "swapon": 224, "swapoff": 225, "sethostname": 161, "acct": 89, "quotactl": 60, "settimeofday": 170,
        "clock_settime": 112, "adjtimex": 171, "clock_adjtime": 266, "delete_module": 106, "kexec_file_load": 294,
        "fanotify_init": 262, "name_to_handle_at": 264,
    },
}  # fmt: skip
_CLONE = {"x86_64": 56, "aarch64": 220}
_TGKILL = {"x86_64": 234, "aarch64": 131}
_CLONE3 = 435
#: Denied only with these values: (number, place of the argument, values). A descriptor's owner is signalled, so nobody
#: else may be made the owner (F_SETOWN, F_SETSIG, F_SETOWN_EX; FIOSETOWN, SIOCSPGRP); no typing into a terminal
#: (TIOCSTI, TIOCLINUX); and the child's end when its parent ends stays (PR_SET_PDEATHSIG).
_OWN, _OWN_BY_IOCTL, _LIFELINE = (8, 10, 15), (0x8901, 0x8902, 0x5412, 0x541C), (1,)
_DENIED_WITH = {
    "x86_64": ((72, 1, _OWN), (16, 1, _OWN_BY_IOCTL), (157, 0, _LIFELINE)),
    "aarch64": ((25, 1, _OWN), (29, 1, _OWN_BY_IOCTL), (167, 0, _LIFELINE)),
}
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_ON_FILES = 0b111 | 1 << 14 | 1 << 15  # execute, write, read, truncate, device control
_READ = (1 << 0) | (1 << 2) | (1 << 3)  # execute (to map libraries), read file, read folder
#: No process has this number, and no system call.
_NOBODY = 0x7FFFFFFF
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
    filters = platform.machine() in _ARCHITECTURE and _libc().prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0
    return Layers(seccomp=filters, landlock_version=max(0, version))


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
    """What neither a zygote nor any of its children needs: privileges, capabilities, core dumps, many open files.

    Raises `OSError` when a layer that the machine has cannot be put on.
    """
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, 512)  # what a task may be given, each opened once more, and a few
    if sys.platform == "linux":
        if _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "no_new_privs")
        _drop_capabilities()


@dataclass(frozen=True, kw_only=True, slots=True)
class Confinement:
    """What is the same for every child, made once: half of what putting it on would cost.

    `ruleset` is an open descriptor of Landlock's (-1 where there is none). Whoever holds it could add rules for all
    who come later, so a child closes it before it looks at a file.
    """

    layers: Layers
    readable: tuple[str, ...]
    ruleset: int
    #: Of the system calls; None where there is no seccomp.
    program: "_Program | None"


def prepared(readable: tuple[str, ...]) -> Confinement:
    """For children that may read below these paths. Raises `OSError` when Landlock is there and does not take them."""
    layers = probe()
    ruleset = _ruleset(layers.landlock_version, readable, None) if layers.landlock_version else -1
    program = _Program(_program(platform.machine(), _NOBODY)) if layers.seccomp else None
    return Confinement(layers=layers, readable=readable, ruleset=ruleset, program=program)


def confine(made: Confinement, scratch: str | None, handles: Sequence[int] = ()) -> None:
    """Give up foreign files and forbidden system calls, for good, after `give_up`. With a scratch folder, the files
    open at `handles` may be opened once more for reading, by `/proc/self/fd`. Raises `OSError` when a layer that the
    machine has cannot be put on: then nothing is parsed.
    """
    layers = made.layers
    if layers.landlock_version:
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


def _packed(instruction: tuple[int, int, int, int]) -> bytes:
    return struct.pack("=HBBI", *instruction)


class _Program:
    """A filter as the kernel takes it, laid out before the fork: a child only puts its own number in."""

    def __init__(self, instructions: Sequence[tuple[int, int, int, int]]) -> None:
        """`instructions` name the process that they are for `_NOBODY`, once."""
        code = b"".join(_packed(each) for each in instructions)
        #: Where that stands: the last four bytes of its instruction.
        self._place = code.index(_packed(_myself(_NOBODY))) + 4
        self._code = ctypes.create_string_buffer(code, len(code))
        header = struct.pack("=HxxxxxxQ", len(instructions), ctypes.addressof(self._code))
        self._header = ctypes.create_string_buffer(header, len(header))

    def put_on(self) -> None:
        """For good. Raises `OSError`."""
        struct.pack_into("=I", self._code, self._place, os.getpid())
        if _libc().prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, self._header, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "seccomp")


def _myself(process: int) -> tuple[int, int, int, int]:
    """Go on to the next instruction if what was loaded is this process, else pass over one."""
    return (_JEQ, 0, 1, process)


def _program(machine: str, process: int) -> list[tuple[int, int, int, int]]:
    """Classic BPF over the call's number, for a process: deny by list; threads but no processes; signals to oneself
    only.
    """
    program: list[tuple[int, int, int, int]] = [
        (_LD, 0, 0, 4),
        (_JEQ, 1, 0, _ARCHITECTURE[machine]),
        (_RET, 0, 0, _DENY),
        (_LD, 0, 0, 0),
    ]
    if machine == "x86_64":
        program += [(_JGE, 0, 1, _X32_BIT), (_RET, 0, 0, _DENY)]
    program += [(_JEQ, 0, 1, _CLONE3), (_RET, 0, 0, _ABSENT)]
    program += [(_JEQ, 0, 4, _CLONE[machine]), (_LD, 0, 0, 16), (_JSET, 0, 1, _CLONE_THREAD), (_RET, 0, 0, _ALLOW)]
    program += [(_RET, 0, 0, _DENY)]
    program += [(_JEQ, 0, 4, _TGKILL[machine]), (_LD, 0, 0, 16), _myself(process), (_RET, 0, 0, _ALLOW)]
    program += [(_RET, 0, 0, _DENY)]
    for number, place, values in _DENIED_WITH[machine]:
        program += [(_JEQ, 0, 2 * len(values) + 2, number), (_LD, 0, 0, 16 + 8 * place)]
        for value in values:
            program += [(_JEQ, 0, 1, value), (_RET, 0, 0, _DENY)]
        program += [(_RET, 0, 0, _ALLOW)]
    for number in sorted(_DENIED[machine].values()):
        program += [(_JEQ, 0, 1, number), (_RET, 0, 0, _DENY)]
    return [*program, (_RET, 0, 0, _ALLOW)]
