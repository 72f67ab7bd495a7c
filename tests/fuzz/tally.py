"""What became of the files of one run, and the files that failed."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

MOST_S = 20.0


@dataclass(slots=True)
class Tally:
    """What became of the files: codes and how often, and the failures by number."""

    ended: Counter[str] = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)
    slowest_s: float = 0
    slowest: int = 0

    def took(self, number: int, took_s: float, most_s: float = MOST_S) -> None:
        """One file's time, which is a failure beyond `most_s`."""
        if took_s > self.slowest_s:
            self.slowest_s, self.slowest = took_s, number
        if took_s > most_s:
            self.failed.setdefault(number, f"took {took_s:.1f} s")

    def printed(self, seed: int) -> str:
        """For people."""
        lines = [f"{count:>7}  {code}" for code, count in self.ended.most_common()]
        lines.append(f"slowest: {self.slowest_s:.2f} s ({seed}:{self.slowest})")
        lines += [f"FAILED {seed}:{number}  {why}" for number, why in sorted(self.failed.items())]
        return "\n".join(lines)


async def kept(folder: Path | None, name: str, data: bytes) -> None:
    """Write a file that failed below `folder`, where one was given."""

    def write(into: Path) -> None:
        into.mkdir(parents=True, exist_ok=True)
        (into / name).write_bytes(data)

    if folder is not None:
        await asyncio.to_thread(write, folder)
