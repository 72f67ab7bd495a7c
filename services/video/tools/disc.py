"""Builds a disc image from a local copy of the video and proves it by reading it back."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from services.kernel.errors import AppError, Kind
from services.video.domain.disc import NameNotForDisc, disc_file_name
from services.video.domain.readback import ReadBack
from services.video.ports import DiscOrder
from services.video.tools.iso import ImageUnreadable, Progress, build_image, read_back


class _LocalFile:
    """A local file as a source; use it in a `with` statement."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size_bytes = os.fstat(self._handle).st_size

    def read_at(self, offset: int, length: int) -> bytes:
        return os.pread(self._handle, length, offset)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)


def build(order: DiscOrder, target: Path, progress: Progress | None = None) -> ReadBack:
    """Write the image to `target` and read it back. Blocks; run it in a thread.

    Raises `AppError` disc.bad-name, disc.not-as-written (nothing may call such an image built).
    """
    try:
        name = disc_file_name(order.file_name)
        with _LocalFile(order.video) as video, target.open("w+b") as out:
            build_image(video, out, file_name=name, label=order.label, at=order.at, progress=progress)
        with target.open("rb") as image:
            found = read_back(image)
    except NameNotForDisc as error:
        raise AppError("disc.bad-name", Kind.UNPROCESSABLE) from error
    except ImageUnreadable as error:
        raise AppError("disc.not-as-written", Kind.INTERNAL) from error
    if not found.agrees(name=name, size_bytes=order.size_bytes, sha256=order.sha256):
        raise AppError("disc.not-as-written", Kind.INTERNAL)
    return found
