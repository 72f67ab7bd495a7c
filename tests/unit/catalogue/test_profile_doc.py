"""`docs/profile.md` names every field and choice there is, and its example is the one that the demo uses."""

import re
from pathlib import Path

import pytest

from services.catalogue import load
from services.catalogue.model import Item
from services.catalogue.profile import KNOWN_NAMES, Answer, Profile

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "profile.md").read_text("utf-8")
ITEMS = [item for item in load.default().items if item.paths or item.kinds]


@pytest.mark.parametrize("name", sorted({*Profile.model_fields, *Answer.model_fields, *KNOWN_NAMES}))
def test_every_field_is_documented(name: str) -> None:
    assert f"`{name}`" in TEXT


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_every_choice_is_documented_in_a_row_of_its_item(item: Item) -> None:
    number = re.compile(rf"(?<![\d.]){re.escape(item.number)}(?![\d.a-z])")
    rows = [row for row in TEXT.splitlines() if row.startswith("|") and number.search(row)]
    for choice in (*item.paths, *item.kinds):
        assert any(f"`{choice}`" in row for row in rows), choice


def test_the_example_is_the_demo_profile() -> None:
    example = TEXT.split("```yaml\n")[1].split("```")[0]
    assert example == (ROOT / "tests" / "assets" / "profile-surgeon.yaml").read_text("utf-8")
