"""`python -m tests.hostile`: the whole hostile set through measuring, pixels, picture and merge, in the real sandbox.

Ends with 1 when a file was told something else than it should be, ended otherwise than in findings, or took more than
its limits.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from services.kernel.errors import AppError
from services.kernel.sandbox.port import SandboxError
from services.kernel.storage.port import StorageError
from tests.assets.hostile import KINDS
from tests.hostile.ground import Ended, ground, through_all


def _line(name: str, size_bytes: int, ended: Ended, took_s: float) -> str:
    cpu = max((each.cpu_s for each in ended.used), default=0)
    peak = max((each.peak_bytes for each in ended.used), default=0) / 2**20
    stages = " ".join(f"{stage}={how}" for stage, how in ended.stages.items())
    codes = " ".join(sorted(ended.codes)) or "–"
    return f"{took_s:6.2f} s  CPU {cpu:5.2f} s  {peak:4.0f} MiB  {size_bytes:>9} B  {name}: {codes}  [{stages}]"


async def run(wanted: str) -> int:
    """How many failed."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        async with ground(Path(folder)) as found:
            for name, kind in KINDS.items():
                if wanted not in name:
                    continue
                data = kind.make()
                began = time.perf_counter()
                try:
                    ended = await through_all(found, data, kind.file_name)
                except (
                    SandboxError,
                    StorageError,
                    AppError,
                    AssertionError,
                    LookupError,
                    ValueError,
                    TypeError,
                ) as error:
                    print(f"FAILED {name}: {type(error).__name__}: {error} {getattr(error, 'detail', '')}", flush=True)
                    failed += 1
                    continue
                print(_line(name, len(data), ended, time.perf_counter() - began), flush=True)
                if not kind.allows(ended.codes) or ended.over:
                    due = " ".join(sorted(kind.codes))
                    print(f"FAILED {name}: due {due or 'nothing'} {sorted(kind.others)}; {ended.over}", flush=True)
                    failed += 1
            lost = found.sandbox.zygotes_lost
    print(f"{len(KINDS)} kinds, {failed} failed, zygote lost {lost} times")
    return failed + lost


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile")
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    return 1 if asyncio.run(run(parser.parse_args().only)) else 0


if __name__ == "__main__":
    sys.exit(main())
