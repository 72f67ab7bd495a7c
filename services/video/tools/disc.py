"""Builds a disc image from a local copy of the video and proves it by reading it back."""

import os
from pathlib import Path
from typing import BinaryIO, cast

from services.kernel.errors import AppError, Kind
from services.video.domain.disc import NameNotForDisc, disc_file_name
from services.video.domain.readback import ReadBack
from services.video.ports import DiscOrder
from services.video.tools.iso import ImageUnreadable, plan_image, read_back
from services.video.tools.placing import Progress, place


def build(order: DiscOrder, target: Path, progress: Progress | None = None) -> ReadBack:
    """Write the image to `target` and read it back. Blocks; run it in a thread.

    Raises `AppError` disc.bad-name, disc.not-as-written (nothing may call such an image built).
    """
    try:
        with order.video.open("rb", buffering=0) as video, target.open("xb", buffering=0) as image:
            size_bytes = os.fstat(video.fileno()).st_size
            plan = plan_image(size_bytes, file_name=order.file_name, label=order.label, at=order.at)
            place(plan, video.fileno(), image.fileno(), progress)
        with target.open("rb", buffering=0) as image:
            found = read_back(cast("BinaryIO", image))
    except NameNotForDisc as error:
        raise AppError("disc.bad-name", Kind.UNPROCESSABLE) from error
    except ImageUnreadable as error:
        raise AppError("disc.not-as-written", Kind.INTERNAL) from error
    if not found.agrees(name=disc_file_name(order.file_name), size_bytes=order.size_bytes, sha256=order.sha256):
        raise AppError("disc.not-as-written", Kind.INTERNAL)
    return found
