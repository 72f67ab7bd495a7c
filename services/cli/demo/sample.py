"""The sample dossier: a county hospital's surgeon and every file that this person owes by the catalogue."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.catalogue import id_number, load
from services.catalogue.checklist import Entry, checklist
from services.catalogue.profile import Profile, from_data
from services.cli.tools import sample_pictures as pictures
from services.cli.tools.sample_video import surgery_video

NAME = "李川明"
ID_NUMBER = "51010619800101123" + id_number.check_digit("51010619800101123")
OPERATION = "腹腔镜胆囊切除术"
#: Items that are sent in several parts, by how many.
SEVERAL = {"education": 2, "annual_assessment": 3, "surgery_video_docs": 1, "clinical_case": 1}
PROFILE: dict[str, object] = {
    "name": NAME,
    "id_number": ID_NUMBER,
    "target_level": "正高级",
    "category": "医疗类",
    "workload_register": "clinical_dental",
    "specialty": "普通外科",
    "employer": "锦川县人民医院",
    "department": "普外科",
    "title": "副主任医师",
    "affiliation": "县属",
    "specialty_surgical": True,
    "answers": {
        "education": [{"path": "chsi"}],
        "counterpart_support": {"path": "chuanbangdai"},
        "workload_outpatient": {"path": "system"},
        "workload_discharge": {"path": "system"},
        "clinical_case": [{"surgical_department": True, "temperature_abnormal": True}],
        "surgery_video": {"operation": OPERATION, "operation_date": "2023-05-18"},
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleFile:
    """One file to send: to which item and component, and where it lies."""

    item_id: str
    component_id: str
    path: Path


def profile() -> Profile:
    """The applicant. Raises nothing: a test holds it against the schema."""
    return from_data(PROFILE)


def files(folder: Path) -> Iterator[SampleFile]:
    """Make every file that the catalogue demands of the sample applicant, one after the other."""
    seed = 100
    for entry in checklist(load.default(), profile()).entries:
        for component_id, title in _wanted(entry):
            for number in range(SEVERAL.get(entry.item.id, 1)):
                seed += 1
                yield _file(folder, entry, component_id, title, number, seed)


def _wanted(entry: Entry) -> list[tuple[str, str]]:
    """The components that are due, and the first of each alternative."""
    due = [(owed.component.id, owed.component.zh) for owed in entry.components if owed.due]
    chosen = [alternative.of[0] for alternative in entry.alternatives]
    return due + [(component_id, entry.item.component(component_id).zh) for component_id in chosen]


def _lines(title: str) -> tuple[str, ...]:
    return (f"姓名：{NAME}", "工作单位：锦川县人民医院", f"材料：{title}", "兹证明以上情况属实。", "2023年6月1日")


def _file(folder: Path, entry: Entry, component_id: str, title: str, number: int, seed: int) -> SampleFile:
    item_id = entry.item.id
    if entry.item.is_video:
        path = folder / f"{NAME}{ID_NUMBER}.mp4"
        surgery_video(
            (f"主刀医生：{NAME}", "工作单位：锦川县人民医院", "所在科室：普外科", "职称：副主任医师",
             f"手术名称：{OPERATION}", "手术日期：2023年5月18日"), folder, path,
        )  # fmt: skip
        return SampleFile(item_id=item_id, component_id=component_id, path=path)
    stem = folder / f"{entry.item.number}-{component_id}-{number + 1}"
    if number == 1 or component_id in ("first_course", "op_record"):
        path = stem.with_name(stem.name + ".jpg")
        path.write_bytes(pictures.photograph(title, _lines(title), seed))
    elif number == 2 or component_id == "key_reports":
        path = stem.with_name(stem.name + ".png")
        path.write_bytes(pictures.png_page(title, _lines(title), seed))
    else:
        path = stem.with_name(stem.name + ".pdf")
        path.write_bytes(pictures.scanned_pdf(title, _lines(title), 2 if number == 0 and seed % 3 == 0 else 1, seed))
    return SampleFile(item_id=item_id, component_id=component_id, path=path)
