"""Puts a file's bytes into its image without carrying them: the kernel copies, and shares blocks where it can."""

import errno
import os
from collections.abc import Callable

from services.video.tools.iso import ImagePlan

#: Bytes done and in all.
Progress = Callable[[int, int], None]
#: Told after each: small enough to show progress and to be stopped, large enough not to matter.
_STEP_BYTES = 64 * 2**20
_BLOCK_BYTES = 2**20
#: What a kernel or a file system says that cannot copy between the two.
_CANNOT = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF})


def place(plan: ImagePlan, video: int, image: int, progress: Progress | None = None) -> None:
    """Write the planned image to the empty file `image` from the file `video`, both open descriptors.

    Raises `OSError`, also when the video has fewer bytes than planned.
    """
    _write(image, plan.head, 0)
    done, copy = 0, _by_kernel if hasattr(os, "copy_file_range") else _by_hand
    while done < plan.payload_bytes:
        wanted = min(_STEP_BYTES, plan.payload_bytes - done)
        try:
            copied = copy(video, image, wanted, done, len(plan.head) + done)
        except OSError as error:
            if copy is _by_hand or error.errno not in _CANNOT:
                raise
            copy = _by_hand
            continue
        if not copied:
            raise OSError(errno.EIO, f"{plan.payload_bytes} bytes were announced, {done} came")
        done += copied
        if progress is not None:
            progress(done, plan.payload_bytes)
    _write(image, plan.tail, len(plan.head) + plan.payload_bytes)


def _by_kernel(video: int, image: int, length: int, begins: int, goes: int) -> int:
    return os.copy_file_range(video, image, length, begins, goes)


def _by_hand(video: int, image: int, length: int, begins: int, goes: int) -> int:
    block = os.pread(video, min(length, _BLOCK_BYTES), begins)
    _write(image, block, goes)
    return len(block)


def _write(image: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(image, view, offset)
        view, offset = view[written:], offset + written
