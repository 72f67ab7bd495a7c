"""Which limit a file hit that nobody could check to its end. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Limit(StrEnum):
    """What was too much; each has its own words in `pdf.too-complex`."""

    TIME = "time"
    MEMORY = "memory"
    BYTES = "bytes"
    CRASH = "crash"
    OBJECTS = "objects"
    NESTING = "nesting"
    PAGES = "pages"
    PIXELS = "pixels"
    PICTURE_BYTES = "picture-bytes"


_UNITS: Mapping[Limit, str] = {
    Limit.TIME: "s",
    Limit.MEMORY: "bytes",
    Limit.BYTES: "bytes",
    Limit.PICTURE_BYTES: "bytes",
    Limit.PAGES: "pages",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Excess:
    """`allowed` is in seconds, bytes, objects, levels, pages or pixels, as the limit is; 0 where there is none.
    `found` is what the file wants, where that is known before it is tried (0: not known).
    """

    limit: Limit
    allowed: int = 0
    found: int = 0

    @property
    def unit(self) -> str | None:
        """Of both numbers, as findings name units."""
        return _UNITS.get(self.limit)

    def to_json(self) -> list[str | int]:
        """Plain data."""
        return [self.limit.value, self.allowed, self.found]


def from_json(data: object) -> Excess | None:
    """What `data` says, None for None. Raises `ValueError` where it does not have the promised shape."""
    if data is None:
        return None
    match data:
        case [str(limit), int(allowed), int(found)] if allowed >= 0 and found >= 0:
            return Excess(limit=Limit(limit), allowed=allowed, found=found)
    raise ValueError(f"a limit was expected, not {type(data).__name__}")
