"""What a value looks like: titles, days, names, places of work; and what is left of it when it is only compared."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache

from opencc import OpenCC

from services.catalogue import names
from services.catalogue.opening.model import FieldName

_GRADES = ("主任", "副主任", "主治", "主管", "住院", "助理")
_CALLINGS = ("医师", "护师", "药师", "技师", "中医师", "中药师", "检验师")
_OTHER_TITLES = "教授 副教授 研究员 副研究员 讲师 护士 护师 药师 技师 药士 技士 医士 主治(主管)医师"
TITLES = tuple(
    sorted(
        {*_OTHER_TITLES.split(), *(f"{grade}{calling}" for grade in _GRADES for calling in _CALLINGS)},
        key=lambda title: (-len(title), title),
    )
)
_TITLE = re.compile("|".join(map(re.escape, TITLES)))
_DIGITS = {c: n for n, c in enumerate("〇一二三四五六七八九")} | {"零": 0, "○": 0, "O": 0, "o": 0, "０": 0}
_SPOKEN_DAY = re.compile(
    r"([〇零○Oo一二三四五六七八九]{4})年([一二三四五六七八九十]{1,3})月([一二三四五六七八九十]{1,3})[日号]?"
)
_DAY = re.compile(r"((?:19|20)\d{2})\s*[年.\-/,\s·。、:]\s*(\d{1,2})\s*[月.\-/,\s·。、:]\s*(\d{1,2})(?!\d)\s*[日号]?")
_RUN_DAY = re.compile(r"(?<!\d)((?:19|20)\d{2})(\d{2})(\d{2})(?!\d)")
#: A clock with seconds: a camera's own, not somebody's word.
_CLOCK = re.compile(r"\d{1,2}:\d{2}:\d{2}")
_EMPLOYER_ENDS = (
    "医院 卫生院 保健院 保健计划生育服务中心 医学中心 诊疗中心 疾病预防控制中心 疾控中心 卫生服务中心 急救中心 "
    "血站 研究所 防治院 防治所 诊所 院区"
)
_EMPLOYER_END = f"(?:{'|'.join(_EMPLOYER_ENDS.split())})"
_EMPLOYER = re.compile(rf"^.{{2,}}{_EMPLOYER_END}(?:\([^)]*\))?(?:.{{0,6}}(?:院区|分院))?")
_DEPARTMENT = re.compile(
    r".{1,12}?(?:科|病区|科室|中心|病房|重症监护室|手术室)(?:[一二三四五六七八九十\d]+病区|[一二三四五]组|\([^)]*\))?$"
)
_OPERATION_ENDS = (
    "术 治疗 造影 置入 植入 切除 修补 吻合 探查 剖宫产 根治 成形 置换 移植 "
    "重建 结扎 缝合 引流 活检 穿刺 分娩 复位 摘除 电切 碎石"
)
_OPERATION = re.compile(rf".{{2,}}(?:{'|'.join(_OPERATION_ENDS.split())})(?:\([^)]*\))?|剖宫产")
_HAN = r"\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_NAME = re.compile(rf"[{_HAN}]{{2,4}}|[{_HAN}]{{1,12}}(?:·[{_HAN}]{{1,12}}){{1,3}}")
_REST_OF_LABEL = re.compile(rf"^[{_HAN}]{{1,3}}:(?=.)")
_AROUND = " \t:,，、;；。.|·-—_“”\"'《》<>【】[]*#=~"


def plain(text: str) -> str:
    """NFKC without white space around it."""
    return unicodedata.normalize("NFKC", text).replace("︰", ":").strip()


@cache
def _simplifier() -> OpenCC:
    return OpenCC("t2s")


def simplified(text: str) -> str:
    """Traditional characters as simplified ones, for recognisers often take one for the other; and holmium, which
    stands in the name of many an operation and is misread. As long as the text.
    """
    folded = _simplifier().convert(text).replace("钦激光", "钬激光")
    return folded if len(folded) == len(text) else text


def parts(text: str) -> list[str]:
    """What stands between marks and spaces: "省医学科学院·省人民医院" names two."""
    return [part for part in re.split(r"[\s·•/、,，;；()（）|]+", text) if part]


def unlabelled(text: str) -> str:
    """Without the end of a label that was cut off: "位:四川省人民医院"."""
    return _REST_OF_LABEL.sub("", text)


def trimmed(text: str) -> str:
    """Without the marks around it."""
    return text.strip(_AROUND)


def bare(text: str) -> str:
    """NFKC in lower case without white space, marks and brackets: what is left of a value when it is compared."""
    folded = simplified(unicodedata.normalize("NFKC", text)).casefold()
    return "".join(c for c in folded if not c.isspace() and unicodedata.category(c)[0] not in "PSC")


def title_in(text: str) -> re.Match[str] | None:
    """A title in it, the longest that begins first."""
    return _TITLE.search(text)


def day_in(text: str) -> date | None:
    """The day that it names, however it is written; None when it names none, or one that does not exist."""
    spoken = _SPOKEN_DAY.search(text)
    match = spoken or _DAY.search(text) or _RUN_DAY.search(text)
    if match is None:
        return None
    if spoken:
        year = int("".join(str(_DIGITS[c]) for c in match[1]))
        month, day = _number(match[2]), _number(match[3])
    else:
        year, month, day = int(match[1]), int(match[2]), int(match[3])
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _number(spoken: str) -> int:
    tens, ten, ones = spoken.partition("十")
    if not ten:
        return _DIGITS.get(spoken, 0) if len(spoken) == 1 else 0
    return 10 * (_DIGITS.get(tens, 0) if tens else 1) + (_DIGITS.get(ones, 0) if ones else 0)


def is_whole_day(text: str) -> bool:
    """Whether the day stands there to its end: of "2022年8月2" nobody knows."""
    written = day_text(text)
    return day_in(written) is not None and ("年" not in written or written[-1] in "日号")


def day_text(text: str) -> str:
    """The part of it that is the day."""
    for pattern in (_SPOKEN_DAY, _DAY, _RUN_DAY):
        if match := pattern.search(text):
            return match[0].strip()
    return text


def is_clock(text: str) -> bool:
    """Whether a camera wrote it."""
    return _CLOCK.search(text) is not None


def employer_in(text: str) -> re.Match[str] | None:
    """A hospital or the like at its beginning."""
    return _EMPLOYER.match(text)


def is_department(text: str) -> bool:
    """Whether it ends as departments do."""
    return _DEPARTMENT.fullmatch(text) is not None


def is_operation(text: str) -> bool:
    """Whether it ends as operations do."""
    return _OPERATION.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether it may be a person's name."""
    return _NAME.fullmatch(names.normalise(text)) is not None


def distance(one: str, other: str) -> int:
    """Edit distance (Levenshtein)."""
    before = list(range(len(other) + 1))
    for row, a in enumerate(one, 1):
        line = [row]
        for column, b in enumerate(other, 1):
            line.append(min(before[column] + 1, line[-1] + 1, before[column - 1] + (a != b)))
        before = line
    return before[-1]


def is_near(one: str, other: str) -> bool:
    """Whether one may be the other misread: one character in four differs, at least one."""
    return bool(one) and bool(other) and distance(one, other) <= max(1, min(len(one), len(other)) // 4)


def fits(name: FieldName, value: str) -> bool:
    """Whether a value looks as one of this field does."""
    checks: Mapping[FieldName, Callable[[str], bool]] = {
        FieldName.SURGEON: is_name,
        FieldName.EMPLOYER: lambda text: employer_in(text) is not None,
        FieldName.DEPARTMENT: is_department,
        FieldName.TITLE: lambda text: title_in(text) is not None,
        FieldName.OPERATION: is_operation,
        FieldName.DATE: is_whole_day,
    }
    return checks[name](value)
