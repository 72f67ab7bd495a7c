"""Memory made ready for being forked holds what it held."""

import platform as platform_module
import subprocess
import sys

import pytest

PROGRAM = """
import hashlib, sys
from services.kernel.sandbox import heap
held = [bytes([number % 251]) * 1000 for number in range(20_000)]
before = hashlib.sha256(b"".join(held)).digest()
heap.take_holes(short=sys.argv[1] == "short")
assert hashlib.sha256(b"".join(held)).digest() == before
held[:] = [piece[::-1] + b"!" for piece in held]
large = [bytearray(size) for size in (4 * 2**20, 6 * 2**20)]
assert not any(map(any, large))
print(sum(map(len, held)))
"""


@pytest.mark.parametrize("kind", ["short", "long"])
@pytest.mark.parametrize("platform", [sys.platform, "darwin"])
def test_what_is_held_stays(platform: str, kind: str) -> None:
    program = f"import sys; sys.platform = {platform!r}\n{PROGRAM}"
    done = subprocess.run([sys.executable, "-c", program, kind], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "20020000\n", "")


@pytest.mark.skipif(platform_module.libc_ver()[0] != "glibc", reason="this C library is left as it is")
def test_large_blocks_stand_on_the_heap_but_for_short_tasks() -> None:
    program = """
import ctypes, sys
from services.kernel.sandbox import heap
heap.take_holes(short=sys.argv[1] == "short")
library = ctypes.CDLL(None)
library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
for size in (9 * 2**19, 6 * 2**20):
    block = library.malloc(size)
    bounds = [line for line in open("/proc/self/maps") if "[heap]" in line][-1].split()[0].split("-")
    print(int(bounds[0], 16) <= block < int(bounds[1], 16), end=" ")
"""
    told = [
        subprocess.run([sys.executable, "-c", program, kind], capture_output=True, text=True, check=True).stdout.split()
        for kind in ("short", "long")
    ]
    assert told == [["False", "False"], ["True", "False"]]
