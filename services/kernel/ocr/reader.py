"""The port's one implementation: a child of the sandbox for each picture."""

import asyncio

from services.kernel.ocr.port import Line, Picture
from services.kernel.sandbox.in_memory import BytesSource
from services.kernel.sandbox.port import JsonObject, Profile, Sandbox

#: What the sandbox calls. Its zygote must preload the module, and nothing else: it holds the models.
RECOGNISE = "services.kernel.ocr.recognising:recognise"
PRELOAD = ("services.kernel.ocr.recognising",)
OCR = Profile(name="ocr", memory_bytes=2 * 2**30, cpu_s=20, wall_s=60, read_budget_bytes=16 * 2**20)


class SandboxedReader:
    """See the port."""

    def __init__(self, sandbox: Sandbox, *, at_once: int) -> None:
        """`sandbox` is one of its own (`PRELOAD`); `at_once` pictures are read side by side, each up to 2 GiB."""
        self._sandbox = sandbox
        self._places = asyncio.Semaphore(at_once)

    async def read(self, picture: Picture, *, closely: bool = False) -> tuple[Line, ...]:
        """See the port."""
        how: JsonObject = {"width_px": picture.width_px, "height_px": picture.height_px, "closely": closely}
        async with self._places:
            outcome = await self._sandbox.run(RECOGNISE, how, profile=OCR, sources=[BytesSource(picture.pixels)])
        return tuple(_line(each) for each in outcome.value or ())  # type: ignore[union-attr, arg-type]


def _line(plain: tuple[str, float, list[list[float]]]) -> Line:
    text, confidence, corners = plain
    one, two, three, four = ((float(x), float(y)) for x, y in corners)
    return Line(text=str(text), confidence=float(confidence), corners=(one, two, three, four))
