"""Which system calls are refused, as programs for the kernel's filter: classic BPF over a call's number and arguments.

A zygote puts `for_all` on, once, and its children have it from it; a child adds `for_child`, which is short: the kernel
translates it and goes through it for every call that there is, in each child anew. Numbers by hand, because no wheel
brings libseccomp.
"""

from collections.abc import Iterable

#: Code, how many to pass over if true and if false, value.
Instruction = tuple[int, int, int, int]

_ALLOW, _DENY, _ABSENT = 0x7FFF0000, 0x00050001, 0x00050026  # allow, EPERM, ENOSYS
_CLONE_THREAD = 0x00010000
_LD, _JEQ, _JSET, _JGE, _RET = 0x20, 0x15, 0x45, 0x35, 0x06
_X32_BIT = 0x40000000
#: By machine, as `platform.machine` calls it.
ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
#: What a zygote does for its children, and on the way to being one.
_OF_ZYGOTE = frozenset({"fork", "vfork", "kill", "socketpair", "setpriority", "prlimit64", "setrlimit"})
#: Whatever the arguments.
DENIED = {
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
CLONE = {"x86_64": 56, "aarch64": 220}
TGKILL = {"x86_64": 234, "aarch64": 131}
CLONE3 = 435
#: Denied only with these values: (number, place of the argument, values). A descriptor's owner is signalled, so nobody
#: else may be made the owner (F_SETOWN, F_SETSIG, F_SETOWN_EX; FIOSETOWN, SIOCSPGRP); no typing into a terminal
#: (TIOCSTI, TIOCLINUX); and the child's end when its parent ends stays (PR_SET_PDEATHSIG).
_OWN, _OWN_BY_IOCTL, _LIFELINE = (8, 10, 15), (0x8901, 0x8902, 0x5412, 0x541C), (1,)
DENIED_WITH = {
    "x86_64": ((72, 1, _OWN), (16, 1, _OWN_BY_IOCTL), (157, 0, _LIFELINE)),
    "aarch64": ((25, 1, _OWN), (29, 1, _OWN_BY_IOCTL), (167, 0, _LIFELINE)),
}
#: Stands for the child in its program, until it is known: no process has this number, and no system call.
NOBODY = 0x7FFFFFFF


def for_all(machine: str) -> list[Instruction]:
    """What neither a zygote nor a child needs, and no other way to number calls."""
    program = [(_LD, 0, 0, 4), (_JEQ, 1, 0, ARCHITECTURE[machine]), (_RET, 0, 0, _DENY), (_LD, 0, 0, 0)]
    if machine == "x86_64":
        program += [(_JGE, 0, 1, _X32_BIT), (_RET, 0, 0, _DENY)]
    program += [(_JEQ, 0, 1, CLONE3), (_RET, 0, 0, _ABSENT)]  # its flags stand in memory; libraries fall back to clone
    owning, controlling, _ = DENIED_WITH[machine]
    program += [*_refused_with(owning), *_refused_with(controlling)]
    program += _refused(number for name, number in DENIED[machine].items() if name not in _OF_ZYGOTE)
    return [*program, (_RET, 0, 0, _ALLOW)]


def for_child(machine: str) -> list[Instruction]:
    """What only a zygote may do, after `for_all`: threads but no processes, signals to oneself (`NOBODY`) only."""
    program = [(_LD, 0, 0, 0)]
    program += [(_JEQ, 0, 4, CLONE[machine]), (_LD, 0, 0, 16), (_JSET, 0, 1, _CLONE_THREAD), (_RET, 0, 0, _ALLOW)]
    program += [(_RET, 0, 0, _DENY)]
    program += [(_JEQ, 0, 4, TGKILL[machine]), (_LD, 0, 0, 16), myself(NOBODY), (_RET, 0, 0, _ALLOW)]
    program += [(_RET, 0, 0, _DENY)]
    _, _, lifeline = DENIED_WITH[machine]
    program += _refused_with(lifeline)
    program += _refused(number for name, number in DENIED[machine].items() if name in _OF_ZYGOTE)
    return [*program, (_RET, 0, 0, _ALLOW)]


def myself(process: int) -> Instruction:
    """Go on to the next instruction if what was loaded is this process, else pass over one."""
    return (_JEQ, 0, 1, process)


def _refused(numbers: Iterable[int]) -> list[Instruction]:
    return [each for number in sorted(numbers) for each in ((_JEQ, 0, 1, number), (_RET, 0, 0, _DENY))]


def _refused_with(call: tuple[int, int, tuple[int, ...]]) -> list[Instruction]:
    """Only the lower half of an argument is looked at, as the system does."""
    number, place, values = call
    program = [(_JEQ, 0, 2 * len(values) + 2, number), (_LD, 0, 0, 16 + 8 * place)]
    return [*program, *_refused(values), (_RET, 0, 0, _ALLOW)]
