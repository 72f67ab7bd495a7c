"""Nothing personal passes, whatever shape it comes in; ids, hashes and numbers do."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.redaction import REDACTED, clean, clean_fields, clean_text, is_personal

ID_NUMBER = "510123197803150026"
ID_NUMBER_X = "51012319780315002X"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ID_NUMBER, REDACTED),
        (ID_NUMBER_X, REDACTED),
        (ID_NUMBER_X.lower(), REDACTED),
        (f"张三{ID_NUMBER}.mp4", REDACTED),
        (f"zhangsan{ID_NUMBER}.mp4 stored", f"{REDACTED} stored"),
        (f"stored /var/张三{ID_NUMBER}.mp4 twice", f"stored /var/{REDACTED} twice"),
        (f'"{ID_NUMBER}","{ID_NUMBER_X}"', f'"{REDACTED}","{REDACTED}"'),
        ("no 519923197813459999 either", f"no {REDACTED} either"),
        ("51012319780315002", "51012319780315002"),
        (f"1{ID_NUMBER}", f"1{ID_NUMBER}"),
        ("018f6e3a-7c1b-7d52-9d3e-1a2b3c4d5e6f", "018f6e3a-7c1b-7d52-9d3e-1a2b3c4d5e6f"),
        ("sha256 1234567890123456789012345678901234567890", "sha256 1234567890123456789012345678901234567890"),
    ],
)
def test_a_word_with_an_id_number_goes(text: str, expected: str) -> None:
    assert clean_text(text)[0] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET /objects/files/k?filename=%E7%8E%8B&X-Signature=1 200", "GET /objects/files/k?… 200"),
        ("'http://x/y?a=b'", "'http://x/y?…'"),
        ("is it? yes", "is it? yes"),
    ],
)
def test_query_strings_go(text: str, expected: str) -> None:
    assert clean_text(text) == (expected, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('key "u"\nDETAIL:  Key (name)=(张三) already exists.\nnext', f'key "u"\n{REDACTED}\nnext'),
        ("[SQL: INSERT $1]\n[parameters: ('张三', 5)]\n(x)", f"[SQL: INSERT $1]\n{REDACTED}\n(x)"),
    ],
)
def test_rows_in_database_errors_go(text: str, expected: str) -> None:
    assert clean_text(text) == (expected, 1)


@pytest.mark.parametrize(
    "key", ["name", "Name", "id_number", "file_name", "original_file_name", "lease_token", "query"]
)
def test_a_personal_key(key: str) -> None:
    assert is_personal(key)


@pytest.mark.parametrize("key", ["file_id", "action", "names_total", "part", "service", "tokens", "stage"])
def test_a_key_that_is_not_personal(key: str) -> None:
    assert not is_personal(key)


def test_depth_kind_and_key_hide_nothing() -> None:
    fields = {
        "deep": {"list": [{"file_name": "张三.pdf"}, (ID_NUMBER,)], "set": {ID_NUMBER}},
        "number": int(ID_NUMBER),
        "bytes": ID_NUMBER.encode(),
        "error": ValueError(f"bad {ID_NUMBER}"),
        "path": Path(f"/x/{ID_NUMBER}"),
        ID_NUMBER: 1,
        "name": "张三",
    }
    cleaned, count = clean_fields(fields)
    assert ID_NUMBER not in repr(cleaned)
    assert "张三" not in repr(cleaned)
    assert count == 8
    assert cleaned["error"] == f"bad {REDACTED}"


def test_what_is_harmless_stays() -> None:
    moment = datetime(2023, 6, 1, tzinfo=UTC)
    fields = {"a": None, "b": True, "c": 1.5, "d": 7, "e": UUID(int=1), "f": moment, "name": "", "file_name": None}
    assert clean_fields(fields) == (
        {
            "a": None,
            "b": True,
            "c": 1.5,
            "d": 7,
            "e": str(UUID(int=1)),
            "f": str(moment),
            "name": "",
            "file_name": None,
        },
        0,
    )


@given(st.text(), st.text())
def test_no_surroundings_protect_an_id_number(before: str, after: str) -> None:
    text = f"{before} {ID_NUMBER_X}。{after}"
    assert ID_NUMBER_X not in clean_text(text)[0]


@given(st.recursive(st.none() | st.integers() | st.text() | st.binary(), lambda item: st.lists(item), max_leaves=20))
def test_any_value_can_be_cleaned(value: object) -> None:
    clean(value)
