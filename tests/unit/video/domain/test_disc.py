"""Names and sizes that a disc can carry."""

import pytest

from services.video.domain import disc
from tests.assets.video_fixtures import FILE_NAME


def test_the_largest_file_fits_and_one_byte_more_does_not() -> None:
    capacity = 1000 * disc.SECTOR_BYTES
    largest = disc.largest_file_bytes(capacity)
    assert disc.image_bytes(largest) == capacity
    assert disc.image_bytes(largest + 1) > capacity
    assert disc.largest_file_bytes(0) == 0


def test_names_are_composed_and_otherwise_untouched() -> None:
    assert disc.disc_file_name(FILE_NAME) == FILE_NAME
    assert disc.disc_file_name("e\u0301.mp4") == "\u00e9.mp4"


@pytest.mark.parametrize("name", ["a" * 64, "𠮷" * 32])
def test_64_units_are_the_limit(name: str) -> None:
    assert disc.disc_file_name(name) == name
    with pytest.raises(disc.NameNotForDisc):
        disc.disc_file_name(name + "a")


@pytest.mark.parametrize(
    "name", ["", " a.mp4", "a.mp4.", "-rf.mp4", "a/b.mp4", "a*.mp4", "a;1.mp4", "a\n.mp4", "a\u202e.mp4"]
)
def test_what_a_disc_cannot_carry_is_refused(name: str) -> None:
    with pytest.raises(disc.NameNotForDisc):
        disc.disc_file_name(name)


def test_the_label_is_short_ascii_without_a_person() -> None:
    label = disc.volume_label(2023)
    assert label.isascii()
    assert len(label) <= disc.MAX_LABEL_CHARACTERS
