"""Pictures of pages in their sizes."""

import pytest
from PIL import Image

from services.pdfcheck.tools.drawing import smaller


@pytest.mark.parametrize(("wide", "becomes"), [
    (100, 100), (240, 240), (270, 270), (271, 240), (479, 240), (480, 240), (1200, 240), (1241, 249), (1350, 270),
    (2400, 240),
])  # fmt: skip
def test_a_small_picture_is_up_to_an_eighth_wider_and_never_made_up(wide: int, becomes: int) -> None:
    assert smaller(Image.new("RGB", (wide, 2 * wide)), 240).width == becomes


def test_pictures_of_any_shape_have_a_height() -> None:
    assert smaller(Image.new("L", (2400, 1)), 240).size == (240, 1)
