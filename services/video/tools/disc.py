"""Disc images: from a local video, proven by reading them back; and the tools with which the service makes its own."""

import os
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

from services.kernel.errors import AppError, Kind
from services.video.domain.disc import NameNotForDisc, disc_file_name
from services.video.domain.readback import Directories, ReadBack
from services.video.ports import DiscOrder
from services.video.tools.iso import ImagePlan, ImageUnreadable, plan_image, read_back, read_directories
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


class IsoTools:
    """See `ports.DiscTools`."""

    def plan(self, size_bytes: int, *, file_name: str, label: str, at: datetime) -> ImagePlan:
        """See the port."""
        try:
            return plan_image(size_bytes, file_name=file_name, label=label, at=at)
        except NameNotForDisc as error:
            raise AppError("disc.bad-name", Kind.UNPROCESSABLE) from error

    def directories(self, head: bytes, payload_bytes: int, tail: bytes) -> Directories:
        """See the port."""
        try:
            return read_directories(ImagePlan(head=head, payload_bytes=payload_bytes, tail=tail))
        except ImageUnreadable as error:
            raise AppError("disc.not-as-written", Kind.INTERNAL) from error
