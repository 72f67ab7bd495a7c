"""Decoding in the sandbox: one container, one picture track, frames the right way up."""

import io
from collections import OrderedDict
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


class Blocks(io.RawIOBase):
    """A file read in whole blocks, of which the latest are kept: a library that reads by the kilobyte, now pictures and
    now sound, would else ask the store a thousand times a second.
    """

    _BLOCK, _KEPT = 2**20, 16

    def __init__(self, source: io.RawIOBase) -> None:
        """`source` knows how to seek."""
        super().__init__()
        self._source = source
        self._size = source.seek(0, io.SEEK_END)
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position; beyond the end is allowed, before the start is not."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError("negative seek")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as one block goes; 0 at the end."""
        if self._position >= self._size:
            return 0
        number, start = divmod(self._position, self._BLOCK)
        piece = self._block(number)[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            self._source.seek(number * self._BLOCK)
            self._blocks[number] = self._source.read(min(self._BLOCK, self._size - number * self._BLOCK)) or b""
            if len(self._blocks) > self._KEPT:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]
