"""A first page that is made out to somebody else, and everything that only looks like it."""

import pytest

from services.catalogue import id_number
from services.catalogue.pages.model import SeenLine
from services.catalogue.pages.person import stranger
from tests.unit.review.builders import ID_NUMBER, profile

PERSON = profile()
_OTHERS = "51010619750305642"
OTHER_ID = _OTHERS + id_number.check_digit(_OTHERS)
_THIRD = "51010619910708113"
THIRD_ID = _THIRD + id_number.check_digit(_THIRD)
WRONG_ID = OTHER_ID[:-1] + ("0" if OTHER_ID[-1] != "0" else "1")


def line(text: str, confidence: float = 0.98, **box: float) -> SeenLine:
    return SeenLine(text=text, confidence=confidence, **box)


@pytest.mark.parametrize(
    ("said", "kind", "shown"),
    [
        ("姓名：王建国", "name", "王建国"),
        ("姓 名 王建国 性别 男", "name", "王建国"),
        ("姓名：阿依·古丽", "name", "阿依·古丽"),
        (f"身份证号：{OTHER_ID}", "id-number", f"{OTHER_ID[:3]}{'*' * 11}{OTHER_ID[-4:]}"),
        (f"姓名：王建国，身份证号{OTHER_ID}", "id-number", f"{OTHER_ID[:3]}{'*' * 11}{OTHER_ID[-4:]}"),
    ],
)
def test_somebody_else(said: str, kind: str, shown: str) -> None:
    found = stranger([line("年度考核结果证明"), line(said)], PERSON)
    assert found is not None
    assert (found.kind, found.shown) == (kind, shown)


def test_the_name_in_the_cell_beside_its_label() -> None:
    label = line("姓名", left=0.1, top=0.2, width=0.05, height=0.02)
    value = line("王建国", left=0.2, top=0.2, width=0.08, height=0.02)
    below = line("工作单位", left=0.1, top=0.3, width=0.1, height=0.02)
    found = stranger([below, label, value], PERSON)
    assert found is not None
    assert (found.shown, found.line) == ("王建国", value)
    assert stranger([label, below], PERSON) is None


@pytest.mark.parametrize(
    "said",
    [
        ["姓名：李川明"],
        ["姓名：李 川 明"],
        ["姓名：王建国", "参与人：李川明、王建国"],  # the applicant is among several
        ["姓名：王建国", f"{ID_NUMBER}"],
        ["姓名：王建国", "姓名：张丽"],  # a list
        [f"{OTHER_ID}", f"{THIRD_ID}"],
        ["姓名：李川朋"],  # one character, which may be misread
        [f"身份证号：{WRONG_ID}"],  # its check digit is wrong: misread
        ["负责人：王建国（签字）"],  # a signature
        ["作者：王建国，张丽，刘文博"],
        ["姓名："],
        ["姓名：性别：男"],
        ["获奖者姓名见附件"],
        [],
    ],
)
def test_what_does_not_say_so(said: list[str]) -> None:
    assert stranger([line(text) for text in said], PERSON) is None


@pytest.mark.parametrize("text", ["姓名：王建国", f"身份证号：{OTHER_ID}"])
def test_what_was_read_uncertainly_is_not_believed(text: str) -> None:
    assert stranger([line(text, 0.89)], PERSON) is None
    assert stranger([line(text, 0.90)], PERSON) is not None


def test_a_short_name_that_differs_in_one_of_two_characters_is_another_name() -> None:
    assert stranger([line("姓名：王明")], profile(name="李明")) is not None
