"""What was gathered on large pages runs, and holds what it held."""

import ctypes
import mmap
import subprocess
import sys

import pytest

from services.kernel.sandbox import large_pages

PROGRAM = """
import hashlib, json, sys, threading
import pikepdf
from services.kernel.sandbox import large_pages

library = large_pages._library()

class Refusing:
    def __getattr__(self, name):
        refusal = large_pages._FAILED if name == "mmap" else -1
        return (lambda *_: refusal) if name == mode else getattr(library, name)

mode = sys.argv[1]
if mode == "too much":
    large_pages._MOST_PROGRAM_BYTES = 0
elif mode == "another system":
    sys.platform = "darwin"
elif mode != "as it is":
    large_pages._library = Refusing

held = [bytes([number % 251]) * 1000 for number in range(20_000)]
before = hashlib.sha256(b"".join(held)).digest()
large_pages.gather()
assert hashlib.sha256(b"".join(held)).digest() == before
held[:] = [piece[::-1] + b"!" for piece in held]
assert sum(map(len, held)) == 20_020_000
assert json.loads(json.dumps({"a": [1, 2.5, None]})) == {"a": [1, 2.5, None]}
try:
    pikepdf.open(sys.executable)
except pikepdf.PdfError:  # thrown through frames of the libraries
    pass
else:
    raise AssertionError("the interpreter is a PDF")
import sqlite3  # a library that comes later
done = []
thread = threading.Thread(target=lambda: done.append(sqlite3.connect(":memory:").execute("SELECT 1 + 1").fetchone()))
thread.start()
thread.join()
assert done == [(2,)]
print(sum(" r-xp 00000000 00:00 0 " in line and "[" not in line for line in open("/proc/self/maps")))
"""


def gathered(mode: str) -> int:
    """How many blocks of the program stand on pages that are no file's."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, mode], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="gathered on Linux only")
@pytest.mark.parametrize("mode", ["another system", "too much", "mmap", "madvise", "mprotect"])
def test_what_cannot_be_or_is_not_worth_it_is_left_as_it_is(mode: str) -> None:
    assert gathered(mode) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="gathered on Linux only")
def test_the_program_runs_on_and_what_is_held_stays() -> None:
    """Where libraries stand is the loader's affair, but the interpreter alone has a whole large page."""
    assert (gathered("as it is") > 0) is kernel_gathers()


def kernel_gathers() -> bool:
    with mmap.mmap(-1, 2 * large_pages._PAGE_BYTES) as memory:
        memory[:] = bytes(len(memory))
        start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        whole = -(-start // large_pages._PAGE_BYTES) * large_pages._PAGE_BYTES
        return bool(large_pages._library().madvise(whole, large_pages._PAGE_BYTES, large_pages._MADV_COLLAPSE) == 0)
