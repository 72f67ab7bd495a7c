"""Memory made ready for being forked holds what it held."""

import subprocess
import sys

import pytest

PROGRAM = """
import hashlib
from services.kernel.sandbox import heap
held = [bytes([number % 251]) * 1000 for number in range(20_000)]
before = hashlib.sha256(b"".join(held)).digest()
heap.take_holes()
assert hashlib.sha256(b"".join(held)).digest() == before
held[:] = [piece[::-1] + b"!" for piece in held]
print(sum(map(len, held)))
"""


@pytest.mark.parametrize("platform", [sys.platform, "darwin"])
def test_what_is_held_stays(platform: str) -> None:
    program = f"import sys; sys.platform = {platform!r}\n{PROGRAM}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "20020000\n", "")
