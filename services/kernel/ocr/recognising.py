"""The function that reads text, as the sandbox calls it: `services.kernel.ocr.recognising:recognise`.

PP-OCR's models as RapidOCR's wheel brings them, on onnxruntime with one thread, so that a process which has them loaded
can be forked: every picture gets a child of its own, and pictures are read side by side.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rapidocr import RapidOCR
from rapidocr.main import RapidOCRError

from services.kernel.sandbox.source import SourceFile

Array = NDArray[Any]
#: The longer side at which lines are looked for, at first and when looked at more closely; they are read at full size.
_AT_FIRST_PX, _CLOSELY_PX = 960, 1920
#: Longer pictures are made smaller first, which is the caller's matter.
MOST_PX = 2000
#: A small picture that is looked at closely is made larger, but no more than so many times.
_ENLARGED = 2.0
#: Taller than this many times its width: the line lies on its side.
_LYING = 1.5


@cache
def _engine(finding_px: int) -> RapidOCR:
    """It loads what it is used for, when it is first used."""
    cv2.setNumThreads(0)
    one = {"intra_op_num_threads": 1, "inter_op_num_threads": 1}
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_vertical_padding": False,
            "Det.limit_type": "max",
            "Det.limit_side_len": finding_px,
            **{f"EngineConfig.onnxruntime.{name}": value for name, value in one.items()},
        }
    )


def prepare() -> None:
    """Load the models, in the process that children are forked from (`sandbox.zygote`): they find them loaded."""
    word = np.full((48, 320, 3), 255, np.uint8)
    cv2.putText(word, "2022", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (0, 0, 0), 3)
    for finding_px in (_AT_FIRST_PX, _CLOSELY_PX):
        _read(np.vstack([word, word]), finding_px)


def recognise(
    sources: Sequence[SourceFile], arguments: Mapping[str, object], _progress: Callable[[float], None]
) -> list[list[object]]:
    """`[text, confidence, [[x, y] × 4]]` for each line of the picture `sources[0]` (`port.Picture`).

    `arguments` are its `width_px` and `height_px`, and whether to look `closely`: for small letters, at three times the
    cost. Raises `ValueError` when the size does not fit the picture, or is above `MOST_PX`.
    """
    width, height = int(str(arguments["width_px"])), int(str(arguments["height_px"]))
    if not (0 < width <= MOST_PX and 0 < height <= MOST_PX):
        raise ValueError(f"{width}×{height} pixels")
    pixels = np.frombuffer(sources[0].read_at(0, 3 * width * height), np.uint8).reshape(height, width, 3)
    picture = np.ascontiguousarray(pixels[:, :, ::-1])
    if not arguments["closely"]:
        return _read(picture, _AT_FIRST_PX)
    scale = min(_ENLARGED, max(1.0, _CLOSELY_PX / max(width, height)))
    enlarged = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return [
        [text, confidence, (np.asarray(corners) / scale).tolist()]
        for text, confidence, corners in _read(enlarged, _CLOSELY_PX)
    ]


def _read(picture: Array, finding_px: int) -> list[list[object]]:
    """Find lines, agree on which way they run, read them."""
    reader = _engine(_AT_FIRST_PX)
    try:
        crops, found = _engine(finding_px).detect_and_crop(picture, {})
        _, directions = reader.cls_and_rotate(crops)
    except RapidOCRError:  # its way to say that there is none
        return []
    boxes = np.asarray(found.boxes, np.float64)
    turns = _turns(boxes, [label == "180" and score > 0.5 for label, score in directions.cls_res or ()])
    upright = [_upright(crop, _is_tall(box), turn) for crop, box, turn in zip(crops, boxes, turns, strict=True)]
    read = reader.recognize_txt(upright)
    return [
        [text, float(score), np.roll(box, -turn, axis=0).tolist()]
        for text, score, box, turn in zip(read.txts or (), read.scores or (), boxes, turns, strict=True)
        if text.strip()
    ]


def _is_tall(box: Array) -> bool:
    """Whether the recogniser's own crop of it was turned to the left."""
    across = max(np.linalg.norm(box[0] - box[1]), np.linalg.norm(box[2] - box[3]))
    down = max(np.linalg.norm(box[0] - box[3]), np.linalg.norm(box[1] - box[2]))
    return bool(int(down) >= _LYING * int(across))


def _turns(boxes: Array, reversed_: Sequence[bool]) -> list[int]:
    """By how many corners each line's reading begins later than at its upper left: the same for all, as most of the
    picture's text has it.
    """
    votes = np.zeros(4)
    for box, turned in zip(boxes, reversed_, strict=True):
        length = max(np.linalg.norm(box[0] - box[1]), np.linalg.norm(box[0] - box[3]))
        votes[(1 if _is_tall(box) else 0) + (2 if turned else 0)] += length
    return [int(votes.argmax())] * len(boxes)


def _upright(crop: Array, tall: bool, turn: int) -> Array:  # noqa: FBT001
    """The crop as it is read. A tall one comes turned to the left by one already."""
    return np.ascontiguousarray(np.rot90(crop, (turn - tall) % 4))
