"""Rows, however the picture lies."""

import math

import pytest

from services.catalogue.opening.labels import GAP
from services.catalogue.opening.rows import direction, rows
from tests.unit.catalogue.opening.writing import line, shot, turned

CARD = shot(
    line("职称：", 200, 300),
    line("主任医师", 460, 304),
    line("姓", 200, 100),
    line("名：张三", 300, 98),
    line("肝胆外科", 200, 180),
)


@pytest.mark.parametrize("degrees", [0, 4, -6, 90, 180, 270])
def test_rows_are_read_from_the_top_and_the_left(degrees: float) -> None:
    found = [row.text for row in rows(turned(CARD, degrees).lines)]
    assert found == [f"姓{GAP}名:张三", "肝胆外科", f"职称:{GAP}主任医师"]


@pytest.mark.parametrize("degrees", [0, 5, 90, 180])
def test_the_direction_of_most_of_the_text_counts(degrees: float) -> None:
    found = math.degrees(direction(turned(CARD, degrees).lines))
    assert abs((found - degrees + 180) % 360 - 180) < 0.5


def test_pieces_that_touch_are_one_word_unless_a_label_begins() -> None:
    touching = shot(
        line("手术年月", 100, 100), line("日", 262, 100), line("科室：骨科", 100, 300), line("职称：主任医师", 302, 300)
    )
    assert [row.text for row in rows(touching.lines)] == ["手术年月日", f"科室:骨科{GAP}职称:主任医师"]


def test_old_characters_become_new_ones_and_stay_in_the_raw_text() -> None:
    [row] = rows([line("手術時間：李乾", 100, 100)])
    assert (row.text, row.raw) == ("手术时间:李干", "手術時間:李乾")


def test_nothing_written_is_no_row() -> None:
    assert rows([]) == []
    assert rows([line("  ", 10, 10)]) == []
