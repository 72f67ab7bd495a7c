"""Where bytes come from: anything that can be read at an offset, and the reader that counts what it took."""

from typing import Protocol

from services.video.domain.bmff.errors import Reason, Truncated

#: Small reads fetch this much at once: one request then holds a box's header and most fragments' index.
READ_AHEAD_BYTES = 4096


class ReadAt(Protocol):
    """Bytes with a known length: a local file, a ranged object, the parent's end of the sandbox."""

    @property
    def size_bytes(self) -> int:
        """Length of the whole content."""
        ...

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end, b"" at or past it. May raise `OSError`."""
        ...


class Reader:
    """Reads exact ranges of a source and counts the bytes that it fetched."""

    def __init__(self, source: ReadAt) -> None:
        """The source stays the caller's."""
        self._source = source
        self._window = b""
        self._window_offset = 0
        self.size_bytes = source.size_bytes
        self.bytes_read = 0

    def upto(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`, fewer at the end of the file."""
        start = offset - self._window_offset
        length = max(0, min(length, self.size_bytes - offset))
        if start < 0 or start + length > len(self._window):
            self._window = self._source.read_at(offset, max(length, min(READ_AHEAD_BYTES, self.size_bytes - offset)))
            self._window_offset, start = offset, 0
            self.bytes_read += len(self._window)
        return self._window[start : start + length]

    def exact(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`. Raises `Truncated` when the file has fewer."""
        data = self.upto(offset, length)
        if len(data) < length:
            raise Truncated(Reason.BOX_PAST_END, offset=offset)
        return data
