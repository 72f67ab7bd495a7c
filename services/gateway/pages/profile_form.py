"""The profile as a form: which fields there are, what they are called, and how a form becomes a profile again."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from services.catalogue.model import Catalogue, Item
from services.catalogue.profile import Answer
from services.gateway.pages.words import N_

Kind = Literal["text", "choice", "flag", "day", "number"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One field; `choices` are value and label."""

    name: str
    label: str
    kind: Kind = "text"
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = False


PERSON = (
    Field(name="name", label=N_("姓名"), required=True),
    Field(name="id_number", label=N_("身份证号"), required=True, hint=N_("18 位；只用于核对，加密保存。")),
    Field(
        name="target_level", label=N_("申报级别"), kind="choice", required=True,
        hint=N_("副高级只受理省属单位（G-01）。"), choices=(("正高级", N_("正高级")), ("副高级", N_("副高级"))),
    ),
    Field(
        name="category", label=N_("类别"), kind="choice", required=True,
        choices=(
            ("医疗类", N_("医疗类")), ("护理类", N_("护理类")), ("药学", N_("药学")), ("医学技术", N_("医学技术")),
        ),
    ),
    Field(
        name="workload_register", label=N_("工作量登记表"), kind="choice", required=True,
        choices=(
            ("clinical_dental", N_("临床、口腔")), ("public_health", N_("公共卫生")), ("nursing", N_("护理")),
            ("pharmacy", N_("药学")), ("medtech", N_("医学技术")),
        ),
    ),
    Field(name="specialty", label=N_("申报专业"), required=True),
    Field(name="employer", label=N_("工作单位"), required=True),
    Field(name="department", label=N_("所在科室"), required=True),
    Field(name="title", label=N_("现职称"), required=True),
    Field(
        name="affiliation", label=N_("单位隶属"), kind="choice", required=True,
        choices=(("县属", N_("县属")), ("市属", N_("市属")), ("省属", N_("省属"))),
    ),
    Field(
        name="ownership", label=N_("单位性质"), kind="choice",
        choices=(("public", N_("公立")), ("private", N_("社会办"))),
    ),
    Field(name="appointed_on", label=N_("现职称聘任日期"), kind="day"),
    Field(name="political_score", label=N_("政治思想评分（第十二项）"), kind="number"),
)  # fmt: skip
CIRCUMSTANCES = (
    Field(name="specialty_surgical", label=N_("手术为主的专业"), kind="flag"),
    Field(name="has_degree", label=N_("有本专业学位"), kind="flag"),
    Field(name="title_lateral_transfer", label=N_("现资格系平转确认"), kind="flag"),
    Field(name="primary_care_title_first", label=N_("先取得基层卫生专业技术资格"), kind="flag"),
    Field(name="other_title_first", label=N_("先取得其他专业职称"), kind="flag"),
    Field(name="employer_changed", label=N_("变更过工作单位"), kind="flag"),
    Field(name="counterpart_support_due", label=N_("须完成对口支援或免对口支援"), kind="flag"),
    Field(name="covid_frontline", label=N_("新冠肺炎疫情防控一线人员"), kind="flag"),
    Field(name="liangshan_team", label=N_("凉山州脱贫攻坚综合帮扶工作队员"), kind="flag"),
    Field(name="exceptional", label=N_("破格申报"), kind="flag"),
    Field(name="aid_abroad", label=N_("有援外经历"), kind="flag"),
    Field(name="aid_tibet_yi", label=N_("有援藏援彝经历"), kind="flag"),
)
_FLAGS = {
    "electronic": N_("使用电子证照"),
    "content_page_shows_category": N_("内容页能直接反映类别级别，不须封面（G-15）"),
    "surgical_department": N_("手术科室的病案"),
    "temperature_abnormal": N_("有异常体温单"),
    "has_register": N_("单位建立了登记管理制度"),
    "rank_unclear": N_("报告未明确排名"),
    "foreign_language_journal": N_("国外期刊的外文论文"),
    "by_funding": N_("按累计经费提供"),
    "excellent_years_required": N_("要求年度考核优秀次数"),
    "primary_care_years_required": N_("要求受聘基层高级职称年限"),
    "mission_ended": N_("援外任务已结束"),
}
_CHOICES = {
    "chsi": N_("学信网"),
    "unit_verified": N_("单位审查"),
    "overseas": N_("国（境）外"),
    "scan": N_("扫描原件"),
    "electronic": N_("电子证照、电子证书"),
    "certificate": N_("进修结业证"),
    "standardized": N_("临床医师规范化进修（不需要上传）"),
    "exempt": N_("免除"),
    "self_appraisal": N_("自我鉴定表（2017年及以前派出）"),
    "chuanbangdai": N_("“传帮带”"),
    "aid": N_("援外等"),
    "system": N_("信息系统截图"),
    "paper": N_("未进入系统的纸质记录"),
    "events": N_("事件处置、健康教育"),
    "reports": N_("报告、方案"),
    "project": N_("立项项目"),
    "transfer": N_("成果转化"),
}
#: A form may not grow without end.
MOST_ENTRIES = 40
_KEY = re.compile(r"^answers\.([a-z0-9_]{1,64})\.(\d{1,3})\.([a-z_]{1,64})$")


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemFields:
    """An item about which the applicant says something, and the fields of one entry."""

    item: Item
    fields: tuple[Field, ...]


