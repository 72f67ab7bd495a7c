"""The surgery video's disc (M15-2g): what may stand on it, under which name, and how large a video fits."""

import unicodedata

#: A sector; everything on the disc takes whole ones.
SECTOR_BYTES = 2048
#: Sectors of the image besides the file: descriptors of ISO 9660, Joliet and UDF before it, anchors behind it. A test
#: holds this against images that were built.
OVERHEAD_SECTORS = 300
#: Joliet's longest name, in 16-bit units.
MAX_NAME_UNITS = 64
#: Longest volume label that all three file systems share.
MAX_LABEL_CHARACTERS = 16
#: Joliet forbids these; they also mean something to shells and Windows.
_FORBIDDEN = frozenset('*/:;?\\<>|"')


class NameNotForDisc(ValueError):
    """A file name that the disc cannot carry; says why in English, without quoting the name."""


def units(name: str) -> int:
    """16-bit units that a name takes in Joliet and UDF; rare Han characters take two."""
    return len(name.encode("utf-16-be", "surrogatepass")) // 2


def image_bytes(file_bytes: int) -> int:
    """An upper bound of the image's size for a file of that size."""
    return (OVERHEAD_SECTORS + -(-file_bytes // SECTOR_BYTES)) * SECTOR_BYTES


def largest_file_bytes(capacity_bytes: int) -> int:
    """The largest file whose image still fits on a disc of that capacity."""
    return max(0, capacity_bytes // SECTOR_BYTES - OVERHEAD_SECTORS) * SECTOR_BYTES


def disc_file_name(name: str) -> str:
    """`name` as it stands on the disc: composed (NFC), otherwise untouched. Raises `NameNotForDisc`."""
    composed = unicodedata.normalize("NFC", name)
    if not composed or composed != composed.strip(" .") or composed.startswith("-"):
        raise NameNotForDisc("empty, or begins or ends with a space, a dot or a hyphen")
    if any(c in _FORBIDDEN or unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in composed):
        raise NameNotForDisc("holds a character that a disc cannot carry")
    if units(composed) > MAX_NAME_UNITS:
        raise NameNotForDisc(f"is longer than {MAX_NAME_UNITS} characters")
    return composed


def volume_label(year: int) -> str:
    """The label that the disc shows; ASCII, the same on all three file systems, and free of personal data."""
    return f"SHENBAO_{year:04d}"
