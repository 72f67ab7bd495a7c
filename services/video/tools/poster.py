"""One picture of a video, as the sandbox calls it: `services.video.tools.poster:poster`."""

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from services.video.tools.decoding import NoPicture, opened, upright

#: The one file in the scratch folder.
RESULT = "poster.jpg"
WIDTH_PX = 960
#: Into the opening, where the card stands; earlier in a shorter video.
AT_S = 2.0
_QUALITY = 80
#: Frames that are decoded on the way from the key frame before: ten seconds of them.
_MOST_FRAMES = 600


def poster(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, object], _progress: Callable[[float], None]
) -> dict[str, int]:
    """Writes `scratch / RESULT`, `WIDTH_PX` wide and upright; returns its size in pixels.

    Raises `NoPicture`, and whatever the library raises on a broken file.
    """
    with opened(sources[0]) as (container, stream):
        image = upright(_frame(container, stream), 4 * WIDTH_PX)
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
