"""Tables of accounts and organisations: every line is checked before anything is changed."""

import pytest

from services.gateway.accounts import (
    ACCOUNT_COLUMNS,
    MOST_LINES,
    ORGANISATION_COLUMNS,
    account_problems,
    decoded,
    organisation_problems,
    parse,
)
from services.kernel.errors import AppError

HEADER = ",".join(ACCOUNT_COLUMNS)
UNITS = {"jc-h1"}


def codes(text: str, taken: set[str] | None = None) -> list[tuple[int, str]]:
    table = parse(text, ACCOUNT_COLUMNS)
    return [(p.line, p.code) for p in (*table.problems, *account_problems(table.rows, taken or set(), UNITS))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_what_spreadsheets_write_is_read(encoding: str) -> None:
    table = parse(decoded(f"{HEADER}\r\nli,李·川𬭎,applicant,jc-h1\r\n".encode(encoding)), ACCOUNT_COLUMNS)
    assert [row["name"] for row in table.rows] == ["李·川𬭎"]
    assert table.problems == ()


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(AppError) as failed:
        decoded(b"\xff\xfe\x00\x81")
    assert failed.value.code == "import.encoding"


@pytest.mark.parametrize("text", ["", "login,name", "name,login,role,organisation_id", f"{HEADER},more"])
def test_another_header_is_refused_with_the_right_one(text: str) -> None:
    with pytest.raises(AppError) as failed:
        parse(text, ACCOUNT_COLUMNS)
    assert (failed.value.code, failed.value.params["allowed"]) == ("import.header", HEADER)


@pytest.mark.parametrize(("lines", "refused"), [(MOST_LINES, False), (MOST_LINES + 1, True)])
def test_a_table_has_at_most_so_many_lines(lines: int, refused: bool) -> None:
    text = "\n".join([HEADER, *[f"a{n},甲,applicant,jc-h1" for n in range(lines)]])
    if not refused:
        assert len(parse(text, ACCOUNT_COLUMNS).rows) == lines
        return
    with pytest.raises(AppError) as failed:
        parse(text, ACCOUNT_COLUMNS)
    assert failed.value.code == "import.too-long"


def test_every_wrong_cell_is_named_with_its_line() -> None:
    text = f"""{HEADER}
good,甲,applicant,jc-h1

Bad Login,甲,applicant,jc-h1
good,甲,reviewer,jc-h1
old,甲,applicant,jc-h1
a,,king,nowhere
b,"甲
乙",applicant,jc-h1
c,甲,applicant
"""
    assert sorted(codes(text, {"old"})) == [
        (4, "login"), (5, "twice"), (6, "taken"), (7, "name"), (7, "organisation"), (7, "role"), (8, "name"),
        (9, "fields"),
    ]  # fmt: skip


def test_a_formula_is_a_name_like_any_other_and_not_run_here() -> None:
    assert codes(f"{HEADER}\nx,=1+1,applicant,jc-h1") == []


def test_a_parent_may_stand_above_its_child() -> None:
    text = ",".join(ORGANISATION_COLUMNS) + "\nnew,,新市,city,\nnew-h1,new,新院,unit,city_unit\n"
    assert organisation_problems(parse(text, ORGANISATION_COLUMNS).rows, {"sc"}) == []


def test_every_wrong_organisation_is_named() -> None:
    text = ",".join(ORGANISATION_COLUMNS) + "\nBad,no,,planet,\nx,,院,unit,none\n"
    found = organisation_problems(parse(text, ORGANISATION_COLUMNS).rows, set())
    assert [(p.line, p.code) for p in found] == [(2, "id"), (2, "parent"), (2, "name"), (2, "level"), (3, "kind")]
