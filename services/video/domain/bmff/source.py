"""Where bytes come from: anything that can be read at an offset, and what reads from it no more than is looked at."""

from bisect import bisect_right
from typing import Protocol

from services.video.domain.bmff.errors import Reason, Truncated

#: Small reads fetch this much at once: one request then holds a box's header and most fragments' index.
READ_AHEAD_BYTES = 4096
#: A range of at most so many bytes is fetched as a whole, and so is a gap below this: a request costs more.
WHOLE_BYTES, GAP_BYTES = 2**18, 2**16
#: After so many requests for one range the rest of it is fetched: whoever makes us hop does not make us ask for ever.
MOST_PIECES = 32


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

    def upto(self, offset: int, length: int, *, ahead: int = 0) -> bytes:
        """`length` bytes from `offset`, fewer at the end of the file; if it must be asked for, at least `ahead` are."""
        start = offset - self._window_offset
        length = max(0, min(length, self.size_bytes - offset))
        if start < 0 or start + length > len(self._window):
            wanted = max(length, ahead, READ_AHEAD_BYTES)
            self._window = self._fetched(offset, min(wanted, self.size_bytes - offset))
            self._window_offset, start = offset, 0
        return self._window[start : start + length]

    def exact(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`. Raises `Truncated` when the file has fewer."""
        return _whole(self.upto(offset, length), offset, length)

    def window(self, offset: int) -> memoryview:
        """What is known from `offset` on without asking."""
        start = offset - self._window_offset
        return memoryview(self._window)[start:] if start >= 0 else memoryview(b"")

    def fetch(self, offset: int, length: int) -> bytes:
        """As `exact`, without reading ahead."""
        return _whole(self._fetched(offset, length), offset, length)

    def _fetched(self, offset: int, length: int) -> bytes:
        data = self._source.read_at(offset, length)
        self.bytes_read += len(data)
        return data


class Range:
    """A part of the file that is fetched where it is looked at, and kept: nobody pays for what is passed over."""

    def __init__(self, reader: Reader, offset: int, length: int) -> None:
        """Nothing is asked for yet. The part lies in the file as a whole."""
        self.offset = offset
        self._reader = reader
        self._content = memoryview(bytearray(length))
        known = reader.window(offset)[:length]
        self._content[: len(known)] = known
        #: Where pieces begin and end that are held, ascending and apart; looked at last was `_begin` to `_end`.
        self._pieces = [(0, len(known))]
        self._begin, self._end = self._pieces[0]

    def view(self, start: int, length: int) -> memoryview:
        """`length` bytes from `start`, which the part has. Raises `Truncated` when the file has become shorter."""
        behind = start + length
        if start < self._begin or behind > self._end:
            self.hold(start, behind)
        return self._content[start:behind]

    def hold(self, start: int, behind: int) -> None:
        """Have the bytes from `start` until before `behind`. Raises `Truncated`."""
        at = bisect_right(self._pieces, (start, len(self._content))) - 1
        if behind > self._pieces[at][1]:
            self._fetch(start, behind, before=self._pieces[at][1])
            at = bisect_right(self._pieces, (start, len(self._content))) - 1
        self._begin, self._end = self._pieces[at]

    def _fetch(self, start: int, behind: int, *, before: int) -> None:
        """Fetch what is missing, and what the constants above want with it; `before` is where the piece ends that
        begins at or before `start`.
        """
        whole = len(self._content)
        begin = before if start - before < GAP_BYTES else start
        behind = min(whole, behind + READ_AHEAD_BYTES)
        if whole <= WHOLE_BYTES or len(self._pieces) >= MOST_PIECES:
            begin, behind = (before if whole <= WHOLE_BYTES else 0), whole
        self._content[begin:behind] = self._reader.fetch(self.offset + begin, behind - begin)
        touching = [piece for piece in self._pieces if piece[0] <= behind and piece[1] >= begin]
        joined = (min([begin, *(piece[0] for piece in touching)]), max([behind, *(piece[1] for piece in touching)]))
        self._pieces = sorted([joined, *(piece for piece in self._pieces if piece not in touching)])


def _whole(data: bytes, offset: int, length: int) -> bytes:
    if len(data) < length:
        raise Truncated(Reason.BOX_PAST_END, offset=offset)
    return data
