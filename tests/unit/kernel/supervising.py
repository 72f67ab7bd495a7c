"""A supervisor as a process of its own: `python -m tests.unit.kernel.supervising FOLDER HOW…`; SIGTERM stops it."""

import asyncio
import signal
import sys
from pathlib import Path

from services.kernel.supervisor import Program, Supervisor


def program(how: str, folder: Path) -> Program:
    return Program(
        name=how,
        arguments=(sys.executable, "-m", "tests.unit.kernel.program", how, str(folder)),
        environment={"PYTHONPATH": str(Path(__file__).parents[3])},
    )


async def main() -> None:
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    supervisor = Supervisor(folder / "logs")
    supervisor.start([program(how, folder) for how in names])
    try:
        await supervisor.watch(stop)
    finally:
        supervisor.stop(5)


if __name__ == "__main__":
    asyncio.run(main())
