"""Labels before values: whose they are, where they begin and end."""

import pytest

from services.catalogue.opening.labels import GAP, begins_with_label, labels_in, nearest, split_off
from services.catalogue.opening.model import FieldName


def found(row: str) -> list[tuple[str, str]]:
    return [(str(label.name), row[label.start : label.end]) for label in labels_in(row)]


@pytest.mark.parametrize(
    ("row", "labels"),
    [
        ("主刀医生:张三", [("surgeon", "主刀医生:")]),
        ("姓 名:张三", [("surgeon", "姓 名:")]),
        (f"姓{GAP}名:张三", [("surgeon", f"姓{GAP}名:")]),
        ("科室:肝胆外科 职称:主任医师", [("department", "科室:"), ("title", "职称:")]),
        ("科室:肝胆外科职称:主任医师", [("department", "科室:"), ("title", "职称:")]),
        (f"手术{GAP}剖宫产术", [("operation", "手术")]),
        ("手术名称剖宫产术", [("operation", "手术名称")]),
        ("手术日期:2022.5.1", [("date", "手术日期:")]),
        ("手术曰期:2022.5.1", [("date", "手术曰期:")]),
        ("麻醉医师:李四", [("None", "麻醉医师:")]),
        ("患者姓名:李四", [("None", "患者姓名:")]),
        ("第一助手:李四", [("None", "第一助手:")]),
        ("申报职称:主任医师", [("None", "申报职称:")]),
        ("手术视频", []),
        ("手术演示", []),
        ("医院感染管理", []),
    ],
)
def test_labels_of_a_row(row: str, labels: list[tuple[str, str]]) -> None:
    assert found(row) == labels


def test_a_label_with_one_character_misread_is_told_by_the_others() -> None:
    assert nearest("手木名称") is FieldName.OPERATION
    assert nearest("工作单伍") is FieldName.EMPLOYER


@pytest.mark.parametrize("other", ["", "科", "审核", "完全不同的话", "手术"])
def test_what_is_too_short_or_too_different_is_nobodys(other: str) -> None:
    assert nearest(other) is {"手术": FieldName.OPERATION, "科": FieldName.DEPARTMENT}.get(other)


def test_a_piece_may_begin_with_a_label_whose_colon_was_lost() -> None:
    assert split_off("科别神经外科") == (FieldName.DEPARTMENT, "神经外科")
    assert split_off("麻醉医师李四") is None
    assert begins_with_label("时间:2022")
    assert not begins_with_label("在 时间:2022")
