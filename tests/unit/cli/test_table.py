"""Columns stand under each other, also where characters are two cells wide."""

from rich.cells import cell_len

from services.cli.operating.table import moment, table


def test_columns_are_aligned_by_what_is_seen() -> None:
    lines = table(("编号", "ID", "错误"), [("a", "很长的内容", "x"), ("更长的编号", "b", "–")]).splitlines()
    starts = [[cell_len(line[: line.index(word)]) for word in words] for line, words in zip(
        lines, (("编号", "ID", "错误"), ("a", "很长", "x"), ("更长", "b", "–")), strict=True
    )]  # fmt: skip
    assert starts[0] == starts[1] == starts[2]


def test_a_long_cell_is_cut_unless_it_is_the_last() -> None:
    first, second = table(("A", "B"), [("字" * 80, "字" * 80)]).splitlines()[1].split("  ")
    assert cell_len(first) <= 60
    assert first.endswith("…")
    assert second == "字" * 80


def test_nothing_but_the_head() -> None:
    assert table(("A", "B"), []) == "A  B"


def test_moments_are_short() -> None:
    assert moment("2023-08-31T09:30:00.123456Z") == "2023-08-31 09:30:00Z"
    assert moment(None) == "–"
