"""Which item a file most likely belongs to, by its name and folders: a suggestion that a person confirms."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import PurePosixPath

from services.gateway.pages.lines import Line

_NUMBER = re.compile(r"^\s*(\d{1,2}(?:[.．]\d{1,2}[a-z]?)?)(?![\d.．])")
#: Characters in a row that must agree before a name means anything.
LEAST_AGREEING = 2
_NUMBER_WEIGHT = 3.0
#: Words that stand in half of all titles and say nothing.
_EMPTY_WORDS = ("材料", "证明", "扫描", "复印", "原件", "相关", "情况", "文件", "照片", "图片")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a file may go."""

    material_id: str
    component_id: str
    label: str
    is_video: bool


def places(lines: Sequence[Line], lang: str) -> Iterator[Place]:
    """Every component of every material, in the notice's order."""
    for line in lines:
        title = line.material["title_zh"] if lang == "zh" else line.material["title_en"]
        number = f" #{line.material['ordinal']}" if line.material["ordinal"] > 1 else ""
        for component in line.components:
            part = component["zh"] if lang == "zh" else component["en"]
            label = f"{line.material['item_number']} {title}{number}" + (f" · {part}" if part != title else "")
            yield Place(material_id=line.id, component_id=component["id"], label=label, is_video=line.item.is_video)


def suggest(path: str, lines: Sequence[Line]) -> tuple[str, str]:
    """(material id, component id) of the best match for a path such as `1 学历/毕业证.jpg`; ("", "") for none."""
    parts = PurePosixPath(unicodedata.normalize("NFKC", path)).parts
    video = path.lower().endswith(".mp4")
    text = _plain(" ".join((*parts[:-1], PurePosixPath(parts[-1]).stem)) if parts else "")
    numbers = {found[1] for part in parts if (found := _NUMBER.match(part))}
    best, chosen = 0.0, ("", "")
    for line in lines:
        if line.item.is_video is not video:
            continue
        by_number = _NUMBER_WEIGHT if line.material["item_number"] in numbers else 0.0
        by_title = _agreement(text, _plain(line.material["title_zh"]))
        for component in line.components:
            score = by_number + by_title + 1.5 * _agreement(text, _plain(component["zh"])) + (0.1 if video else 0)
            if score > best:
                best, chosen = score, (line.id, component["id"])
    return chosen


def _plain(text: str) -> str:
    """The Chinese of a text, without empty words: a camera's IMG_0001 agrees with nothing."""
    for word in _EMPTY_WORDS:
        text = text.replace(word, " ")
    return "".join(character if "㐀" <= character <= "鿿" else " " for character in text)


def _agreement(text: str, label: str) -> float:
    """How much of `label` stands in `text` in one piece, 0 to 1."""
    found = SequenceMatcher(None, text, label, autojunk=False).find_longest_match()
    piece = text[found.a : found.a + found.size].replace(" ", "")
    return len(piece) / len(label.replace(" ", "")) if len(piece) >= LEAST_AGREEING else 0.0
