"""Right or wrong, field by field."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bench.opening import words
from bench.opening.cards import Card
from services.catalogue.opening import values
from services.catalogue.opening.compare import read_opening
from services.catalogue.opening.model import Declared, FieldName, Shot, Status


def is_right(name: FieldName, value: str, card: Card) -> bool:
    """Whether a value is what stands on the card."""
    if name is FieldName.DATE:
        return values.day_in(value) == card.day
    return name in card.said and values.bare(value) == values.bare(card.said[name])


def is_within(name: FieldName, lines: Sequence[str], card: Card) -> bool:
    """Whether lines of text hold the value at all, wherever: more than anybody can make of them."""
    if name is FieldName.DATE:
        return any(values.day_in(line) == card.day for line in lines)
    return values.bare(card.said[name]) in values.bare("".join(lines))


def altered(card: Card) -> Declared:
    """A declaration of which every value is a little wrong: another title, another day, one character more or less."""
    chance = random.Random(card.seed)
    said = {FieldName(name): value for name, value in card.declared.items()}
    other = {name: value[:-1] + ("乙" if value[-1] != "乙" else "甲") for name, value in said.items()}
    other[FieldName.TITLE] = next(title for title in words.TITLES if title != said[FieldName.TITLE])
    other[FieldName.DATE] = (card.day + timedelta(days=chance.choice((-1, 1, 10)))).isoformat()
    other[FieldName.DEPARTMENT] = next(each for each in words.DEPARTMENTS if each != said[FieldName.DEPARTMENT])
    return other


@dataclass(slots=True)
class Score:
    """Counts by kind of card and field; `wrong` by mode."""

    there: Counter[tuple[bool, str]] = field(default_factory=Counter)
    right: dict[str, Counter[tuple[bool, str]]] = field(default_factory=dict)
    wrong: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)

    def hit(self, who: str, card: Card, name: str) -> None:
        """`who` has this field right."""
        self.right.setdefault(who, Counter())[card.hard, name] += 1

    def recall(self, who: str, *, hard: bool, name: str = "") -> float:
        """Over one field, or all."""
        names = [name] if name else [str(each) for each in FieldName]
        there = sum(self.there[hard, each] for each in names)
        return sum(self.right.get(who, Counter())[hard, each] for each in names) / max(1, there)

    def reaches(self, who: str, least: float, *, hard: bool) -> bool:
        """Whether the recall is at least that; of no fields it is."""
        return not any(self.there[hard, name] for name in FieldName) or self.recall(who, hard=hard) >= least

    def wrong_share(self, mode: str) -> float:
        """Fields that were `found` and should not have been."""
        return self.wrong[mode] / max(1, self.asked[mode])


READ, COMPARED, ALTERED = "ours, nothing declared", "ours, declared", "ours, wrongly declared"


def score_ours(score: Score, card: Card, shots: Sequence[Shot]) -> None:
    """One card, in three modes."""
    right = {FieldName(name): value for name, value in card.declared.items()}
    for name in FieldName:
        score.there[card.hard, name] += name in card.said
    for mode, declared in ((READ, {}), (COMPARED, right), (ALTERED, altered(card))):
        for name, found in read_opening(shots, declared).items():
            score.asked[mode] += 1
            if found.status is not Status.FOUND:
                continue
            if mode == ALTERED or not is_right(name, found.value, card):
                score.wrong[mode] += 1
            elif name in card.said:
                score.hit(mode, card, name)


def score_lines(score: Score, who: str, card: Card, lines: Sequence[str]) -> None:
    """A peer: a field counts when its value is anywhere in the text."""
    for name in FieldName:
        if name in card.said and is_within(name, lines, card):
            score.hit(who, card, name)


def table(score: Score, readers: Sequence[str]) -> str:
    """Recall of each, clean and hard."""
    lines = [f"{'':26}" + "".join(f"{name:>12}" for name in (*FieldName, "all"))]
    for hard, kind in ((False, "clean"), (True, "hard")):
        lines.append(f"{kind}: {sum(score.there[hard, name] for name in FieldName)} fields")
        for who in readers:
            shares = [score.recall(who, hard=hard, name=name) for name in (*FieldName, "")]
            lines.append(f"  {who:24}" + "".join(f"{100 * share:11.1f}%" for share in shares))
    return "\n".join(lines)
