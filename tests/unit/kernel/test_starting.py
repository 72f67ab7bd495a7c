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


def test_what_is_imported_is_set_apart() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "as it was\n", "")
