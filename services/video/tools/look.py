"""A look through a whole video, as the sandbox calls it: `services.video.tools.look:look`."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from services.video.domain.look import BLACK_MEAN, COLUMNS
from services.video.tools.decoding import NoPicture, opened, upright

#: The one file in the scratch folder: every sample, small, from the left and the top, `COLUMNS` abreast.
RESULT = "storyboard.jpg"
CELL_PX = (192, 108)
_QUALITY = 72
#: Around an edge of something black it is looked for so often in between.
_HALVINGS = 3


def look(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, object], progress: Callable[[float], None]
) -> dict[str, object]:
    """Writes `scratch / RESULT`; returns `cell_px` [width, height] and `samples`, lists of time_s, mean, spread and
    sharpness (`domain.look.Sample`), in order of time.

    `arguments`: `duration_s`, and at most `most` samples. Raises `NoPicture`, and whatever the library raises on a
    broken file.
    """
    duration_s, most = float(str(arguments["duration_s"])), int(str(arguments["most"]))
    with opened(sources[0], threads=2) as (container, stream):
        seen = _Seen(container, stream)
        moments = [duration_s * number / most for number in range(most)]
        for number, moment in enumerate(moments):
            seen.at(moment)
            progress(0.9 * (number + 1) / most)
        seen.refine()
    if not seen.found:
        raise NoPicture
    ordered = [seen.found[time_s] for time_s in sorted(seen.found)]
    size = _sheet([image for _, image in ordered], Path(str(arguments["scratch"])) / RESULT)
    progress(1)
    return {"cell_px": list(size), "samples": [sample for sample, _ in ordered]}


class _Seen:
    """Frames by their own time: a seek gives the key frame before, for some moments the same."""

    def __init__(self, container: Any, stream: Any) -> None:
        self.found: dict[float, tuple[list[float], Image.Image]] = {}
        self._container, self._stream = container, stream

    def at(self, moment_s: float) -> float | None:
        """Look at the key frame before a moment; its time, None when there is none."""
        self._container.seek(int(moment_s / self._stream.time_base), stream=self._stream)
        frame = next(self._container.decode(self._stream), None)
        if frame is None:
            return None
        time_s = round(float(frame.time or 0), 3)
        if time_s not in self.found:
            image = upright(frame, max(CELL_PX))
            self.found[time_s] = ([time_s, *_measured(frame)], image)
        return time_s

    def refine(self) -> None:
        """Where it turns black or bright again, look in between."""
        times = sorted(self.found)
        for before, after in pairwise(times):
            low, high = before, after
            for _ in range(_HALVINGS):
                if self._is_black(low) == self._is_black(high):
                    break
                middle = self.at((low + high) / 2)
                if middle is None or middle in (low, high):
                    break
                low, high = (middle, high) if self._is_black(middle) == self._is_black(low) else (low, middle)

    def _is_black(self, time_s: float) -> bool:
        return self.found[time_s][0][1] < BLACK_MEAN


def _measured(frame: Any) -> Iterator[float]:
    """Mean, spread and sharpness of its brightness: the variance of the Laplacian at full size."""
    gray = frame.reformat(format="gray").to_ndarray().astype(np.int16)
    yield round(float(gray.mean()), 2)
    yield round(float(gray.std()), 2)
    if min(gray.shape) < 3:
        yield 0.0
        return
    inner = gray[1:-1, 1:-1]
    laplacian = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:] - 4 * inner
    yield round(float(laplacian.var()), 2)


def _sheet(images: Sequence[Image.Image], path: Path) -> tuple[int, int]:
    """One picture of all; the size of a cell, which is the shape of the video."""
    width, height = images[0].size
    scale = min(CELL_PX[0] / width, CELL_PX[1] / height)
    cell = (max(1, round(width * scale)), max(1, round(height * scale)))
    rows = -(-len(images) // COLUMNS)
    sheet = Image.new("RGB", (cell[0] * COLUMNS, cell[1] * rows))
    for number, image in enumerate(images):
        at = (number % COLUMNS) * cell[0], (number // COLUMNS) * cell[1]
        sheet.paste(image.resize(cell, Image.Resampling.BILINEAR), at)
    sheet.save(path, "JPEG", quality=_QUALITY)
    return cell
