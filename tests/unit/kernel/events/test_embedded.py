"""Where a key belongs never changes: moving keys would break their order for ever."""

from collections import Counter

import pytest

from services.kernel.events.embedded import partition_of
from services.kernel.events.port import PARTITIONS


@pytest.mark.parametrize(("key", "partition"), [("", 4), ("f1", 12), ("张三", 20)])
def test_a_key_keeps_its_partition(key: str, partition: int) -> None:
    assert partition_of(key, PARTITIONS) == partition


def test_keys_spread_over_all_partitions() -> None:
    counted = Counter(partition_of(f"key-{number}", PARTITIONS) for number in range(24_000))
    assert set(counted) == set(range(PARTITIONS))
    assert max(counted.values()) < 1_200


def test_one_partition_takes_every_key() -> None:
    assert {partition_of(f"key-{number}", 1) for number in range(100)} == {0}
