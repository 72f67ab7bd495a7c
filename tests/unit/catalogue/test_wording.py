"""Every code is worded in both languages, and every template can be filled."""

from importlib import resources
from string import Formatter

import pytest
import yaml

from services.catalogue.findings import LEVELS, Finding
from services.catalogue.wording import Lang, codes_with_wording, readable, word

Words = dict[str, dict[str, dict[str, str]]]
LANGS: tuple[Lang, ...] = ("zh", "en")
GIVEN = {"measured", "limit", "where", "rule", "reason"}


def files() -> dict[str, Words]:
    folder = resources.files("services.catalogue") / "messages"
    return {entry.name: yaml.safe_load(entry.read_text("utf-8")) for entry in folder.iterdir()}


TEMPLATES: Words = {code: words for content in files().values() for code, words in content.items()}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def reasons(code: str) -> list[str]:
    names = [key.removeprefix("reason.") for key in TEMPLATES[code]["zh"] if key.startswith("reason.")]
    return names or [""]


def finding(code: str, reason: str) -> Finding:
    texts = [text for words in TEMPLATES[code].values() for text in words.values()]
    names = {name for text in texts for name in placeholders(text)} - GIVEN
    params = {**dict.fromkeys(names, "P"), **({"reason": reason} if reason else {})}
    return Finding(code=code, rule_id="G-04", measured=3, limit=2, where="W", params=params)


def test_every_code_is_worded_and_nothing_else_is() -> None:
    assert sorted(set(LEVELS) - codes_with_wording()) == []
    assert sorted(codes_with_wording() - set(LEVELS)) == []


def test_no_code_is_worded_in_two_files() -> None:
    assert sum(len(content) for content in files().values()) == len(TEMPLATES)


@pytest.mark.parametrize("code", sorted(TEMPLATES))
def test_every_template_fills_in_both_languages(code: str) -> None:
    assert set(TEMPLATES[code]) == set(LANGS)
    for lang in LANGS:
        for reason in reasons(code):
            words = word(finding(code, reason), lang)
            assert words.message
            assert words.fix
            assert "G-04" in words.message
            assert "{" not in words.message + words.fix


@pytest.mark.parametrize("code", sorted(TEMPLATES))
def test_the_languages_say_the_same(code: str) -> None:
    zh, en = (TEMPLATES[code][lang] for lang in LANGS)
    assert set(zh) == set(en)
    assert {"message", "fix"} <= set(zh)
    assert placeholders(zh["message"]) == placeholders(en["message"])
    assert any("一" <= character <= "鿿" for character in zh["message"])
    assert not any("一" <= character <= "鿿" for character in en["message"])


def test_a_placeholder_without_a_value_is_a_bug() -> None:
    with pytest.raises(KeyError):
        word(Finding(code="file.type-mismatch", rule_id="G-04"))


def test_a_code_that_nobody_knows_is_refused() -> None:
    with pytest.raises(KeyError, match=r"video\.unheard-of"):
        Finding(code="video.unheard-of", rule_id="G-04")


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (None, "bytes", "–"),
        (5 * 2**20, "bytes", "5.00 MB"),
        (2**20 - 1, "bytes", "1024.0 KB"),
        (512, "bytes", "0.5 KB"),
        (1200.5, "s", "20:00.50"),
        (59.999, "s", "1:00.00"),
        (0, "s", "0:00.00"),
        (1.2345, None, "1.23"),
        (7, "pages", "7"),
        ("张三", None, "张三"),
    ],
)
def test_values_as_people_write_them(value: float | str | None, unit: str | None, expected: str) -> None:
    assert readable(value, unit) == expected


def test_places_are_put_in_words_and_others_stay() -> None:
    found = Finding(code="video.opening-missing", rule_id="M15-2b", measured=4, limit=6, where="surgeon,date")
    assert "主刀医生姓名、手术日期" in word(found).message
    assert "the surgeon's name, its date" in word(found, "en").message
    other = Finding(code="video.opening-missing", rule_id="M15-2b", measured=4, limit=6, where="0:03, 0:07")
    assert "0:03, 0:07" in word(other).message
