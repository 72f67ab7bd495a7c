"""Decoding in the sandbox: one container, one picture track, frames the right way up."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import av
from PIL import Image

#: Above it nothing is decoded: a frame of 8192² already takes 300 MB.
_MOST_PIXELS = 8192 * 8192
_TURNS = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}


class NoPicture(ValueError):
    """The video has no frame that can be decoded."""


@contextmanager
def opened(source: io.RawIOBase, *, threads: int = 1) -> Iterator[tuple[Any, Any]]:
    """The container and its first picture track. Raises `NoPicture`, and whatever the library raises on a broken file.

    The container's kind is fixed: with any other demuxer a file could name other files.
    """
    with av.open(source, format="mov", options={"enable_drefs": "0"}) as container:
        if not container.streams.video:
            raise NoPicture
        stream = container.streams.video[0]
        stream.thread_count = threads
        if (stream.width or 0) * (stream.height or 0) > _MOST_PIXELS:
            raise NoPicture
        yield container, stream


def upright(frame: Any, most_px: int) -> Image.Image:
    """The frame in colour, turned as the file says, its longer side at most `most_px`."""
    scale = min(1.0, most_px / max(frame.width, frame.height))
    size = {"width": max(1, round(frame.width * scale)), "height": max(1, round(frame.height * scale))}
    made: Image.Image = frame.reformat(format="rgb24", **size).to_image()
    turn = _TURNS.get(round(frame.rotation) % 360)
    return made if turn is None else made.transpose(turn)