def item_fields(catalogue: Catalogue) -> Iterator[ItemFields]:
    """Every item with a choice, in the notice's order."""
    for item in catalogue.items:
        fields = tuple(_fields_of(item))
        if (fields or item.entries == "listed") and item.follows is None:
            yield ItemFields(item=item, fields=fields)


def _fields_of(item: Item) -> Iterator[Field]:
    for name, label, allowed in (("path", N_("提交途径"), item.paths), ("kind", N_("种类"), item.kinds)):
        if allowed:
            yield Field(name=name, label=label, kind="choice", choices=tuple((v, _CHOICES[v]) for v in allowed))
    conditions = [component.when for component in item.components if component.when is not None]
    named = {name for condition in conditions for name in condition.names}
    for name, label in _FLAGS.items():
        if name in named and not (name == "electronic" and item.paths):
            yield Field(name=name, label=label, kind="flag")
    if item.is_video:
        yield Field(name="operation", label=N_("手术名称"), required=True)
        yield Field(name="operation_date", label=N_("手术日期"), kind="day")
    if item.entries != "single":
        yield Field(name="label", label=N_("便于辨认的名称（只用于显示）"))


def from_form(pairs: Iterable[tuple[str, str]], catalogue: Catalogue) -> dict[str, Any]:
    """What the form says, as data for the profile; what was left empty is left out."""
    given = dict(pairs)
    data: dict[str, Any] = {}
    for field in (*PERSON, *CIRCUMSTANCES):
        value = _value(field, given.get(field.name, ""))
        if value is not None:
            data[field.name] = value
    answers: dict[str, dict[int, dict[str, Any]]] = {}
    known = {entry.item.id: {field.name: field for field in entry.fields} for entry in item_fields(catalogue)}
    for key, text in given.items():
        found = _KEY.match(key)
        if found is None or found[1] not in known:
            continue
        entry = answers.setdefault(found[1], {}).setdefault(int(found[2]), {})
        named = known[found[1]].get(found[3])
        value = None if named is None else _value(named, text)
        if value is not None:
            entry[found[3]] = value
    for item_id, fields in known.items():  # a box that is not ticked sends nothing
        for entry in answers.get(item_id, {}).values():
            entry.update({name: False for name, f in fields.items() if f.kind == "flag" and name not in entry})
    data["answers"] = {
        item_id: [entries[number] for number in sorted(entries)][:MOST_ENTRIES] for item_id, entries in answers.items()
    }
    return data


def _value(field: Field, text: str) -> Any:
    text = text.strip()
    if field.kind == "flag":
        return text == "yes"
    if not text:
        return None
    if field.kind == "number":
        try:
            return float(text)
        except ValueError:
            return text
    return text


def defaults() -> dict[str, Any]:
    """A new form."""
    return {"has_degree": True, "counterpart_support_due": True, "ownership": "public", "answers": {}}


def answer_defaults() -> Mapping[str, Any]:
    """A new entry."""
    return {name: field.default for name, field in Answer.model_fields.items()}


def entries_of(entry: ItemFields, data: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The entries of an item as the form shows them: a single or first one is always there."""
    found = data.get("answers", {}).get(entry.item.id, [])
    given = [found] if isinstance(found, Mapping) else list(found)
    if not given and entry.item.entries != "listed":
        given = [answer_defaults()]
    return [{**answer_defaults(), **one} for one in given]
