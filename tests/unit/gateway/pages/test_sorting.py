"""Where a dropped file most likely belongs."""

import pytest

from services.catalogue import load
from services.catalogue.checklist import checklist
from services.catalogue.checklist_json import to_data
from services.catalogue.profile import from_data
from services.gateway.pages.lines import Line, lines
from services.gateway.pages.sorting import places, suggest
from tests.small_dossier import PROFILE

CATALOGUE = load.default()


@pytest.fixture(scope="module")
def owed() -> list[Line]:
    answers = {"surgery_video": [{"operation": "腹腔镜胆囊切除术"}], "clinical_case": [{}]}
    profile = {
        **PROFILE, "category": "医疗类", "workload_register": "clinical_dental", "specialty_surgical": True,
        "answers": answers,
    }  # fmt: skip
    found = to_data(checklist(CATALOGUE, from_data(profile, CATALOGUE)))
    items = found["items"]
    assert isinstance(items, list)
    materials = [
        {
            "material_id": f"{each['item']}-{each['ordinal']}", "item_id": each["item"], "ordinal": each["ordinal"],
            "item_number": each["number"], "title_zh": each["title_zh"], "title_en": each["title_en"], "files": [],
        }
        for each in items
    ]  # fmt: skip
    return list(lines({"materials": materials, "decisions": []}, found))


@pytest.mark.parametrize(
    ("path", "item"),
    [
        ("1 学历/毕业证.jpg", "education"),
        ("学历材料.pdf", "education"),
        ("申报/8年度考核/2022.jpg", "annual_assessment"),
        ("继续教育学分.pdf", "continuing_education"),
        ("综合推荐表.pdf", "recommendation"),
        ("15.1/病历.pdf", "clinical_case"),
        ("李川明510106198001011239.mp4", "surgery_video"),
        ("手术视频.MP4", "surgery_video"),
    ],
)
def test_names_and_folders_lead_to_the_item(owed: list[Line], path: str, item: str) -> None:
    material, component = suggest(path, owed)
    assert material == f"{item}-1"
    assert component


@pytest.mark.parametrize(
    "path",
    ["IMG_0001.jpg", "扫描件.pdf", "新建文件夹/未命名.pdf", "", "/", "<script>.pdf", "x" * 1000, "材料证明原件.pdf"],
)
def test_what_says_nothing_gets_no_suggestion(owed: list[Line], path: str) -> None:
    assert suggest(path, owed) == ("", "")


def test_a_video_goes_nowhere_else_and_nothing_else_goes_to_the_video(owed: list[Line]) -> None:
    assert suggest("学历材料.mp4", owed)[0] == "surgery_video-1"
    assert suggest("手术视频.pdf", owed)[0] != "surgery_video-1"


def test_every_component_is_a_place_with_a_label_of_its_own(owed: list[Line]) -> None:
    found = list(places(owed, "zh"))
    assert len({(place.material_id, place.component_id) for place in found}) == len(found)
    assert len({place.label for place in found}) == len(found)
    assert {place.is_video for place in found} == {True, False}
