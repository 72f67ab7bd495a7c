"""Which part of a page is shown before and after: one on which something stands."""

import numpy as np
import pytest

from services.pdfcheck.tools.looks import Look, worst_place

HIGH, WIDE = 1700, 1200


def drawn(print_rows: slice, noise: int, seed: int) -> Look:
    """Grey paper with lines of print, and some noise all over it."""
    pixels = np.full((HIGH, WIDE, 3), 220, np.int16)
    pixels[print_rows, 200:1000:3] = 30
    pixels += np.random.default_rng(seed).integers(-noise, noise + 1, pixels.shape, dtype=np.int16)
    return Look(pixels=np.clip(pixels, 0, 255).astype(np.uint8), width_pt=595)


@pytest.mark.parametrize(("first", "last"), [(480, 600), (1080, 1200)])
def test_it_is_a_place_with_print_though_bare_paper_differs_more(first: int, last: int) -> None:
    rows = slice(first, last)
    place = worst_place(drawn(rows, 6, seed=1), drawn(rows, 6, seed=2))
    assert first <= place.y * HIGH <= last
    assert 200 - 60 <= place.x * WIDE <= 1000 + 60  # half a place further at most


def test_of_bare_paper_it_is_some_place_on_it() -> None:
    nothing = slice(0, 0)
    place = worst_place(drawn(nothing, 6, seed=1), drawn(nothing, 6, seed=2))
    assert 0 < place.x < 1
    assert 0 < place.y < 1


def test_a_small_page_is_one_place() -> None:
    look = Look(pixels=np.full((40, 30, 3), 255, np.uint8), width_pt=20)
    assert worst_place(look, look) == worst_place(look, look)
