"""A composition root that composes a service as its own `main` does, over ports that kill at one call.

Run as `python -m tests.chaos.root SERVICE`; CHAOS_KILL names the point, CHAOS_PARENT the process that holds the
platform together. The product knows nothing of this.
"""

import importlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, NoReturn

from services.gateway import main as gateway
from services.kernel import runtime, wiring
from services.kernel.config import ServiceSettings
from services.kernel.platform import Platform
from tests.chaos.points import Point


def kill_everything() -> NoReturn:
    """`kill -9`: the parent, by whose lifelines every other process goes, and this one."""
    os.kill(int(os.environ["CHAOS_PARENT"]), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


async def cut(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The first piece of a body, then death."""
    async for piece in body:
        yield piece[: len(piece) // 2]
        kill_everything()


class Deadly:
    """A port whose one method kills at one call and is otherwise the real thing."""

    def __init__(self, port: object, point: Point) -> None:
        self._port = port
        self._point = point
        self._calls = 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._port, name)
        if name != self._point.method:
            return real

        async def call(*arguments: Any, **named: Any) -> Any:
            self._calls += self._point.carrying in repr((arguments, named))
            now = self._calls == self._point.nth
            if now and self._point.when == "before":
                kill_everything()
            if now and self._point.when == "mid":
                arguments = (arguments[0], cut(arguments[1]))
            answer = await real(*arguments, **named)
            if now:
                kill_everything()
            return answer

        return call


def main(service: str) -> None:
    """Run `service`, deadly when the point is its own."""
    text = os.environ.get("CHAOS_KILL", "")
    point = Point.parse(text) if text else None
    mine = point if point is not None and point.service == service else None
    if service == "gateway":
        if mine is not None:
            real = wiring.open_endpoint
            wiring.open_endpoint = lambda *arguments: Deadly(real(*arguments), mine)  # type: ignore[assignment]
        gateway.main()
        return

    @asynccontextmanager
    async def opener(name: str, settings: ServiceSettings) -> AsyncIterator[Platform]:
        async with wiring.open_platform(name, settings) as platform:
            if mine is not None:
                deadly: Any = Deadly(getattr(platform, mine.port), mine)
                platform = replace(platform, **{mine.port: deadly})
            yield platform

    module = importlib.import_module(f"services.{service}.main")
    runtime.run(service, module.Settings, module.compose, opener)


if __name__ == "__main__":
    main(sys.argv[1])
