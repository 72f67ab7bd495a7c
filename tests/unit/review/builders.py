"""Short ways to a dossier for tests."""

from dataclasses import replace
from datetime import UTC, datetime

from services.catalogue import id_number, load
from services.catalogue.profile import Profile, from_data
from services.review.domain.manifest import recipe_sha256
from services.review.domain.records import (
    Confirmation,
    Disc,
    Dossier,
    DossierState,
    File,
    FileState,
    Material,
    Merged,
    Report,
)

CATALOGUE = load.default()
NOW = datetime(2023, 9, 1, 8, tzinfo=UTC)
_SEVENTEEN = "51010619800101123"
ID_NUMBER = _SEVENTEEN + id_number.check_digit(_SEVENTEEN)


def profile(**changes: object) -> Profile:
    """A surgeon of a county hospital."""
    data: dict[str, object] = {
        "name": "李川明",
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
        "answers": {"surgery_video": {"operation": "腹腔镜胆囊切除术"}},
    }
    return from_data({**data, **changes})


def report(verdict: str = "pass", **changes: object) -> Report:
    """A fetched report without findings."""
    return replace(Report(report_id="r", version=1, verdict=verdict, fetched=True), **changes)  # type: ignore[arg-type]


def file(file_id: str = "f1", component_id: str = "assessment_proof", **changes: object) -> File:
    """A verified file with a passing report."""
    made = File(
        file_id=file_id,
        component_id=component_id,
        position=0,
        file_name=f"{file_id}.pdf",
        size_bytes=10,
        media_type="application/pdf",
        sha256=file_id * 8,
        state=FileState.VERIFIED,
        report=report(),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def material(*files: File, item_id: str = "annual_assessment", **changes: object) -> Material:
    """A material of these files."""
    made = Material(material_id="m1", item_id=item_id, ordinal=1, required=True, version=1, files=tuple(files))
    return replace(made, **changes)  # type: ignore[arg-type]


def assembled(made: Material) -> Material:
    """The material with its merged PDF, or its disc."""
    if CATALOGUE.item(made.item_id).is_video:
        disc = Disc(disc_id="d", file_id=made.files[0].file_id, sha256="s", size_bytes=1, file_sha256="f", version=2)
        return replace(made, disc=disc)
    recipe = recipe_sha256(CATALOGUE, made)
    merged = Merged(merged_id="x", version=1, recipe_sha256=recipe, sha256="s", size_bytes=1, pages=1, verdict="pass")
    return replace(made, merged=merged)


def dossier(*materials: Material, **changes: object) -> Dossier:
    """A draft of a county hospital's applicant."""
    made = Dossier(
        dossier_id="d1",
        applicant_id="applicant",
        organisation_id="h1",
        organisation_path="/sc/cd/jc/h1/",
        cycle=2023,
        catalogue_version=CATALOGUE.version,
        state=DossierState.DRAFT,
        level="",
        route=("unit", "county", "city", "province"),
        submission=0,
        version=1,
        event_number=0,
        updated_at=NOW,
        submitted_at=None,
        materials=tuple(materials),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def confirmation(level: str, manifest: str, **changes: object) -> Confirmation:
    """All three confirmations."""
    made = Confirmation(
        level=level,
        compared_with_original=True,
        legible=True,
        authentic=True,
        manifest_sha256=manifest,
        catalogue_version=CATALOGUE.version,
        confirmed_by="reviewer",
        confirmed_at=NOW,
    )
    return replace(made, **changes)  # type: ignore[arg-type]
