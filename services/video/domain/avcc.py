"""The decoder configuration of H.264 in an mp4 (`avcC`, ISO/IEC 14496-15): read, and two made into one."""

from collections.abc import Sequence
from dataclasses import dataclass

_LENGTH_BYTES = 4
_HEAD_BYTES = 6


class CannotJoin(ValueError):
    """Two configurations that do not go together; says why in English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """Sequence and picture parameter sets, each as it stands in the stream; `extension` follows in high profiles."""

    profile: int
    compatibility: int
    level: int
    length_bytes: int
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    extension: bytes

    @classmethod
    def read(cls, data: bytes) -> "Configuration":
        """Raises `CannotJoin` when it is none."""
        if len(data) <= _HEAD_BYTES or data[0] != 1:
            raise CannotJoin("no avcC")
        sps, behind = _sets(data, _HEAD_BYTES, data[5] & 31)
        if behind >= len(data):
            raise CannotJoin("the avcC is cut off")
        pps, end = _sets(data, behind + 1, data[behind])
        return cls(
            profile=data[1], compatibility=data[2], level=data[3], length_bytes=(data[4] & 3) + 1, sps=sps, pps=pps,
            extension=data[end:],
        )  # fmt: skip

    def joined(self, other: "Configuration") -> bytes:
        """One avcC for streams of both, whose sets must have different numbers. Raises `CannotJoin`."""
        if {self.length_bytes, other.length_bytes} != {_LENGTH_BYTES}:
            raise CannotJoin(f"lengths of {self.length_bytes} and {other.length_bytes} bytes")
        sps, pps = (*self.sps, *other.sps), (*self.pps, *other.pps)
        head = (1, max(self.profile, other.profile), self.compatibility & other.compatibility,
                max(self.level, other.level), 0xFC | (_LENGTH_BYTES - 1), 0xE0 | len(sps))  # fmt: skip
        return bytes(head) + _written(sps) + bytes([len(pps)]) + _written(pps) + (self.extension or other.extension)


def _sets(data: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    found = []
    for _ in range(count):
        length = int.from_bytes(data[at : at + 2], "big")
        found.append(data[at + 2 : at + 2 + length])
        at += 2 + length
        if at > len(data):
            raise CannotJoin("the avcC is cut off")
    return tuple(found), at


def _written(sets: Sequence[bytes]) -> bytes:
    return b"".join(len(each).to_bytes(2, "big") + each for each in sets)
