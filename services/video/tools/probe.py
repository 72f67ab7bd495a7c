"""The function that runs inside the sandbox: measures one file with our own reader, no media library involved."""

from collections.abc import Mapping

from services.video.domain.bmff.source import ReadAt
from services.video.domain.facts import to_plain
from services.video.domain.measure import measure


def probe(source: ReadAt, _args: Mapping[str, object]) -> dict[str, object]:
    """The facts as plain values (`facts.from_plain` reads them back). Raises what `source` raises (`OSError`)."""
    return dict(to_plain(measure(source)))
