"""The look through a video as pages and players show it: cells of one picture, each with its moment."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.gateway.plain import Data


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A sample: from when to when it stands for the video, and where it is in the storyboard, in pixels."""

    start_s: float
    end_s: float
    x: int
    y: int
    black: bool


def cells(look: Data, duration_s: float) -> Sequence[Cell]:
    """In order of time; the last one stands until the end."""
    starts = [sample["time_s"] for sample in look["samples"]]
    ends = [*starts[1:], max([duration_s, *starts])][: len(starts)]
    return [
        Cell(
            start_s=start,
            end_s=end,
            x=number % look["columns"] * look["cell_width_px"],
            y=number // look["columns"] * look["cell_height_px"],
            black=look["samples"][number]["black"],
        )
        for number, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]


def size(look: Data) -> tuple[int, int]:
    """Of the storyboard, in pixels."""
    rows = -(-len(look["samples"]) // max(1, look["columns"]))
    return look["columns"] * look["cell_width_px"], rows * look["cell_height_px"]


def vtt(look: Data, duration_s: float) -> str:
    """WebVTT whose cues name a part of `storyboard.jpg`, as players with thumbnails read it."""
    wide, high = look["cell_width_px"], look["cell_height_px"]
    cues = [
        f"{_clock(cell.start_s)} --> {_clock(cell.end_s)}\nstoryboard.jpg#xywh={cell.x},{cell.y},{wide},{high}"
        for cell in cells(look, duration_s)
        if cell.end_s > cell.start_s
    ]
    return "\n\n".join(["WEBVTT", *cues]) + "\n"


def _clock(moment_s: float) -> str:
    whole = round(moment_s * 1000)
    return f"{whole // 3_600_000:02}:{whole // 60_000 % 60:02}:{whole // 1000 % 60:02}.{whole % 1000:03}"
