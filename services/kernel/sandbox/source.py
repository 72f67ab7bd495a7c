"""A source as the child sees it: a seekable file, whose bytes the parent serves unless it is a file of this machine."""

import io
import os
import socket
from abc import abstractmethod

from services.kernel.sandbox import wire


class SourceFile(io.RawIOBase):
    """Reads ranges; wrap it in `io.BufferedReader` for many small reads."""

    def __init__(self, size_bytes: int) -> None:
        """At the beginning."""
        super().__init__()
        self._position = 0
        self.size_bytes = size_bytes
        self.bytes_read = 0

    @abstractmethod
    def _piece(self, offset: int, length: int) -> bytes:
        """At least one byte of a range that is there, or b"" where the source is shorter than it said."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`, fewer only at the end; leaves the position alone."""
        pieces = []
        end = min(offset + length, self.size_bytes)
        while offset < end:
            piece = self._piece(offset, end - offset)
            if not piece:
                break
            pieces.append(piece)
            offset += len(piece)
            self.bytes_read += len(piece)
        return b"".join(pieces)

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
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size_bytes}[whence]
        if base + offset < 0:
            raise OSError("negative seek")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]
        """Fill `buffer` from the position."""
        data = self.read_at(self._position, len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


class RemoteFile(SourceFile):
    """Reads over the task's socket."""

    def __init__(self, connection: socket.socket, index: int, size_bytes: int) -> None:
        """`index` is the source's place in the task."""
        super().__init__(size_bytes)
        self._connection = connection
        self._index = index

    def _piece(self, offset: int, length: int) -> bytes:
        wire.send(self._connection, {"read": [self._index, offset, min(length, wire.MAX_READ_BYTES)]})
        return wire.receive(self._connection)


class LocalFile(SourceFile):
    """A file of this machine, opened by the parent for reading only. Others may read by the same descriptor: whoever
    takes `fileno` must not move its position.
    """

    def __init__(self, handle: int, size_bytes: int) -> None:
        """Owns `handle`."""
        super().__init__(size_bytes)
        self._handle = handle

    def fileno(self) -> int:
        """For mapping it into memory."""
        return self._handle

    def _piece(self, offset: int, length: int) -> bytes:
        return os.pread(self._handle, length, offset)

    def close(self) -> None:
        """Also the descriptor."""
        if not self.closed:
            os.close(self._handle)
        super().close()
