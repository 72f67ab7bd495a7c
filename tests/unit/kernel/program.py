"""A supervised program in small: `python -m tests.unit.kernel.program HOW FOLDER`.

It writes its process id into a file of `FOLDER` that nobody else has, follows its parent, and then does as told.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from services.kernel import lifeline


def _note(folder: Path, text: str) -> None:
    with (folder / "notes").open("a") as notes:
        notes.write(f"{text}\n")


def main() -> None:
    how, folder = sys.argv[1], Path(sys.argv[2])
    # Blocked, so that none is lost before it is waited for.
    asked = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, asked)
    lifeline.follow_parent()
    if how.startswith("ends-"):
        sys.stderr.write("why it ended\n")
        _note(folder, f"{how} {os.getpid()}")
        sys.exit(int(how.removeprefix("ends-")))
    if how == "once" and not (folder / "been").exists():
        (folder / "been").touch()
        _note(folder, f"{how} {os.getpid()}")
        sys.exit(1)
    if how == "wrapped":  # a program that knows nothing of lifelines, as PostgreSQL
        reading, _writing = os.pipe()
        command = [sys.executable, "-m", "tests.unit.kernel.program", "stubborn", str(folder)]
        subprocess.Popen(
            [sys.executable, "-I", "-S", lifeline.__file__, str(reading), str(int(signal.SIGKILL)), "--", *command],
            pass_fds=(reading,),
        )
    _note(folder, f"{how} {os.getpid()}")
    got = signal.sigwait(asked)
    while how == "stubborn":
        signal.sigwait(asked)
    _note(folder, f"stopped {int(got)} {how}")


if __name__ == "__main__":
    main()
