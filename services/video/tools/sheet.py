"""The technical sheet of a video, as the sandbox calls it: `services.video.tools.sheet:sheet`.

For a reviewer's eye only: what MediaInfo says repeats headers and tags, and headers lie. It follows names to other
files and to the network where it can; here it sees bytes alone, and the sandbox has neither.
"""

import io
from collections.abc import Callable, Mapping, Sequence

from pymediainfo import MediaInfo

from services.video.domain.sheet import FIELDS, KINDS, LONGEST_VALUE, MOST_TRACKS


def sheet(
    sources: Sequence[io.RawIOBase], _arguments: Mapping[str, object], _progress: Callable[[float], None]
) -> list[dict[str, object]]:
    """`kind` and `fields` ([name, value]) of the file and of each track, of what `domain.sheet` lists.

    Raises whatever the library raises.
    """
    found = MediaInfo.parse(io.BufferedReader(sources[0]), parse_speed=0.25)
    sections: list[dict[str, object]] = []
    for track in found.tracks[:MOST_TRACKS]:
        kind = str(track.track_type)
        if kind in KINDS:
            data = track.to_data()
            fields = [[name, said] for name in FIELDS if (said := _said(data, name))]
            sections.append({"kind": kind, "fields": fields})
    return sections


def _said(data: Mapping[str, object], name: str) -> str:
    """As people write it where the library knows how."""
    worded = data.get(f"other_{name}")
    value = worded[0] if isinstance(worded, list) and worded else data.get(name)
    return "" if value is None else str(value)[:LONGEST_VALUE]
