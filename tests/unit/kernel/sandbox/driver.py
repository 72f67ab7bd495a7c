"""A service in small, as a process of its own: `python -m tests.unit.kernel.sandbox.driver wait|try FOLDER [short]`.

`wait` prints the ids of its zygote and its child, then waits for ever; `try` prints what became of some tasks.
"""

import asyncio
import json
import sys
from pathlib import Path

from services.kernel.sandbox.port import JsonObject, Profile, SandboxFailed
from services.kernel.sandbox.sandbox import ForkingSandbox

HOSTILE = "tests.unit.kernel.sandbox.hostile"
PROFILE = Profile(name="test", memory_bytes=2**29, cpu_s=10, wall_s=600, read_budget_bytes=0, output_bytes=2**20)


async def wait(sandbox: ForkingSandbox, _folder: Path) -> None:
    def tell(_fraction: float) -> None:
        assert sandbox._process is not None
        zygote = sandbox._process.pid
        children = Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split()
        print(json.dumps([zygote, *(int(child) for child in children)]), flush=True)  # noqa: T201 - the test reads it

    await sandbox.run(f"{HOSTILE}:wait_for_ever", {}, profile=PROFILE, progress=tell)


async def try_out(sandbox: ForkingSandbox, folder: Path) -> None:
    became: dict[str, object] = {}
    for name in ("write_scratch", "open_socket", "fork", "open_path", "signal_by_descriptor"):
        try:
            arguments: JsonObject = {"scratch": str(folder), "size": 3, "path": "/etc/passwd", "pid": 1}
            outcome = await sandbox.run(f"{HOSTILE}:{name}", arguments, profile=PROFILE, scratch=folder)
            became[name] = outcome.value
        except SandboxFailed as error:
            became[name] = error.kind
    print(json.dumps(became), file=sys.stderr)  # noqa: T201 - the test reads it


async def main() -> None:
    sandbox = ForkingSandbox(preload=[HOSTILE], short=sys.argv[3:] == ["short"])
    await {"wait": wait, "try": try_out}[sys.argv[1]](sandbox, Path(sys.argv[2]))
    await sandbox.close()


if __name__ == "__main__":
    asyncio.run(main())
