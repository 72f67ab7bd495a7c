"""A form becomes a profile: what was left empty is left out, what nobody asked for too."""

import pytest

from services.catalogue import load
from services.gateway.pages.profile_form import MOST_ENTRIES, entries_of, from_form, item_fields

CATALOGUE = load.default()


def test_empty_fields_are_left_out_and_unticked_boxes_are_no() -> None:
    data = from_form([("name", "  张三 "), ("title", ""), ("has_degree", "yes")], CATALOGUE)
    assert data["name"] == "张三"
    assert "title" not in data
    assert data["has_degree"] is True
    assert data["covid_frontline"] is False
    assert data["answers"] == {}


@pytest.mark.parametrize(("text", "value"), [("4.5", 4.5), ("四分", "四分"), ("1e400", float("inf"))])
def test_a_number_that_is_none_is_kept_as_it_was_typed(text: str, value: object) -> None:
    assert from_form([("political_score", text)], CATALOGUE)["political_score"] == value


@pytest.mark.parametrize(
    "key",
    ["answers.nothing.0.label", "answers.education.0.nothing", "answers.education.x.label", "answers.education.0",
     "__proto__", "answers.education.9999.label", "answers..0.label", "answers.education.0.label.more"],
)  # fmt: skip
def test_unknown_fields_say_nothing(key: str) -> None:
    answers = from_form([(key, "x")], CATALOGUE)["answers"]
    assert all("nothing" not in entry for entries in answers.values() for entry in entries)
    assert set(answers) <= {"education"}


def test_entries_keep_their_order_and_do_not_grow_without_end() -> None:
    listed = next(each for each in item_fields(CATALOGUE) if each.item.entries == "listed").item.id
    pairs = [(f"answers.{listed}.{number}.label", str(number)) for number in reversed(range(MOST_ENTRIES + 5))]
    labels = [entry["label"] for entry in from_form(pairs, CATALOGUE)["answers"][listed]]
    assert labels == [str(number) for number in range(MOST_ENTRIES)]


def test_a_listed_item_starts_with_no_entry_and_a_single_one_with_one() -> None:
    counts = {each.item.entries: len(entries_of(each, {})) for each in item_fields(CATALOGUE)}
    assert counts["listed"] == 0
    assert counts["single"] == 1
