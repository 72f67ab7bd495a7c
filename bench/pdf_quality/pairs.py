"""Pairs of pages: the same sheet taken twice, and other sheets that look much like it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from bench.opening.fonts import PLAIN
from bench.pdf_quality import drawn, typeset
from bench.pdf_quality.truth import Generated, Pixels


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two pages and whether they show one sheet; `made` says how."""

    one: Generated
    other: Generated
    same: bool
    made: str


def pair(seed: int, fonts: Sequence[str] = PLAIN) -> Pair:
    """Always the same for a seed: a third is one sheet taken twice, a third the same form filled in otherwise."""
    chance = random.Random(f"pair {seed}")
    made = ("twice", "other form", "other page")[seed // 2 % 3]
    if seed // 6 % 2:
        sheet, kind, sealed = typeset.sheet(seed, fonts)
        if made == "twice":
            again: Pixels = sheet
        else:
            again = (
                typeset.sheet(seed, fonts, changed=1)[0] if made == "other form" else typeset.sheet(seed + 100_000)[0]
            )
        return Pair(
            one=_scan(sheet, seed, chance, kind, sealed=sealed), other=_scan(again, seed, chance, kind, sealed=sealed),
            same=made == "twice", made=f"typeset, {made}",
        )  # fmt: skip
    image, kind, sealed = drawn.sheet(seed, fonts)
    second: Image.Image = image if made == "twice" else drawn.sheet(seed, fonts, changed=1)[0]
    if made == "other page":
        second = drawn.sheet(seed + 100_000, fonts)[0]
    taken = [
        drawn.taken(each, seed, chance, kind=kind, sealed=sealed, befalls="", by_phone=False)
        for each in (image, second)
    ]  # fmt: skip
    return Pair(one=taken[0], other=taken[1], same=made == "twice", made=f"drawn, {made}")


def _scan(sheet: Pixels, seed: int, chance: random.Random, kind: str, *, sealed: bool) -> Generated:
    return typeset.taken(sheet, seed, chance, kind=kind, sealed=sealed, befalls="", by_camera=False)
