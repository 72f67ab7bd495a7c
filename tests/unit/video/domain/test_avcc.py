"""Two decoder configurations in one."""

import pytest

from services.video.domain.avcc import CannotJoin, Configuration

MAIN = bytes.fromhex("014d401effe10004674d401e01000468ee3c80")
HIGH = bytes.fromhex("01640028ffe100056764002801" + "01000368ee3c" + "fdf8f800")


def test_sets_of_both_stand_in_one_and_the_higher_profile_counts() -> None:
    both = Configuration.read(Configuration.read(MAIN).joined(Configuration.read(HIGH)))
    assert (both.profile, both.level, both.length_bytes) == (0x64, 0x28, 4)
    assert both.compatibility == 0x40 & 0x00
    assert both.sps == (bytes.fromhex("674d401e"), bytes.fromhex("6764002801"))
    assert both.pps == (bytes.fromhex("68ee3c80"), bytes.fromhex("68ee3c"))
    assert both.extension == bytes.fromhex("fdf8f800")


@pytest.mark.parametrize("data", [b"", b"\x00" * 20, MAIN[:7], MAIN[:10], MAIN[:14], HIGH[:-7]])
def test_what_is_no_configuration_is_said(data: bytes) -> None:
    with pytest.raises(CannotJoin):
        Configuration.read(data)


def test_lengths_of_another_size_do_not_go_together() -> None:
    short = bytearray(MAIN)
    short[4] = 0xFD
    with pytest.raises(CannotJoin, match="2 and 4"):
        Configuration.read(bytes(short)).joined(Configuration.read(HIGH))
