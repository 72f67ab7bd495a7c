"""What a file could make a parser do, as functions that run in the sandbox.

One that is refused raises the system's error, which the parent sees as `SandboxFailed`; what it got away with is
returned instead, so a test that expects the error fails.
"""

import ctypes
import fcntl
import json
import mmap
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from services.kernel.sandbox.source import RemoteFile, SourceFile

Sources = Sequence[SourceFile]
Arguments = dict[str, str]
Progress = Callable[[float], None]
LIBC = ctypes.CDLL(None, use_errno=True)


def echo(_sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    return arguments


def pid(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    return os.getpid()


def until_it_gives_way(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    """How nice it is at the beginning, and once that has changed."""
    before = now = os.getpriority(os.PRIO_PROCESS, 0)
    while now == before:
        now = os.getpriority(os.PRIO_PROCESS, 0)
    return [before, now]


def read_all(sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    return [source.read().decode() for source in sources]


def read_tail_twice(sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    [source] = sources
    source.seek(-3, os.SEEK_END)
    at = source.tell()
    return [
        source.read(10).decode(),
        at,
        source.tell(),
        source.read_at(0, 2).decode(),
        source.tell(),
        source.bytes_read,
    ]


def harm_file(sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    """A file that was handed over for reading, or opened once more by its number."""
    handle = sources[0].fileno()
    act: dict[str, Callable[[], object]] = {
        "write": lambda: os.pwrite(handle, b"mine", 0),
        "cut": lambda: os.ftruncate(handle, 0),
        "change its mode": lambda: os.fchmod(handle, 0o777),
        "change its times": lambda: os.utime(handle, (0, 0)),
        "open for writing": lambda: os.open(f"/proc/self/fd/{handle}", os.O_RDWR),
        "open to cut": lambda: os.open(f"/proc/self/fd/{handle}", os.O_WRONLY | os.O_TRUNC),
        "open its folder": lambda: list(Path(f"/proc/self/fd/{handle}/..").iterdir()),
    }
    return act[arguments["act"]]()


def open_again(sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    return [Path(f"/proc/self/fd/{source.fileno()}").read_text() for source in sources]


def report_progress(_sources: Sources, _arguments: Arguments, progress: Progress) -> object:
    for fraction in (0.25, 0.5, 7):
        progress(fraction)
    return None


def use_thread(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(os.getpid()))
    thread.start()
    thread.join()
    return found == [os.getpid()]


def import_lazily(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    import wave

    return wave.__name__


def held_capabilities(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    held = ctypes.create_string_buffer(24)
    LIBC.capget(struct.pack("=Ii", 0x20080522, 0), held)
    effective, permitted, _, *high = struct.unpack("=6I", held.raw)
    return effective | permitted | sum(high) << 32


def write_scratch(_sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    path = Path(arguments["scratch"], "out")
    path.write_bytes(b"x" * int(arguments["size"]))
    return len(path.read_bytes())


def open_socket(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    return str(socket.socket())


def open_unix_socket(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    return str(socket.socket(socket.AF_UNIX))


def open_path(_sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    return Path(arguments["path"]).read_bytes().decode(errors="replace")


def list_path(_sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    return [path.name for path in Path(arguments["path"]).iterdir()]


def create_path(_sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    return Path(arguments["path"]).write_text("mine")


def remove_path(_sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    Path(arguments["path"]).unlink()
    return "removed"


def cut_path(_sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    os.truncate(arguments["path"], 0)
    return "cut"


def change_mode(_sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    Path(arguments["path"]).chmod(0o777)
    return "changed"


def change_mode_of_library(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    handle = os.open(json.__file__, os.O_RDONLY)  # which a child may read
    os.fchmod(handle, os.fstat(handle).st_mode)
    return "changed"


def make_device(_sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    os.mkfifo(Path(arguments["scratch"], "pipe"))
    return "made"


def mark_library(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    os.setxattr(json.__file__, "user.mine", b"1")
    return "marked"


def run_shell(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    return os.waitstatus_to_exitcode(os.system("true"))


def run_program(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    return subprocess.run(["/bin/true"], check=False).returncode


def spawn_program(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    return os.posix_spawn("/bin/true", ["true"], {})


def become_program(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    os.execv("/bin/true", ["true"])


def fork(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    if os.fork() == 0:
        os._exit(0)
    return "forked"


def kill_zygote(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    os.kill(os.getppid(), signal.SIGKILL)
    return "killed"


def kill_service(_sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    os.kill(int(arguments["pid"]), signal.SIGKILL)
    return "killed"


def signal_by_descriptor(_sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    """A descriptor that is ready signals its owner, and the owner may be anybody."""
    reading, writing = os.pipe()
    fcntl.fcntl(reading, fcntl.F_SETOWN, int(arguments["pid"]))
    fcntl.fcntl(reading, fcntl.F_SETFL, os.O_ASYNC)
    os.write(writing, b"x")
    return "signalled"


def outlive_zygote(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    return _checked(LIBC.prctl(1, 0, 0, 0, 0))


def raise_limit(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
    return "set"


def hide_memory(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    """Memory that no limit of address space counts."""
    return os.memfd_create("hidden")


def share_memory(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    """Memory that outlives the process."""
    return _checked(LIBC.shmget(0, 4096, 0o1600))


def trace(_sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    return _checked(LIBC.ptrace(16, int(arguments["pid"]), None, None))


def mount(_sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    return _checked(LIBC.mount(b"none", arguments["scratch"].encode(), b"tmpfs", 0, None))


def leave_namespace(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    return _checked(LIBC.unshare(0x10000000))


def _checked(result: int) -> str:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return "done"


def allocate_some(_sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    return len(bytearray(int(arguments["bytes"])))


def rulesets(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    """How many of our descriptors take another rule of Landlock's: those who come later would be bound by it, too."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open("/dev/null", os.O_RDONLY)
    rule = struct.pack("=Qi", 1 << 2, handle)
    return sum(libc.syscall(ctypes.c_long(445), descriptor, 1, rule, 0) == 0 for descriptor in range(128))


def sockets(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    """How many of our descriptors are sockets; the one of the task is."""
    found = 0
    for descriptor in range(128):
        try:
            found += stat.S_ISSOCK(os.fstat(descriptor).st_mode)
        except OSError:
            continue
    return found


def allocate(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    hoard = []
    while True:
        hoard.append(bytearray(2**20))


def allocate_small(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    hoard: list[object] = []
    while True:
        hoard.append([hoard])


def map_memory(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    return len(mmap.mmap(-1, 2**40))


def spin(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    while True:
        pass


def spin_deaf(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    while True:
        pass


def wait_for_ever(_sources: Sources, _arguments: Arguments, progress: Progress) -> object:
    progress(0)
    while True:
        time.sleep(3600)  # the hostile one sleeps, not the test


def hang_up_and_wait(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    os.closerange(3, 100)
    while True:
        time.sleep(3600)


def write_without_end(_sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    with Path(arguments["scratch"], "out").open("wb") as output:
        while True:
            output.write(bytes(2**16))


def write_many_files(_sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    number = 0
    while True:
        Path(arguments["scratch"], str(number)).write_bytes(bytes(2**16))
        number += 1


def write_many_empty_files(_sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    number = 0
    while True:
        Path(arguments["scratch"], f"empty{number}").touch()
        number += 1


def print_without_end(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    while True:
        sys.stderr.write("x" * 2**16)


def report_without_end(_sources: Sources, _arguments: Arguments, progress: Progress) -> object:
    while True:
        progress(0.5)


def crash(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    return ctypes.string_at(0)


def abort(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    os.abort()


def leave(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    os._exit(0)


def leave_politely(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    sys.exit(0)


def raise_error(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    raise LookupError("x" * 10_000)


def raise_silent_error(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise ValueError

    raise Unspeakable


def recurse(sources: Sources, arguments: Arguments, progress: Progress) -> object:
    return recurse(sources, arguments, progress)


def return_bytes(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    return b"not JSON"


def return_nan(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    return float("nan")


def return_much(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    return "x" * 2**23


def _connection(sources: Sources) -> socket.socket:
    [source] = sources
    assert isinstance(source, RemoteFile)
    return source._connection


def announce_much(sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    _connection(sources).sendall(struct.pack("!I", 2**32 - 1))
    return _connection(sources).recv(1)


def send_noise(sources: Sources, arguments: Arguments, _progress: Progress) -> object:
    body = arguments["body"].encode()
    _connection(sources).sendall(struct.pack("!I", len(body)) + body)
    return _connection(sources).recv(100).decode()


def rehearse() -> None:
    """As a module of ours goes through its work before there is any."""
    REHEARSED.append(os.getpid())


REHEARSED: list[int] = []


def rehearsed(_sources: Sources, _arguments: Arguments, _progress: Progress) -> object:
    return os.getpid() in REHEARSED
