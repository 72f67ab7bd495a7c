"""The function that runs inside the sandbox: measures one file with our own reader, no media library involved."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from services.video.domain.bmff.source import ReadAt
from services.video.domain.facts import Plain, to_plain
from services.video.domain.measure import measure


def probe(
    sources: Sequence[ReadAt], _arguments: Mapping[str, object], _progress: Callable[[float], None]
) -> dict[str, Plain | dict[str, Plain] | list[list[str]]]:
    """Facts of `sources[0]` as plain data (`domain.facts.from_plain` reads it). Raises only what reading raises."""
    return to_plain(measure(sources[0]))


class _Sample:
    """The beginning of a small recording with everything that an index usually has."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size_bytes = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


_SAMPLE = _Sample(Path(__file__).with_name("rehearsal.mp4").read_bytes())


def rehearse() -> None:
    """Go through it once, so that a child which waits has at hand what it will need (`sandbox.zygote`)."""
    to_plain(measure(_SAMPLE))
