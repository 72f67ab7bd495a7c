"""One name, however it is written."""

import pytest

from services.catalogue.names import normalise, same


@pytest.mark.parametrize(
    "written",
    [
        "扎西·次仁",
        "扎西•次仁",
        "扎西．次仁",
        "扎西.次仁",
        "扎西‧次仁",
        "扎西・次仁",
        "扎西 · 次仁",
        "\u3000扎西·次仁 ",
    ],
)
def test_every_separator_is_the_middle_dot(written: str) -> None:
    assert normalise(written) == "扎西·次仁"


def test_composed_and_decomposed_are_one_name() -> None:
    assert same("Ju\u0308rgen", "J\u00fcrgen")
    assert same("Ｊｕｒｇｅｎ", "Jurgen")


def test_a_compatibility_ideograph_is_the_plain_one() -> None:
    assert normalise("\uf90a") == "\u91d1"


@pytest.mark.parametrize(
    ("one", "other"), [("张三", "张四"), ("张三", "张三丰"), ("扎西次仁", "扎西·次仁"), ("張三", "张三")]
)
def test_different_names_stay_different(one: str, other: str) -> None:
    assert not same(one, other)


def test_normalising_twice_changes_nothing() -> None:
    assert normalise(normalise(" 扎西•次仁 ")) == normalise(" 扎西•次仁 ")
