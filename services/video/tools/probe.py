"""The function that runs inside the sandbox: measures one file with our own reader, no media library involved."""

from collections.abc import Callable, Mapping, Sequence

from services.video.domain.bmff.source import ReadAt
from services.video.domain.facts import Plain, to_plain
from services.video.domain.measure import measure


def probe(
    sources: Sequence[ReadAt], _arguments: Mapping[str, object], _progress: Callable[[float], None]
) -> dict[str, Plain | dict[str, Plain] | list[list[str]]]:
    """Facts of `sources[0]` as plain data (`domain.facts.from_plain` reads it). Raises only what reading raises."""
    return to_plain(measure(sources[0]))
