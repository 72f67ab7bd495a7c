"""Builds a disc image from a local copy of the video and proves it by reading it back."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from services.kernel.errors import AppError, Kind
from services.video.domain.bmff.source import FileSource
from services.video.domain.disc import NameNotForDisc
from services.video.tools.iso import ImageUnreadable, Progress, ReadBack, build_image, read_back


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscOrder:
    """What is to stand on the disc."""

    video: Path
    file_name: str
    size_bytes: int
    sha256: str
    label: str
    #: Every time on the disc: when the file was stored.
    at: datetime


def build(order: DiscOrder, target: Path, progress: Progress | None = None) -> ReadBack:
    """Write the image to `target` and read it back. Blocks; run it in a thread.

    Raises `AppError` disc.bad-name, disc.not-as-written (nothing may call such an image built).
    """
    try:
        with order.video.open("rb") as file, target.open("w+b") as out:
            build_image(
                FileSource(file), out, file_name=order.file_name, label=order.label, at=order.at, progress=progress
            )
        with target.open("rb") as image:
            found = read_back(image)
    except NameNotForDisc as error:
        raise AppError("disc.bad-name", Kind.UNPROCESSABLE) from error
    except ImageUnreadable as error:
        raise AppError("disc.not-as-written", Kind.INTERNAL) from error
    name = found.files[0].name if found.files else ""
    if not found.agrees(name=name, size_bytes=order.size_bytes, sha256=order.sha256):
        raise AppError("disc.not-as-written", Kind.INTERNAL)
    return found
