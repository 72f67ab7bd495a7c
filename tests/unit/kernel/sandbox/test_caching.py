"""Whatever is asked for in whatever order, the bytes are those of the source; what lies close together is read once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.sandbox.caching import CachedSource

DATA = bytes(range(256)) * 4


class Counted:
    """Its reads, and the bytes."""

    def __init__(self, data: bytes = DATA) -> None:
        self.data = data
        self.reads: list[tuple[int, int]] = []

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    async def read(self, offset: int, length: int) -> bytes:
        self.reads.append((offset, length))
        return self.data[offset : offset + length]


@given(st.lists(st.tuples(st.integers(0, 1100), st.integers(0, 200)), max_size=20), st.integers(1, 4))
async def test_the_bytes_are_the_sources(asked: list[tuple[int, int]], blocks: int) -> None:
    cached = CachedSource(Counted(), block_bytes=64, blocks=blocks)
    assert cached.size_bytes == len(DATA)
    for offset, length in asked:
        assert await cached.read(offset, length) == DATA[offset : offset + length]


async def test_close_reads_are_one() -> None:
    source = Counted()
    cached = CachedSource(source, block_bytes=64)
    for offset in (0, 10, 50, 130, 3):
        await cached.read(offset, 8)
    assert source.reads == [(0, 64), (128, 64)]


async def test_a_read_across_two_blocks_fetches_both() -> None:
    source = Counted()
    assert await CachedSource(source, block_bytes=64).read(60, 8) == DATA[60:68]
    assert source.reads == [(0, 64), (64, 64)]


async def test_a_large_read_goes_past() -> None:
    source = Counted()
    assert await CachedSource(source, block_bytes=64).read(5, 65) == DATA[5:70]
    assert source.reads == [(5, 65)]


async def test_no_more_than_so_many_are_kept() -> None:
    source = Counted()
    cached = CachedSource(source, block_bytes=64, blocks=2)
    for offset in (0, 64, 128, 64, 0):
        await cached.read(offset, 1)
    assert [offset for offset, _ in source.reads] == [0, 64, 128, 0]


async def test_what_the_source_raises_is_raised() -> None:
    class Gone(Counted):
        async def read(self, offset: int, length: int) -> bytes:
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await CachedSource(Gone()).read(0, 1)
