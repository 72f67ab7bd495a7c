"""Lines as Chinese is set: within the measure, no sign where none may stand, nothing lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pdfcheck.domain.typed import tidy
from services.pdfcheck.domain.typesetting import HEIGHT, LEADING, MARGIN, SIZE, WIDTH, Line, pages

CHARACTERS = st.sampled_from("患者腹腔镜术，。、；：！？（）《》“”—…－-·１ａ%ab1 .,()/\n\u3000")


def width_of(character: str) -> float:
    return SIZE * (0.5 if character.isascii() else 1.0)


def lines(text: str) -> list[Line]:
    return [line for page in pages(text, width_of) for line in page if line is not None]


def end_of(line: Line) -> float:
    return line.left + sum(map(width_of, line.text)) + line.apart * (len(line.text) - 1)


@given(st.text(CHARACTERS, min_size=1, max_size=400))
def test_nothing_is_lost_and_every_line_is_within_the_page(text: str) -> None:
    kept = tidy(text)
    set_lines = lines(kept)
    assert "".join("".join(line.text.split()) for line in set_lines) == "".join(kept.split())
    assert all(end_of(line) <= WIDTH - MARGIN + 1e-6 and line.left >= MARGIN for line in set_lines)


def test_a_paragraph_begins_two_characters_in_and_full_lines_end_together() -> None:
    first, second, third = lines("患" * 80)
    assert (first.left, second.left) == (MARGIN + 2 * SIZE, MARGIN)
    assert end_of(first) == pytest.approx(WIDTH - MARGIN)
    assert end_of(second) == pytest.approx(WIDTH - MARGIN)
    assert third.apart == 0


@pytest.mark.parametrize("sign", "，。、；：！？）」』】》”’…")
@pytest.mark.parametrize("before", range(33, 39))
def test_no_line_begins_with_a_closing_sign(sign: str, before: int) -> None:
    assert all(line.text[0] != sign for line in lines("患" * before + sign + "者" * 40))


@pytest.mark.parametrize("sign", "（「『【《“‘-")
@pytest.mark.parametrize("before", range(33, 39))
def test_no_line_ends_with_an_opening_sign_or_a_minus(sign: str, before: int) -> None:
    assert all(line.text[-1] != sign for line in lines("患" * before + sign + "者" * 40))


def test_a_word_stays_together_unless_it_is_longer_than_a_line() -> None:
    assert [line.text for line in lines("患" * 30 + "cholecystectomy 术")] == ["患" * 30, "cholecystectomy 术"]
    assert len(lines("a" * 200)) == 3


def test_a_page_holds_what_fits_and_none_begins_with_an_empty_line() -> None:
    most = int((HEIGHT - 2 * MARGIN) / LEADING)
    assert [len(page) for page in pages("\n".join("患" * (most + 1)), width_of)] == [most, 1]
    assert [len(page) for page in pages("\n".join("患" * most), width_of, head_lines=2)] == [most, 2]
    [_, second] = pages("\n".join("患" * most) + "\n\n者", width_of)
    assert second == [Line(text="者", left=MARGIN + 2 * SIZE)]
