"""What was gathered on large pages runs, and holds what it held."""

import subprocess
import sys

import pytest

PROGRAM = """
import hashlib, json, sys, threading
import pikepdf
from services.kernel.sandbox import large_pages

mode = sys.argv[1]
library = large_pages._library()

class Library:
    # The system's own. It refuses one of its calls, or grants large pages whether the kernel has them or not.
    moved = 0

    def __getattr__(self, name):
        refusal = large_pages._FAILED if name == "mmap" else -1
        return (lambda *_: refusal) if name == mode else getattr(library, name)

    def madvise(self, *asked):
        return {"granted": 0, "madvise": -1}[mode] if mode in ("granted", "madvise") else library.madvise(*asked)

    def mremap(self, *asked):
        there = library.mremap(*asked) if mode != "mremap" else large_pages._FAILED
        Library.moved += there == asked[-1]
        return there

large_pages._library = Library
if mode == "too much":
    large_pages._MOST_PROGRAM_BYTES = 0
elif mode == "another system":
    sys.platform = "darwin"

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
standing = sum(" r-xp 00000000 00:00 0 " in line and "[" not in line for line in open("/proc/self/maps"))
assert standing == Library.moved, f"{standing} stand there, {Library.moved} were moved"
print(standing)
"""


def gathered(mode: str) -> int:
    """How many blocks of the program stand on pages that are no file's."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, mode], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="gathered on Linux only")
@pytest.mark.parametrize("mode", ["another system", "too much", "mmap", "madvise", "mprotect", "mremap"])
def test_what_cannot_be_or_is_not_worth_it_is_left_as_it_is(mode: str) -> None:
    assert gathered(mode) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="gathered on Linux only")
def test_the_program_runs_on_and_what_is_held_stays() -> None:
    """Where libraries stand is the loader's affair, but the interpreter alone has a whole large page."""
    assert gathered("granted") > 0


@pytest.mark.skipif(sys.platform != "linux", reason="gathered on Linux only")
def test_it_runs_on_what_this_kernel_gathers() -> None:
    """How many large pages it has at the moment is the kernel's affair: the program holds on any number of them."""
    gathered("as it is")
