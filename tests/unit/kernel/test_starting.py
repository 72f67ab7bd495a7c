"""Modules are imported without looking for garbage; afterwards it is looked for again, but not among them."""

import subprocess
import sys

PROGRAM = """
import gc
from services.kernel.starting import importing
try:
    with importing():
        assert not gc.isenabled()
        import email.mime.text
        kept = {"itself": None}
        raise ImportError
except ImportError:
    pass
assert gc.isenabled() and gc.get_freeze_count() > 1000
kept["itself"] = kept
class Forgotten: pass
forgotten = Forgotten()
forgotten.itself = forgotten
del forgotten
assert gc.collect() > 0
print("as it was")
"""


WITHOUT = """
from services.kernel.starting import importing
with importing(without=("colorsys",)):
    try:
        import colorsys
    except ImportError:
        print("not there")
import colorsys
print(colorsys.__name__)
"""


def told(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_what_is_imported_is_set_apart() -> None:
    assert told(PROGRAM) == "as it was\n"


def test_what_is_left_out_is_there_again_afterwards() -> None:
    assert told(WITHOUT) == "not there\ncolorsys\n"
