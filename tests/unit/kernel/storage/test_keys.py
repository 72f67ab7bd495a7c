"""Keys, prefixes and parts at their limits."""

import pytest

from services.kernel.storage.keys import MAX_PART_BYTES, check_key, check_part, check_prefix
from services.kernel.storage.port import MAX_PARTS, InvalidKey

SHA256 = "0" * 64


@pytest.mark.parametrize("key", ["a", "a/b", "15.2a", "...", "a/..b", "A!_.*'()=+@,-z", "x" * 200])
def test_a_key_that_every_store_takes(key: str) -> None:
    assert check_key(key) == key


@pytest.mark.parametrize("key", ["x" * 201, "a\n", "a/b\n", "~", "a:b", "a?b", "a#b", "a%"])
def test_a_key_that_some_store_would_not_take(key: str) -> None:
    with pytest.raises(InvalidKey):
        check_key(key)


@pytest.mark.parametrize("prefix", ["", "a", "a/", "a/b", "a/.", ".."])
def test_any_beginning_of_a_key_is_a_prefix(prefix: str) -> None:
    assert check_prefix(prefix) == prefix


@pytest.mark.parametrize("prefix", ["/", "//", "a//", "./a", "../", "a/../b", "a\n", "a/b\n"])
def test_what_begins_no_key_is_no_prefix(prefix: str) -> None:
    with pytest.raises(InvalidKey):
        check_prefix(prefix)


@pytest.mark.parametrize(("number", "size_bytes"), [(1, 0), (MAX_PARTS, MAX_PART_BYTES)])
def test_a_part_at_its_limits(number: int, size_bytes: int) -> None:
    check_part(number, size_bytes, SHA256)


@pytest.mark.parametrize(
    ("number", "size_bytes", "sha256"),
    [
        (0, 0, SHA256),
        (MAX_PARTS + 1, 0, SHA256),
        (1, -1, SHA256),
        (1, MAX_PART_BYTES + 1, SHA256),
        (1, 0, "0" * 63),
        (1, 0, "0" * 64 + "\n"),
        (1, 0, "G" * 64),
    ],
)
def test_a_part_beyond_its_limits(number: int, size_bytes: int, sha256: str) -> None:
    with pytest.raises(InvalidKey):
        check_part(number, size_bytes, sha256)
