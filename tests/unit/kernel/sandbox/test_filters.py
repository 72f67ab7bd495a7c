"""The filters of each architecture, run by a small interpreter: this machine can only try its own in earnest."""

import os
import struct

import pytest

from services.kernel.sandbox import filters

ALLOW, REFUSE, ABSENT = 0x7FFF0000, 0x00050001, 0x00050026
MACHINES = ("x86_64", "aarch64")
#: Reading, writing, mapping memory, opening a file, ending.
HARMLESS = {"x86_64": (0, 1, 9, 257, 231), "aarch64": (63, 64, 222, 56, 94)}


def verdict(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """What a child is answered: it has both filters, and what refuses goes before what allows."""
    data = _data(number, arguments, filters.ARCHITECTURE[machine] if architecture is None else architecture)
    mine = [
        filters.myself(os.getpid()) if each == filters.myself(filters.NOBODY) else each
        for each in filters.for_child(machine)
    ]
    return min(_run(filters.for_all(machine), data), _run(mine, data))


def verdict_of_zygote(machine: str, number: int, *arguments: int) -> int:
    """What a zygote is answered."""
    return _run(filters.for_all(machine), _data(number, arguments, filters.ARCHITECTURE[machine]))


def _data(number: int, arguments: tuple[int, ...], architecture: int) -> bytes:
    return struct.pack("=IIQ6Q", number, architecture, 0, *(*arguments, *[0] * 6)[:6])


def _run(program: list[filters.Instruction], data: bytes) -> int:
    accumulator = position = 0
    while True:
        code, if_true, if_false, value = program[position]
        position += 1
        match code:
            case 0x20:
                [accumulator] = struct.unpack_from("=I", data, value)
            case 0x15:
                position += if_true if accumulator == value else if_false
            case 0x45:
                position += if_true if accumulator & value else if_false
            case 0x35:
                position += if_true if accumulator >= value else if_false
            case 0x06:
                return value
            case _:
                raise AssertionError(f"{code:#x} is no instruction of ours")


@pytest.mark.parametrize("machine", MACHINES)
def test_each_listed_call_is_refused_and_ordinary_ones_are_not(machine: str) -> None:
    for name, number in filters.DENIED[machine].items():
        assert verdict(machine, number) == REFUSE, name
    for number in HARMLESS[machine]:
        assert verdict(machine, number) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_threads_are_allowed_and_processes_are_not(machine: str) -> None:
    clone = filters.CLONE[machine]
    assert verdict(machine, clone, 0x3D0F00) == ALLOW  # what a C library asks for a thread
    assert verdict(machine, clone, 0x01200011) == REFUSE  # and for a fork
    assert verdict(machine, filters.CLONE3) == ABSENT  # its flags stand in memory; the library falls back to clone


@pytest.mark.parametrize("machine", MACHINES)
def test_signals_reach_oneself_alone(machine: str) -> None:
    assert verdict(machine, filters.TGKILL[machine], os.getpid(), 1, 6) == ALLOW
    assert verdict(machine, filters.TGKILL[machine], os.getppid(), 1, 6) == REFUSE


@pytest.mark.parametrize("machine", MACHINES)
def test_some_calls_are_judged_by_an_argument(machine: str) -> None:
    (fcntl, _, owning), (ioctl, _, controlling), (prctl, _, lifelines) = filters.DENIED_WITH[machine]
    for value in owning:
        assert verdict(machine, fcntl, 3, value) == REFUSE
    assert verdict(machine, fcntl, 3, 1) == ALLOW
    for value in controlling:
        assert verdict(machine, ioctl, 3, value) == REFUSE
        assert verdict(machine, ioctl, 3, value | 1 << 32) == REFUSE  # the system looks at the lower half only
    assert verdict(machine, ioctl, 3, 0x5401) == ALLOW
    for value in lifelines:
        assert verdict(machine, prctl, value) == REFUSE
    assert verdict(machine, prctl, 15) == ALLOW


def test_another_way_to_number_calls_is_no_way_round() -> None:
    for machine, number in (("x86_64", 39), ("aarch64", 172)):
        assert verdict(machine, number) == ALLOW
        assert verdict(machine, number, architecture=0x40000003) == REFUSE
    assert verdict("x86_64", 0x40000000 | 39) == REFUSE


@pytest.mark.parametrize("machine", MACHINES)
def test_a_zygote_may_fork_and_end_its_children_and_little_else(machine: str) -> None:
    assert verdict_of_zygote(machine, filters.CLONE[machine], 0x01200011) == ALLOW
    for name in ("kill", "socketpair", "setpriority", "prlimit64"):
        assert verdict_of_zygote(machine, filters.DENIED[machine][name]) == ALLOW
    _, _, (prctl, _, lifelines) = filters.DENIED_WITH[machine]
    assert verdict_of_zygote(machine, prctl, *lifelines) == ALLOW
    for name in ("socket", "execve", "ptrace", "mount", "memfd_create"):
        assert verdict_of_zygote(machine, filters.DENIED[machine][name]) == REFUSE
