"""Bytes at hand as a source."""


class BytesSource:
    """See `port.ByteSource`."""

    def __init__(self, data: bytes) -> None:
        """Nothing is copied."""
        self._data = data
        self.size_bytes = len(data)

    async def read(self, offset: int, length: int) -> bytes:
        """See the port."""
        return self._data[offset : offset + length]
