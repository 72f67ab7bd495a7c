"""What is measured on a sheet: each hint's measure on a page that has it, and on pages that only look like it."""

from functools import cache

import numpy as np
import pytest

from services.catalogue.pages.model import BLANK_INK, GREY_CHROMA, GREY_SEAL_SCORE, SEAL_SCORE
from services.pdfcheck.domain.prints import NEAR, distance
from services.pdfcheck.domain.quality import CERTAIN, FOCUS, MOTION
from services.pdfcheck.tools import clarity, likeness, paper, prints, seals, upright
from tests.assets import quality_pages as pages
from tests.assets.quality_pages import Pixels

SEALED = pages.letter(seal=True)


@cache
def page(name: str) -> Pixels:
    made = {
        "plain": lambda: pages.letter(),
        "sealed": lambda: SEALED,
        "photographed": lambda: pages.on_a_table(SEALED),
        "heading": lambda: pages.letter(heading="荣誉证书"),
        "copy": lambda: pages.grey(SEALED),
        "bare": lambda: pages.bare(),
        "bare photographed": lambda: pages.on_a_table(pages.bare()),
    }
    return made[name]()


def measured(pixels: Pixels) -> clarity.Clarity:
    sheet = paper.sheet_of(pixels)
    return clarity.clarity_of(pixels, sheet, clarity.written(sheet))


@pytest.mark.parametrize("name", ["plain", "sealed", "photographed", "heading", "copy"])
def test_a_sharp_page_is_neither_blurred_nor_moved_nor_blank(name: str) -> None:
    found = measured(page(name))
    assert found.focus is not None
    assert found.motion is not None
    assert found.focus < FOCUS
    assert found.motion < MOTION
    assert found.ink > BLANK_INK


def test_out_of_focus() -> None:
    found = measured(pages.blurred(SEALED))
    assert found.focus is not None
    assert found.focus > FOCUS


@pytest.mark.parametrize("way", [0, 1], ids=["across", "down"])
def test_moved_while_it_was_taken(way: int) -> None:
    smeared = (
        pages.moved(SEALED)
        if way == 0
        else np.ascontiguousarray(pages.moved(SEALED.transpose(1, 0, 2)).transpose(1, 0, 2))
    )
    found = measured(smeared)
    assert found.motion is not None
    assert found.motion > MOTION


@pytest.mark.parametrize("name", ["bare", "bare photographed"])
def test_a_bare_sheet_is_blank_and_says_nothing_of_its_focus(name: str) -> None:
    found = measured(page(name))
    assert found.ink < BLANK_INK


def test_one_line_on_a_page_is_no_blank_page() -> None:
    sheet = pages.bare()
    sheet[800:840, 400:840] = pages.letter()[320:360, 160:600]
    assert measured(sheet).ink > BLANK_INK


def test_colour_is_told_from_a_photocopy_also_by_warm_light_on_a_table() -> None:
    warm = (pages.on_a_table(pages.grey(SEALED)) * np.array([1, 0.96, 0.86])).astype(np.uint8)
    assert measured(SEALED).chroma > GREY_CHROMA
    assert measured(page("photographed")).chroma > GREY_CHROMA
    assert measured(page("copy")).chroma < GREY_CHROMA
    assert measured(warm).chroma < GREY_CHROMA


@pytest.mark.parametrize("name", ["sealed", "photographed"])
def test_a_seal_is_found_where_it_is(name: str) -> None:
    found = seals.best_seal(page(name), paper.sheet_of(page(name)))
    assert found is not None
    assert found.score >= SEAL_SCORE
    assert found.left == pytest.approx(0.61, abs=0.08)
    assert found.top == pytest.approx(0.71, abs=0.08)
    assert found.width == pytest.approx(0.19, abs=0.05)


@pytest.mark.parametrize("name", ["plain", "heading", "copy", "bare"])
def test_what_is_no_seal_is_none(name: str) -> None:
    found = seals.best_seal(page(name), paper.sheet_of(page(name)))
    assert found is None or found.score < SEAL_SCORE


def test_a_seal_that_has_lost_its_colour() -> None:
    with_one, without = (seals.best_grey_seal(paper.sheet_of(page(name))) for name in ("copy", "plain"))
    assert with_one is not None
    assert with_one.score >= GREY_SEAL_SCORE
    assert without is None or without.score < GREY_SEAL_SCORE


def test_full_stops_tell_which_way_up_it_is() -> None:
    def up(pixels: Pixels) -> float:
        return upright.uprightness(clarity.written(paper.sheet_of(pixels)))

    assert up(page("plain")) >= CERTAIN
    assert up(np.ascontiguousarray(page("plain")[::-1, ::-1])) <= -CERTAIN
    assert up(page("bare")) == 0


def print_of(pixels: Pixels) -> str:
    return prints.print_of(clarity.written(paper.sheet_of(pixels)))


def test_the_same_page_has_nearly_the_same_hash_and_another_one_has_not() -> None:
    dimmed = (SEALED * 0.9).astype(np.uint8)
    assert distance(print_of(SEALED), print_of(dimmed)) <= NEAR
    assert distance(print_of(SEALED), print_of(pages.letter(heading="荣誉证书"))) > NEAR


def test_a_form_with_other_things_in_it_is_not_alike() -> None:
    other = pages.letter(
        seal=True, said="统计起止日期为二〇一八年一月，统计口径为出院人数，数据来源于医院信息系统；由病案管理部门提供。"
    )
    one, again, changed = (
        likeness._even(pages.grey(each)[:, :, 0]) for each in (SEALED, (SEALED * 0.9).astype(np.uint8), other)
    )
    assert likeness.alike(one, again) > 0.85
    assert likeness.alike(one, changed) < 0.5
