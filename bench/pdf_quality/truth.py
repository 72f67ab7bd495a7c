"""A generated page and what is true of it; the words that pages are filled with."""

import io
import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[Any]

SURNAMES = "李王张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "川明建国志强丽华秀英晓燕海涛文博思远雪梅永红春生玉兰子涵"
PLACES = ("成都市", "绵阳市", "南充市", "宜宾市", "泸州市", "凉山州", "巴中市", "德阳市")
UNITS = ("第一人民医院", "中医医院", "妇幼保健院", "疾病预防控制中心", "中心卫生院", "第三人民医院")
SENTENCES = (
    "兹证明该同志自参加工作以来，遵守国家法律法规，恪守职业道德，工作认真负责，圆满完成各项任务。",
    "经单位审核，上述内容属实，材料真实有效，同意上报。",
    "患者因反复上腹部疼痛三月余，加重两天入院，查体：腹软，剑突下压痛，无反跳痛。",
    "入院后完善相关检查，诊断明确，无手术禁忌，于全麻下行腹腔镜胆囊切除术，手术顺利。",
    "任现职期间，独立完成疑难危重病例诊治，积极开展新技术、新项目，指导下级医师工作。",
    "年度考核结果：二〇一九年优秀，二〇二〇年合格，二〇二一年合格，二〇二二年优秀。",
    "根据《四川省卫生健康委员会关于做好高级职称评审工作的通知》要求，现将有关情况说明如下：",
    "统计起止日期为二〇一八年一月至二〇二三年八月，统计口径为出院人数，数据来源于医院信息系统。",
    "该项目立项以来，按计划开展了调查、培训和随访，完成了阶段性成果，并通过了专家论证。",
    "术后给予抗感染、补液等治疗，恢复良好，切口愈合，无并发症发生，于术后第五日出院。",
)
ENGLISH = (
    "The median age of the patients was fifty-four years, and most of them were admitted within two days of onset.",
    "No significant difference was found between the two groups with regard to operating time, blood loss or stay.",
    "Informed consent was obtained from all participants, and the study was approved by the ethics committee.",
    "Further trials with larger samples, a longer follow-up and a control group are needed to confirm these results.",
)
TITLES = ("工作证明", "年度考核结果证明", "学历审查意见", "情况说明", "综合推荐意见", "进修结业证明", "聘任证明")
COLUMNS = ("序号", "姓名", "日期", "项目", "例数", "科室", "备注", "结果")


@dataclass(frozen=True, kw_only=True, slots=True)
class Generated:
    """A page as its file would hold it. `truth` names what is true of it: "blurred", "motion", "blank", "grey",
    "seal", "copied seal", "upside-down", "coarse". `dpi`: how densely it was taken, for a sheet of A4.
    """

    seed: int
    generator: str
    kind: str
    jpeg: bytes
    truth: frozenset[str]
    dpi: float
    #: Which sheet of paper it shows: two pages of one sheet are the same page.
    sheet: str = ""
    made: tuple[str, ...] = field(default=())


def pixels_of(jpeg: bytes) -> Pixels:
    """Rows × columns × 3."""
    with Image.open(io.BytesIO(jpeg)) as opened:
        return np.asarray(opened.convert("RGB"))


def name(chance: random.Random) -> str:
    """Of a person."""
    return chance.choice(SURNAMES) + "".join(chance.sample(GIVEN, chance.choice((1, 2))))


def paragraph(chance: random.Random, characters: int) -> str:
    """About so many characters."""
    said = ""
    while len(said) < characters:
        said += chance.choice(SENTENCES)
    return said


def unit(chance: random.Random) -> str:
    """An employer."""
    return chance.choice(PLACES) + chance.choice(UNITS)


def truth_of(chance: random.Random) -> str:
    """What befalls a page, "" for nothing: a third is as it should be."""
    return chance.choices(("", "blurred", "motion", "grey", "upside-down", "coarse"), weights=(48, 12, 9, 14, 11, 6))[0]
