"""File names (M15-2f): what is accepted, what is made normal, and which character is wrong."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalogue.wording import word
from services.video.domain.name import NameReason, judge_name, parse_name
from tests.assets.video_fixtures import FILE_NAME, ID_NUMBER

TODAY = date(2023, 9, 1)
WITH_X = "51010119900307003X"


@pytest.mark.parametrize(
    ("given_name", "name", "id_number"),
    [
        (FILE_NAME, "张三", ID_NUMBER),
        (f"张三{ID_NUMBER}.MP4", "张三", ID_NUMBER),
        (f"张三{ID_NUMBER}．ｍｐ４", "张三", ID_NUMBER),
        (f"张三{WITH_X.lower()}.mp4", "张三", WITH_X),
        ("张三５１０１０１１９９００３０７００１６.mp4", "张三", ID_NUMBER),
        (f"买买提·艾力{ID_NUMBER}.mp4", "买买提·艾力", ID_NUMBER),
        (f"买买提•艾力{ID_NUMBER}.mp4", "买买提·艾力", ID_NUMBER),
        (f"买买提．艾力{ID_NUMBER}.mp4", "买买提·艾力", ID_NUMBER),
        (f"买买提・艾力{ID_NUMBER}.mp4", "买买提·艾力", ID_NUMBER),
        (f"𠮷田{ID_NUMBER}.mp4", "𠮷田", ID_NUMBER),
        (f"\U0002ceb0\U00030000{ID_NUMBER}.mp4", "\U0002ceb0\U00030000", ID_NUMBER),  # extensions F and G
        (f"\U00031350\U0002ebf0{ID_NUMBER}.mp4", "\U00031350\U0002ebf0", ID_NUMBER),  # H and I
        (f"李〇{ID_NUMBER}.mp4", "李〇", ID_NUMBER),
        (unicodedata.normalize("NFD", f"José{ID_NUMBER}.mp4"), "José", ID_NUMBER),
    ],
)
def test_every_writing_of_one_name_is_that_name(given_name: str, name: str, id_number: str) -> None:
    parsed = parse_name(given_name)
    assert parsed.problem is None
    assert (parsed.name, parsed.id_number) == (name, id_number)
    assert parsed.suggested == f"{name}{id_number}.mp4"


@pytest.mark.parametrize(
    ("given_name", "reason", "position", "found", "suggested"),
    [
        (f"张\ue816{ID_NUMBER}.mp4", NameReason.CHARACTER, 2, "U+E816", ""),  # of no standard, but of the name
        (f"张三 {ID_NUMBER}.mp4", NameReason.CHARACTER, 3, "U+0020", FILE_NAME),
        (f"张三-{ID_NUMBER}.mp4", NameReason.CHARACTER, 3, "-", FILE_NAME),
        (f"张三＋{ID_NUMBER}.mp4", NameReason.CHARACTER, 3, "+", FILE_NAME),
        (f"张三{ID_NUMBER}(1).mp4", NameReason.CHARACTER, 21, "(", FILE_NAME),
        (f"张三{ID_NUMBER} - 副本.mp4", NameReason.CHARACTER, 21, "U+0020", FILE_NAME),
        (f"张三{ID_NUMBER}.mp4.mp4", NameReason.CHARACTER, 21, "·", FILE_NAME),
        (f"张三{ID_NUMBER}手术.mp4", NameReason.CHARACTER, 21, "手", FILE_NAME),
        (f"·张三{ID_NUMBER}.mp4", NameReason.CHARACTER, 1, "·", FILE_NAME),
        (f"张三·{ID_NUMBER}.mp4", NameReason.CHARACTER, 3, "·", FILE_NAME),
        ("张三5101011990O3070016.mp4", NameReason.CHARACTER, 13, "O", ""),
        (f"{ID_NUMBER}张三.mp4", NameReason.NO_NAME, 1, "", FILE_NAME),
        (f"{ID_NUMBER}.mp4", NameReason.NO_NAME, 1, "", ""),
        (".mp4", NameReason.NO_NAME, 0, "", ""),
        ("张三.mp4", NameReason.NO_ID_NUMBER, 0, "", ""),
        (f"张三{ID_NUMBER[:17]}.mp4", NameReason.ID_LENGTH, 3, "17", ""),
        (f"张三{ID_NUMBER}6.mp4", NameReason.ID_LENGTH, 3, "19", ""),
        ("张三510101900307001.mp4", NameReason.ID_LENGTH, 3, "15", ""),
        ("张三5101019003070X.mp4", NameReason.ID_LENGTH, 3, "14", ""),
        (f"张三{ID_NUMBER}.mov", NameReason.EXTENSION, 0, "mov", FILE_NAME),
        (f"张三{ID_NUMBER}", NameReason.EXTENSION, 0, "–", FILE_NAME),
        (f"{'张' * 43}{ID_NUMBER}.mp4", NameReason.TOO_LONG, 0, "", ""),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    given_name: str, reason: NameReason, position: int, found: str, suggested: str
) -> None:
    parsed = parse_name(given_name)
    assert parsed.problem is not None
    assert (parsed.problem.reason, parsed.problem.position, parsed.problem.found) == (reason, position, found)
    assert parsed.suggested == suggested
    (finding,) = judge_name(given_name, TODAY)
    assert finding.code == "video.name-format"
    for lang in ("zh", "en"):
        wording = word(finding, lang)
        assert found in wording.message
        assert f": {reason.value};" not in wording.message
        assert f"：{reason.value}；" not in wording.message


def test_42_characters_fit_on_a_disc() -> None:
    assert parse_name(f"{'张' * 42}{ID_NUMBER}.mp4").problem is None


@pytest.mark.parametrize("good", [FILE_NAME, FILE_NAME.upper()])
def test_a_right_id_number_has_no_finding(good: str) -> None:
    assert judge_name(good, TODAY) == ()


@pytest.mark.parametrize(
    ("id_number", "reason"),
    [
        ("510101199003070017", "check-digit"),
        ("510101199002300013", "birth-date"),
        ("510101202309020014", "birth-date-in-future"),
    ],
)
def test_a_wrong_id_number_is_refused_without_being_quoted(id_number: str, reason: str) -> None:
    (finding,) = judge_name(f"张三{id_number}.mp4", TODAY)
    assert (finding.code, finding.params["reason"]) == ("video.id-number-invalid", reason)
    for lang in ("zh", "en"):
        wording = word(finding, lang)
        assert id_number not in wording.message
        assert reason not in wording.message


@given(st.text(max_size=60))
def test_any_text_is_answered(text: str) -> None:
    parsed = parse_name(text)
    assert (parsed.problem is None) == bool(parsed.name and parsed.id_number)
    if parsed.suggested:
        again = parse_name(parsed.suggested)
        assert again.problem is None
        assert again.suggested == parsed.suggested
