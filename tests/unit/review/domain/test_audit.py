"""The audit chain: every way of tampering is found and located."""

from dataclasses import replace

import pytest

from services.review.domain.audit import GENESIS, AuditRow, Break, Head, canonical, extend, sealed_head, verify

KEY = b"k" * 32
DOSSIER = "d1"


def chain(length: int) -> tuple[list[AuditRow], Head]:
    head = sealed_head(KEY, DOSSIER, 0, GENESIS)
    rows = []
    for number in range(length):
        row, head = extend(KEY, head, canonical({"action": f"a{number}", "actor": "x"}))
        rows.append(row)
    return rows, head


def kinds(breaks: tuple[Break, ...]) -> list[tuple[int, str]]:
    return [(b.sequence, b.kind) for b in breaks]


def renumbered(rows: list[AuditRow]) -> list[AuditRow]:
    return [replace(row, sequence=number) for number, row in enumerate(rows, start=1)]


@pytest.mark.parametrize("length", [0, 1, 2, 50])
def test_a_whole_chain_has_no_break(length: int) -> None:
    rows, head = chain(length)
    assert verify(KEY, DOSSIER, rows, head if length else None) == ()


@pytest.mark.parametrize("at", [1, 3, 5])
def test_a_changed_body_is_located(at: int) -> None:
    rows, head = chain(5)
    rows[at - 1] = replace(rows[at - 1], body=rows[at - 1].body.replace('"x"', '"y"'))
    assert kinds(verify(KEY, DOSSIER, rows, head)) == [(at, "changed")]


@pytest.mark.parametrize("at", [1, 3])
def test_a_removed_row_is_located(at: int) -> None:
    rows, head = chain(5)
    del rows[at - 1]
    assert (at, "removed") in kinds(verify(KEY, DOSSIER, rows, head))


def test_a_removed_row_is_located_although_the_rest_was_renumbered() -> None:
    rows, head = chain(5)
    del rows[2]
    found = kinds(verify(KEY, DOSSIER, renumbered(rows), head))
    assert (3, "removed") in found


def test_an_inserted_row_is_located_although_the_rest_was_renumbered() -> None:
    rows, head = chain(5)
    rows.insert(2, AuditRow(sequence=3, body=canonical({"action": "forged"}), mac="0" * 64))
    found = kinds(verify(KEY, DOSSIER, renumbered(rows), head))
    assert (3, "inserted") in found


def test_a_row_appended_after_the_head_is_located() -> None:
    rows, head = chain(3)
    rows.append(AuditRow(sequence=4, body=canonical({"action": "forged"}), mac="0" * 64))
    assert (4, "inserted") in kinds(verify(KEY, DOSSIER, rows, head))


def test_a_cut_tail_is_located_by_the_head() -> None:
    rows, head = chain(5)
    assert kinds(verify(KEY, DOSSIER, rows[:3], head)) == [(4, "cut")]


def test_a_chain_without_its_head_is_cut() -> None:
    rows, _ = chain(2)
    assert kinds(verify(KEY, DOSSIER, rows, None)) == [(3, "cut")]


def test_a_forged_head_is_found() -> None:
    rows, head = chain(5)
    shorter = replace(head, length=3, mac=rows[2].mac)
    assert verify(KEY, DOSSIER, rows[:3], shorter) != ()


def test_chain_and_head_set_back_together_are_found_by_the_anchor_only() -> None:
    rows, anchor = chain(5)
    back = sealed_head(KEY, DOSSIER, 3, rows[2].mac)  # what stood there genuinely two rows ago
    assert verify(KEY, DOSSIER, rows[:3], back) == ()
    assert kinds(verify(KEY, DOSSIER, rows[:3], back, anchor)) == [(4, "cut")]


def test_another_key_fits_nothing() -> None:
    rows, head = chain(2)
    assert verify(b"other" * 8, DOSSIER, rows, head) != ()
