"""A source as the child sees it: a seekable file whose bytes the parent serves."""

import io
import socket

from services.kernel.sandbox import wire


class RemoteFile(io.RawIOBase):
    """Reads ranges over the task's socket; wrap it in `io.BufferedReader` for many small reads."""

    def __init__(self, connection: socket.socket, index: int, size_bytes: int) -> None:
        """`index` is the source's place in the task."""
        super().__init__()
        self._connection = connection
        self._index = index
        self._position = 0
        self.size_bytes = size_bytes
        self.bytes_read = 0

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`, fewer only at the end; leaves the position alone."""
        pieces = []
        end = min(offset + length, self.size_bytes)
        while offset < end:
            wire.send(self._connection, {"read": [self._index, offset, min(end - offset, wire.MAX_READ_BYTES)]})
            piece = wire.receive(self._connection)
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
