"""One picture of a video, as the sandbox calls it: `services.video.tools.poster:poster`."""

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import av
from PIL import Image

#: The one file in the scratch folder.
RESULT = "poster.jpg"
WIDTH_PX = 960
#: Into the opening, where the card stands; earlier in a shorter video.
AT_S = 2.0
_QUALITY = 80
#: Frames that are decoded on the way from the key frame before: ten seconds of them.
_MOST_FRAMES = 600
_MOST_PIXELS = 8192 * 8192
_TURNS = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}


class NoPicture(ValueError):
    """The video has no frame that can be decoded."""


def poster(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, object], _progress: Callable[[float], None]
) -> dict[str, int]:
    """Writes `scratch / RESULT`, `WIDTH_PX` wide and upright; returns its size in pixels.

    Raises `NoPicture`, and whatever the library raises on a broken file.
    """
    # The container's kind is fixed: with any other demuxer a file could name other files.
    with av.open(sources[0], format="mov", options={"enable_drefs": "0"}) as container:
        if not container.streams.video:
            raise NoPicture
        stream = container.streams.video[0]
        stream.thread_count = 1
        if (stream.width or 0) * (stream.height or 0) > _MOST_PIXELS:
            raise NoPicture
        image = _image(_frame(container, stream))
    image.thumbnail((WIDTH_PX, 4 * WIDTH_PX))
    image.save(Path(str(arguments["scratch"])) / RESULT, "JPEG", quality=_QUALITY)
    return {"width_px": image.width, "height_px": image.height}


def _frame(container: Any, stream: Any) -> Any:
    """The last frame up to `AT_S`."""
    chosen = None
    for number, frame in enumerate(container.decode(stream)):
        if chosen is not None and (number >= _MOST_FRAMES or (frame.time or 0) > AT_S):
            break
        chosen = frame
    if chosen is None:
        raise NoPicture
    return chosen


def _image(frame: Any) -> Image.Image:
    made: Image.Image = frame.to_image()
    turn = _TURNS.get(round(frame.rotation) % 360)
    return made if turn is None else made.transpose(turn)
