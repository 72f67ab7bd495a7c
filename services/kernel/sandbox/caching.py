"""A source of which small reads that lie close together are fetched once.

A child asks for few bytes at a time, because what it does not ask for it need not copy; a store is better asked for
more.
"""

from collections import OrderedDict

from services.kernel.sandbox.port import ByteSource, LocalSource


class CachedSource:
    """Keeps the last blocks of another source; a read of more than a block goes past them."""

    def __init__(self, source: ByteSource, *, block_bytes: int = 2**16, blocks: int = 64) -> None:
        """Nothing is read yet. The source stays the caller's."""
        self._source = source
        self._block_bytes = block_bytes
        self._most = blocks
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    @property
    def size_bytes(self) -> int:
        """See `ByteSource`."""
        return self._source.size_bytes

    async def read(self, offset: int, length: int) -> bytes:
        """See `ByteSource`."""
        if length > self._block_bytes:
            return await self._source.read(offset, length)
        first, last = offset // self._block_bytes, max(0, offset + length - 1) // self._block_bytes
        found = b"".join([await self._block(number) for number in range(first, last + 1)])
        begin = offset - first * self._block_bytes
        return found[begin : begin + length]

    async def descriptor(self) -> int | None:
        """See `LocalSource`: what is cached then is not needed."""
        return await self._source.descriptor() if isinstance(self._source, LocalSource) else None

    async def _block(self, number: int) -> bytes:
        found = self._blocks.pop(number, None)
        if found is None:
            found = await self._source.read(number * self._block_bytes, self._block_bytes)
        self._blocks[number] = found
        if len(self._blocks) > self._most:
            self._blocks.popitem(last=False)
        return found
