"""The function that reads a foreign disc image inside the sandbox."""

from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO, cast

from services.video.domain.bmff.source import ReadAt
from services.video.domain.readback import Plain, to_plain
from services.video.tools.iso import SourceFile, read_back


def inspect(
    sources: Sequence[ReadAt], _arguments: Mapping[str, object], _progress: Callable[[float], None]
) -> dict[str, Plain | list[dict[str, Plain]]]:
    """What the image `sources[0]` holds (`domain.readback.from_plain` reads it). Raises `ImageUnreadable`."""
    return to_plain(read_back(cast("BinaryIO", SourceFile(sources[0]))))
