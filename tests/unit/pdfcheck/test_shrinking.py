"""The search for a quality: what just fits, or the least that looks the same, where likeness goes up and down."""

import numpy as np
import pytest

from services.pdfcheck.domain.coaching import LEAST_SSIM
from services.pdfcheck.tools.shrinking import Recoding

GOOD, BAD = LEAST_SSIM, LEAST_SSIM - 0.001


@pytest.fixture(autouse=True)
def _open(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recoding has slots; here its guess is another."""
    monkeypatch.setattr(Recoding, "guess", lambda self, quality: float(quality))


def of(alike: dict[int, float], otherwise: float) -> Recoding:
    """Each quality takes as many bytes as it counts, and is as like as told."""
    made = Recoding(pixels=np.zeros((8, 8, 1), np.uint8), sampling="444")
    made.made = {quality: bytes(quality) for quality in range(75, 99)}
    made.alike = {quality: alike.get(quality, otherwise) for quality in range(75, 99)}
    return made


@pytest.mark.parametrize(("allowed", "best"), [(200, 98), (98, 98), (97, 97), (75, 75), (74, 0), (0, 0)])
def test_the_best_quality_that_fits(allowed: int, best: int) -> None:
    assert of({}, GOOD).best_within(allowed) == best


def test_where_the_best_that_fits_is_not_like_enough_a_lower_one_may_be() -> None:
    assert of({98: BAD, 96: GOOD}, BAD).best_within(98) == 96
    assert of({}, BAD).best_within(98) == 0


@pytest.mark.parametrize(
    ("alike", "otherwise", "least"),
    [({}, GOOD, 75), ({75: BAD}, GOOD, 76), ({98: GOOD}, BAD, 98), ({80: GOOD, 83: GOOD}, BAD, 80), ({}, BAD, 0)],
)
def test_the_least_quality_that_looks_the_same(alike: dict[int, float], otherwise: float, least: int) -> None:
    assert of(alike, otherwise).smallest() == least
