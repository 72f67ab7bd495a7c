"""Runs one of our own programs (ffmpeg from its wheel) with a wall limit; its input is ours, not a stranger's."""

import subprocess
from collections.abc import Sequence


class ProgramFailed(Exception):
    """The program ended with an error; the message holds the end of what it said."""


def run_program(arguments: Sequence[str], *, wall_s: float) -> None:
    """Run to the end. Raises `ProgramFailed`, also when it takes longer than `wall_s`."""
    try:
        done = subprocess.run(
            list(arguments), stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=wall_s
        )
    except subprocess.TimeoutExpired as error:
        raise ProgramFailed(f"{arguments[0]} took longer than {wall_s:.0f} s") from error
    if done.returncode != 0:
        raise ProgramFailed(done.stderr.decode(errors="replace")[-500:])
