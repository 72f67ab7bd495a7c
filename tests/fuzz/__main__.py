"""`python -m tests.fuzz`: mutated videos through the verdict, and some through all stages, in the service's sandboxes.

Each must end in facts or in a problem that is put into words, whatever it holds. Ends with 1 when one did not, or took
more memory or time than allowed; such files are written to `--keep` with the seed that makes them again.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from services.catalogue import load
from services.catalogue.wording import word
from services.kernel.errors import AppError
from services.kernel.sandbox.port import SandboxError
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.kernel.storage.port import StorageError
from services.video.domain.facts import UnreadableProbe
from services.video.domain.verdict import VideoLimits
from services.video.usecases.measure import PRELOAD
from services.video.usecases.verdict import check_video
from tests.assets.video_fixtures import FILE_NAME, Stored
from tests.fuzz import stages
from tests.fuzz.mutations import beginnings, mutated
from tests.fuzz.tally import Tally, kept

AT_ONCE = 2
LIMITS = VideoLimits.of(load.default())


async def judged(sandbox: ForkingSandbox, data: bytes) -> str:
    """The code of what came first; "pass" without a blocking finding. Raises what must not be raised."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    report = await check_video(sandbox, Stored(data), FILE_NAME, LIMITS, report_id="r", now=now, today=date(2026, 1, 1))
    for finding in report.findings:
        for lang in ("zh", "en"):
            word(finding, lang)
    if any(finding.params.get("reason") == "resources" for finding in report.findings):
        return "out of resources"
    return "pass" if report.verdict == "pass" else report.findings[0].code


async def fuzz(seed: int, files: int, starts: Sequence[bytes], keep: Path | None) -> Tally:
    """`files` of them; each is made from the seed and its number alone."""
    tally, numbers = Tally(), iter(range(files))
    sandbox = ForkingSandbox(preload=PRELOAD)

    async def work() -> None:
        for number in numbers:
            data = mutated(random.Random(f"{seed}:{number}"), starts)
            began = time.perf_counter()
            try:
                tally.ended[await judged(sandbox, data)] += 1
                wrong = ""
            except (SandboxError, UnreadableProbe, LookupError, ValueError) as error:
                wrong = f"{type(error).__name__}: {error} {getattr(error, 'detail', '')}"
            if wrong:
                tally.failed[number] = wrong
            tally.took(number, time.perf_counter() - began)
            if number in tally.failed:
                await kept(keep, f"{seed}-{number}.mp4", data)

    try:
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    finally:
        await sandbox.close()
    return tally


async def fuzz_stages(seed: int, files: int, folder: Path, keep: Path | None) -> Tally:
    """`files` mutated films through every stage, one after the other."""
    tally, starts = Tally(), stages.films(folder)
    async with stages.ground(folder) as found:
        for number in range(files):
            data = stages.spoilt(random.Random(f"stages:{seed}:{number}"), starts)
            try:
                ended = await stages.through_all(found, data)
            except (SandboxError, StorageError, UnreadableProbe, AppError, LookupError, ValueError) as error:
                tally.failed[number] = f"{type(error).__name__}: {error} {getattr(error, 'detail', '')}"
            else:
                tally.ended.update(f"{stage}: {how}" for stage, (how, _) in ended.items())
                tally.took(number, max(took_s for _, took_s in ended.values()))
            if number in tally.failed:
                await kept(keep, f"stages-{seed}-{number}.mp4", data)
    return tally


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--stages", type=int, default=200, help="files that go through all stages")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=None, help="where files go that failed")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        starts = beginnings(Path(name))
        tallies = [
            asyncio.run(fuzz(chosen.seed, chosen.files, starts, chosen.keep)),
            asyncio.run(fuzz_stages(chosen.seed, chosen.stages, Path(name), chosen.keep)),
        ]
    for tally in tallies:
        print(tally.printed(chosen.seed))
    bad = any(tally.failed or tally.ended["out of resources"] for tally in tallies)
    print("every file ended in a verdict within its limits" if not bad else "FAULTS: see above")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
