"""The pictures of an opening that are worth reading, as the sandbox calls it: `services.video.tools.shots:shots`."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.video.tools.decoding import NoPicture, opened, upright

Gray = NDArray[np.int16]
#: Pictures are looked at so often a second, and compared as small as this.
_RATE_HZ = 2
_SMALL = (64, 36)
#: The same picture: no part of it changed by more, nor all of it on average, of 255.
_PART_CHANGED, _ALL_CHANGED = 20, 3.0
#: A picture whose brightest and darkest parts are closer has nothing written in it.
_BLANK = 5
#: Above so many pixels a second key frames stand for what lies between them.
_MOST_PIXELS_PER_S = 1920 * 1088 * 60
#: The longer side of what is kept.
WIDEST_PX = 1920
_QUALITY = 88


@dataclass(slots=True)
class _Run:
    """A stretch in which the picture does not change; `frame` is its last."""

    start_s: float
    time_s: float
    samples: int
    small: Gray
    frame: Any


def shots(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, object], progress: Callable[[float], None]
) -> list[dict[str, float | int]]:
    """Writes `scratch / N.rgb` (`kernel.ocr.port.Picture`) and `N.jpg` for each, the likeliest to be a card first;
    returns their `time_s`, `width_px` and `height_px`.

    `arguments`: `seconds` of the beginning are looked at, and at most `most` pictures chosen. Raises `NoPicture`, and
    whatever the library raises on a broken file.
    """
    seconds, most = float(str(arguments["seconds"])), int(str(arguments["most"]))
    scratch = Path(str(arguments["scratch"]))
    with opened(sources[0], threads=2) as (container, stream):
        runs = list(_runs(_samples(container, stream, seconds), lambda time_s: progress(min(1.0, time_s / seconds))))
        if not runs:
            raise NoPicture
        return [_kept(run, scratch / str(number)) for number, run in enumerate(chosen(runs, most))]


def _kept(run: _Run, path: Path) -> dict[str, float | int]:
    image = upright(run.frame, WIDEST_PX)
    path.with_suffix(".rgb").write_bytes(image.tobytes())
    image.save(path.with_suffix(".jpg"), "JPEG", quality=_QUALITY)
    return {"time_s": round(run.time_s, 3), "width_px": image.width, "height_px": image.height}


def _samples(container: Any, stream: Any, seconds: float) -> Iterator[tuple[float, Any]]:
    """Time and frame, `_RATE_HZ` times a second."""
    rate = float(stream.average_rate or 25)
    if (stream.width or 0) * (stream.height or 0) * rate > _MOST_PIXELS_PER_S:
        yield from _key_frames(container, stream, seconds)
        return
    due = 0.0
    for frame in container.decode(stream):
        time_s = float(frame.time or 0)
        if time_s > seconds:
            return
        if time_s >= due:
            yield time_s, frame
            due = max(due + 1 / _RATE_HZ, time_s + 0.5 / _RATE_HZ)


def _key_frames(container: Any, stream: Any, seconds: float) -> Iterator[tuple[float, Any]]:
    """The key frame before each second, each once."""
    last = -1.0
    for second in range(int(seconds) + 1):
        container.seek(int(second / stream.time_base), stream=stream)
        frame = next(container.decode(stream), None)
        if frame is None:
            return
        time_s = float(frame.time or 0)
        if last < time_s <= seconds:
            last = time_s
            yield time_s, frame


def _runs(samples: Iterator[tuple[float, Any]], at: Callable[[float], None]) -> Iterator[_Run]:
    run: _Run | None = None
    for time_s, frame in samples:
        at(time_s)
        small = _small(frame)
        if run is not None and same(run.small, small):
            run.time_s, run.samples, run.small, run.frame = time_s, run.samples + 1, small, frame
            continue
        if run is not None:
            yield _set_aside(run)
        run = _Run(time_s, time_s, 1, small, frame)
    if run is not None:
        yield _set_aside(run)


def _set_aside(run: _Run) -> _Run:
    """A large frame is not kept in its full size while others are looked at."""
    if run.frame.width > WIDEST_PX or run.frame.height > WIDEST_PX:
        scale = WIDEST_PX / max(run.frame.width, run.frame.height)
        smaller = run.frame.reformat(width=round(run.frame.width * scale), height=round(run.frame.height * scale))
        run.frame = _Turned(smaller, run.frame.rotation)
    return run


class _Turned:
    """A frame made smaller, which has forgotten how it is to be turned."""

    def __init__(self, frame: Any, rotation: float) -> None:
        self.rotation = rotation
        self.width, self.height, self.reformat = frame.width, frame.height, frame.reformat


def _small(frame: Any) -> Gray:
    small = frame.reformat(width=_SMALL[0], height=_SMALL[1], format="gray", interpolation="AREA")
    return np.asarray(small.to_ndarray(), np.int16)


def same(one: Gray, other: Gray) -> bool:
    """Whether two small pictures show the same. Text that comes or goes changes some parts, hardly the whole."""
    changed = np.abs(one - other)
    return bool(changed.mean() < _ALL_CHANGED and np.percentile(changed, 99) < _PART_CHANGED)


def chosen(runs: Sequence[_Run], most: int) -> Sequence[_Run]:
    """At most `most` of them: those that stand, the longest first, each picture once; then, evenly, what moves."""
    written = [run for run in runs if int(run.small.max() - run.small.min()) >= _BLANK]
    standing = sorted((run for run in written if run.samples > 1), key=lambda run: (-run.samples, run.start_s))
    taken: list[_Run] = []
    for run in standing:
        if len(taken) < most and not any(same(run.small, other.small) for other in taken):
            taken.append(run)
    moving = [run for run in written if run.samples == 1]
    places = min(most - len(taken), len(moving))
    taken += [moving[(2 * place + 1) * len(moving) // (2 * places)] for place in range(places)]
    return taken or list(runs[:1])
