"""The embedded platform over the deadly composition root: `python -m tests.chaos.serve DATA PORT`."""

import asyncio
import os
import sys
from pathlib import Path

from services.cli.embedded.folder import DataFolder
from services.cli.embedded.platform import Address, Modules, running
from services.kernel import telemetry
from services.kernel.db.roles import SERVICES


async def main(data: str, port: str) -> None:
    """Serve until killed or told to end by the end of standard input."""
    telemetry.configure(service="chaos", level="warning")
    os.environ["CHAOS_PARENT"] = str(os.getpid())
    modules = Modules(by_service={service: ("-m", "tests.chaos.root", service) for service in SERVICES})
    async with running(DataFolder(Path(data)), Address(port=int(port)), modules):
        print("ready", flush=True)  # noqa: T201 - the driver waits for this line
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
