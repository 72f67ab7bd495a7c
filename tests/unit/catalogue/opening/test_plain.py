"""Shots survive being kept."""

import json

from services.catalogue.opening import plain
from tests.unit.catalogue.opening.writing import rows


def test_there_and_back() -> None:
    card = rows("主刀：张三", "科室：骨科")
    assert plain.shots(json.loads(json.dumps(plain.plain_shots([card])))) == (card,)
