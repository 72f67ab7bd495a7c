"""`python -m tests.fuzz.documents`: mutated documents and pictures through measuring, and some through everything.

Each must end in findings that are put into words, within its limits. Ends with 1 when one did not; such files are
written to `--keep` with the seed and number that make them again.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from services.kernel.errors import AppError
from services.kernel.sandbox.port import SandboxError
from services.kernel.storage.port import StorageError
from tests.assets.video_fixtures import Stored
from tests.fuzz.document_mutations import mutated
from tests.fuzz.tally import Tally, kept
from tests.hostile.ground import Ground, ground, measured, through_all

AT_ONCE = 2
#: One stage takes at most what its profile has: half a minute for measuring and drawing, minutes for the others.
MOST_S = 60.0
#: What no file may cause.
WRONG = (SandboxError, StorageError, AppError, AssertionError, LookupError, ValueError, TypeError)


async def judged(found: Ground, data: bytes, *, fully: bool) -> tuple[str, str]:
    """What came of it in a word, and which limits were not kept. Raises what must not be raised."""
    if fully:
        ended = await through_all(found, data, "材料.pdf")
        told = " ".join(f"{stage}={how}" for stage, how in ended.stages.items())
        return told, ended.over
    before = len(found.sandbox.used)
    _, findings = await measured(found, Stored(data), "材料")
    worst = next((each.code for each in findings if each.blocks), findings[0].code if findings else "nothing")
    return worst, "; ".join(each.over for each in found.sandbox.used[before:] if each.over)


async def fuzz(seed: int, files: int, fully: int, folder: Path, keep: Path | None) -> tuple[Tally, Tally]:
    """`files` of them, of which `fully` go through everything; each is made from the seed and its number alone. The
    second tally is theirs.
    """
    tallies, numbers = (Tally(), Tally()), iter(range(files))
    every = max(1, files // fully) if fully else 0

    async def work(place: int) -> None:
        async with ground(folder / str(place)) as found:
            for number in numbers:
                all_of_it = bool(every) and number % every == 0
                data, tally = mutated(random.Random(f"documents:{seed}:{number}")), tallies[all_of_it]
                began = time.perf_counter()
                try:
                    how, wrong = await judged(found, data, fully=all_of_it)
                    tally.ended[how] += 1
                except WRONG as error:
                    wrong = f"{type(error).__name__}: {error} {getattr(error, 'detail', '')}"
                if wrong:
                    tally.failed[number] = wrong
                tally.took(number, time.perf_counter() - began, MOST_S)
                if number in tally.failed:
                    await kept(keep, f"{seed}-{number}.pdf", data)

    await asyncio.gather(*(work(place) for place in range(AT_ONCE)))
    return tallies


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.documents")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--fully", type=int, default=1_000, help="files that go through everything")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=None, help="where files go that failed")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        tallies = asyncio.run(fuzz(chosen.seed, chosen.files, chosen.fully, Path(name), chosen.keep))
    for tally in tallies:
        print(tally.printed(chosen.seed))
    bad = any(tally.failed for tally in tallies)
    print("every file ended in findings within its limits" if not bad else "FAULTS: see above")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
