"""A dossier that is real and small: a pharmacist who owes eight items of one scanned page each."""

from pathlib import Path
from typing import Any

from services.catalogue import id_number
from services.cli.demo.client import Client, Data
from tests.assets import pdf_fixtures

_SEVENTEEN = "51010619880808321"
PROFILE: Data = {
    "name": "何药师", "id_number": _SEVENTEEN + id_number.check_digit(_SEVENTEEN), "target_level": "正高级",
    "category": "药学", "workload_register": "pharmacy", "specialty": "医院药学", "employer": "锦川县人民医院",
    "department": "药学部", "title": "副主任药师", "affiliation": "县属", "has_degree": False,
    "counterpart_support_due": False, "answers": {"qualification": {"content_page_shows_category": True}},
}  # fmt: skip
#: Item → its one component.
COMPONENTS = {
    "education": "chsi_report", "qualification": "current_certificate", "appointment": "current_appointment",
    "annual_assessment": "assessment_proof", "continuing_education": "platform_print",
    "advanced_study": "completion_certificate", "recommendation": "recommendation",
    "health_popularization": "registration_form",
}  # fmt: skip


def another(name: str, seventeen: str) -> Data:
    """The profile of somebody else who owes the same."""
    return {**PROFILE, "name": name, "id_number": seventeen + id_number.check_digit(seventeen)}


def page(folder: Path, item: str, *, seed: int) -> Path:
    """A scanned page for an item; another seed is another scan."""
    path = folder / f"{item}-{seed}.pdf"
    path.write_bytes(pdf_fixtures.pdf_of([pdf_fixtures.scan_jpeg(seed=seed, title=item, size=(620, 877))]))
    return path


def owed(folder: Path) -> dict[str, Path]:
    """Item → file, everything that is owed."""
    return {item: page(folder, item, seed=number) for number, item in enumerate(COMPONENTS)}


def materials(dossier: Data) -> dict[str, Data]:
    """Item → material."""
    return {material["item_id"]: material for material in dossier["materials"]}


def fill(person: Client, dossier: Data, files: dict[str, Path]) -> None:
    """Send what is not there yet."""
    for item, material in materials(dossier).items():
        if material["required"] and not material["files"]:
            person.upload(dossier["dossier_id"], material["material_id"], COMPONENTS[item], files[item])


def submit(person: Client, dossier_id: str, *, wait: bool = True) -> Data:
    """Wait until everything has passed, and hand in."""
    if wait:
        person.wait(dossier_id, lambda d: d["status"] == "passed", deadline_s=60)
    person.dossier(dossier_id)
    path = f"/api/v1/dossiers/{dossier_id}/submission"
    return person.send("POST", path, version=True, json={"declaration_accepted": True})


def confirm(reviewer: Client, dossier_id: str, material: Data) -> Data:
    """The three confirmations for the files as they are in `material`."""
    told = {"compared_with_original": True, "legible": True, "authentic": True}
    path = f"/api/v1/dossiers/{dossier_id}/materials/{material['material_id']}/confirmation"
    return reviewer.send("PUT", path, json={"manifest_sha256": material["manifest_sha256"], **told})


def forward(reviewer: Client, dossier_id: str, **rest: Any) -> Data:
    """Sign and pass on."""
    reviewer.dossier(dossier_id)
    path = f"/api/v1/dossiers/{dossier_id}/forwarding"
    return reviewer.send("POST", path, version=True, json={"eligible": True}, **rest)
