"""What is looked at is read, what is passed over is not, and nobody can make the reader ask without end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.video.domain.bmff import source
from services.video.domain.bmff.errors import Truncated
from services.video.domain.bmff.source import Range, Reader


class Noted:
    """Bytes that remember what they were asked for."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size_bytes = len(data)
        self.asked: list[tuple[int, int]] = []

    def read_at(self, offset: int, length: int) -> bytes:
        self.asked.append((offset, length))
        return self.data[offset : offset + length]


DATA = bytes(range(251)) * 40


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "READ_AHEAD_BYTES", 16)
    monkeypatch.setattr(source, "WHOLE_BYTES", 200)
    monkeypatch.setattr(source, "GAP_BYTES", 64)


@given(
    offset=st.integers(0, 5000),
    length=st.integers(1, 5000),
    peeked=st.integers(0, 9000),
    views=st.lists(st.tuples(st.integers(0, 4999), st.integers(0, 300)), max_size=60),
)
def test_every_view_is_what_stands_there(offset: int, length: int, peeked: int, views: list[tuple[int, int]]) -> None:
    noted = Noted(DATA)
    reader = Reader(noted)
    reader.upto(peeked, 16)
    part = Range(reader, offset, length)
    for start, wanted in views:
        start %= length
        wanted = min(wanted, length - start)
        assert part.view(start, wanted) == DATA[offset + start : offset + start + wanted]
    assert len(noted.asked) <= source.MOST_PIECES + 2
    assert reader.bytes_read == sum(asked for _, asked in noted.asked)


def ranged(length: int) -> tuple[Noted, Range]:
    noted = Noted(DATA)
    return noted, Range(Reader(noted), 100, length)


def test_a_small_range_is_fetched_as_a_whole() -> None:
    noted, part = ranged(200)
    part.view(50, 1)
    part.view(199, 1)
    assert noted.asked == [(100, 200)]


def test_a_large_gap_is_passed_over_and_a_smaller_one_is_read_through() -> None:
    noted, part = ranged(1000)
    part.view(0, 8)  # and 16 ahead
    part.view(24 + 63, 8)
    part.view(111 + 64, 8)
    assert noted.asked == [(100, 24), (124, 87), (275, 24)]


def test_what_is_known_is_not_asked_for_again() -> None:
    noted = Noted(DATA)
    reader = Reader(noted)
    reader.upto(90, 16)
    part = Range(reader, 100, 1000)
    part.view(0, 6)
    assert len(noted.asked) == 1
    part.view(0, 7)
    assert noted.asked[1] == (106, 17)


def test_one_who_makes_us_hop_gets_the_rest_read() -> None:
    noted, part = ranged(9000)
    for number in range(source.MOST_PIECES * 2):
        part.view(number * 130, 8)
    assert len(noted.asked) == source.MOST_PIECES + 1
    assert noted.asked[-1] == (100, 9000)


def test_a_file_that_became_shorter_is_truncated() -> None:
    noted = Noted(DATA)
    part = Range(Reader(noted), 9000, 1000)
    noted.data = DATA[:9500]
    with pytest.raises(Truncated):
        part.view(490, 30)
