"""What samples of a look tell: black, blurred, or nothing at all (M15-2c)."""

import pytest

from services.catalogue.wording import word
from services.video.domain.look import (
    BLACK_S,
    BLURRED,
    Sample,
    Stretch,
    black_stretches,
    judge_look,
    typical_sharpness,
)


def bright(time_s: float, sharpness: float = 300) -> Sample:
    return Sample(time_s=time_s, mean=100, spread=40, sharpness=sharpness)


def black(time_s: float) -> Sample:
    return Sample(time_s=time_s, mean=16, spread=0.5, sharpness=0)


def test_a_clear_video_says_nothing() -> None:
    assert judge_look([bright(0), bright(10), bright(20)], 30) == ()


def test_black_lasts_until_the_next_picture_that_is_not() -> None:
    samples = [bright(0), black(10), black(20), bright(23), black(40)]
    assert black_stretches(samples, 50) == (Stretch(start_s=10, end_s=23), Stretch(start_s=40, end_s=50))
    [finding] = judge_look(samples, 50)
    assert (finding.code, finding.measured, finding.limit) == ("video.black", 23, BLACK_S)
    assert finding.where == "0:10–0:23; 0:40–0:50"
    assert not finding.blocks
    assert "0:10–0:23" in word(finding).message


@pytest.mark.parametrize(("lasting", "told"), [(BLACK_S - 0.01, False), (BLACK_S, True)])
def test_a_cut_or_a_fade_is_none(lasting: float, *, told: bool) -> None:
    assert bool(judge_look([bright(0), black(10), bright(10 + lasting)], 30)) is told


def test_a_dark_picture_in_which_something_is_seen_is_not_black() -> None:
    assert not Sample(time_s=0, mean=15, spread=20, sharpness=50).is_black
    assert not Sample(time_s=0, mean=60, spread=1, sharpness=0).is_black


@pytest.mark.parametrize(("sharpness", "told"), [(BLURRED - 0.1, True), (BLURRED, False)])
def test_a_blurred_video_is_told_by_its_median(sharpness: float, *, told: bool) -> None:
    samples = [bright(0, 500), *(bright(n, sharpness) for n in range(1, 4)), black(9)]
    findings = judge_look(samples, 10)
    assert [f.code for f in findings] == (["video.blurred"] if told else [])
    for finding in findings:
        for lang in ("zh", "en"):
            word(finding, lang)


def test_pictures_without_contrast_tell_nothing_of_sharpness() -> None:
    flat = Sample(time_s=0, mean=120, spread=2, sharpness=1)
    assert typical_sharpness([flat]) is None
    assert judge_look([flat], 1) == ()
    assert judge_look([], 1) == ()
