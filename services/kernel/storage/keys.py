"""Which keys and parts the store takes: a subset of S3's that every file system keeps apart, too.

A key is 1 to 1024 ASCII characters, components of 1 to 200 joined by "/", none of them "." or "..".
"""

import re
from collections.abc import Sequence

from services.kernel.storage.port import (
    MAX_PARTS,
    MIN_PART_BYTES,
    InvalidKey,
    PartDamaged,
    PartTooSmall,
    StoredPart,
)

MAX_KEY_BYTES = 1024
MAX_COMPONENT_BYTES = 200
#: S3's bound for one part.
MAX_PART_BYTES = 5 * 2**30
_COMPONENT = re.compile(rf"[A-Za-z0-9!_.*'()=+@,-]{{1,{MAX_COMPONENT_BYTES}}}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_key(key: str) -> str:
    """The key itself. Raises `InvalidKey`."""
    if len(key) > MAX_KEY_BYTES or not all(map(_is_component, key.split("/"))):
        raise InvalidKey("not a key of the object store")
    return key


def check_prefix(prefix: str) -> str:
    """The prefix of keys itself: "" (all), or any beginning of a key. Raises `InvalidKey`."""
    folders, _, rest = prefix.rpartition("/")
    if folders:
        check_key(folders)
    # "a/." may still become the key "a/.x"; it is compared with names only, never resolved.
    if (prefix.startswith("/")) or (rest and not _COMPONENT.fullmatch(rest)):
        raise InvalidKey("not a prefix of keys of the object store")
    return prefix


def check_part(number: int, size_bytes: int, sha256: str) -> None:
    """Raises `InvalidKey` for a part that S3 would not take, or a digest that is not 64 lower-case hex digits."""
    if not 1 <= number <= MAX_PARTS:
        raise InvalidKey(f"part number {number} is not in 1..{MAX_PARTS}")
    if not 0 <= size_bytes <= MAX_PART_BYTES:
        raise InvalidKey(f"a part of {size_bytes} bytes; allowed are 0..{MAX_PART_BYTES}")
    if not _SHA256.fullmatch(sha256):
        raise InvalidKey("a SHA-256 is 64 lower-case hexadecimal digits")


def check_order(parts: Sequence[StoredPart]) -> None:
    """Whether `parts` can be joined. Raises `PartDamaged` for a list that is empty or not in order, `PartTooSmall`."""
    numbers = [part.number for part in parts]
    if not parts or numbers != sorted(set(numbers)):
        raise PartDamaged("the list of parts is empty or not in order")
    for part in parts[:-1]:
        if part.size_bytes < MIN_PART_BYTES:
            raise PartTooSmall(f"part {part.number}: {part.size_bytes} bytes, at least {MIN_PART_BYTES} are needed")


def _is_component(text: str) -> bool:
    return text not in (".", "..") and _COMPONENT.fullmatch(text) is not None
