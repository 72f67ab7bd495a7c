"""After real use: the ID number stands nowhere in plain, the name in the table of persons only."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from services.catalogue import id_number
from tests.assets import video_fixtures
from tests.e2e.conftest import Platform

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(180)]
NAME = "欧阳澄怀"
_SEVENTEEN = "51010619850303456"
ID_NUMBER = _SEVENTEEN + id_number.check_digit(_SEVENTEEN)
_TABLES = sa.text(
    "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns"
    " WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2, 3"
)


def use(platform: Platform, folder: Path) -> None:
    """A surgeon of the provincial hospital uploads a video named for him and a document named for him."""
    person = platform.client("applicant-province")
    profile = {
        "name": NAME, "id_number": ID_NUMBER, "target_level": "正高级", "category": "医疗类",
        "workload_register": "clinical_dental", "specialty": "普通外科", "employer": "示例省立医院",
        "department": "普外科", "title": "副主任医师", "affiliation": "省属", "specialty_surgical": True,
        "answers": {"surgery_video": {"operation": "腹腔镜胆囊切除术"}},
    }  # fmt: skip
    made = person.send("POST", "/api/v1/dossiers", json={"profile": profile})
    dossier_id = made["dossier_id"]
    materials = {m["item_id"]: m["material_id"] for m in made["materials"]}
    video = video_fixtures.real_mp4(folder / f"{NAME}{ID_NUMBER}.mp4")
    person.upload(dossier_id, materials["surgery_video"], "video", video)
    broken = folder / f"{NAME}{ID_NUMBER}考核.pdf"
    broken.write_bytes(b"%PDF-1.7\nno document of " + NAME.encode())
    person.upload(dossier_id, materials["annual_assessment"], "assessment_proof", broken)
    intro = f"/api/v1/dossiers/{dossier_id}/materials/{materials['surgery_video_docs']}/components/intro/text"
    for text in (f"患者{NAME}。", f"患者{NAME}，{ID_NUMBER}。"):
        person.send("PUT", intro, json={"text": text})

    def done(dossier: dict[str, object]) -> bool:
        found = {m["item_id"]: m["status"] for m in dossier["materials"]}  # type: ignore[attr-defined]
        return (found["surgery_video"], found["annual_assessment"]) == ("passed", "failed")

    person.wait(dossier_id, done, deadline_s=60)
    person.close()


async def columns(platform: Platform) -> Iterator[tuple[str, bytes]]:
    """Every value of every column of every table, as (schema.table.column, bytes)."""
    engine = create_async_engine(platform.superuser_url)
    found: list[tuple[str, bytes]] = []
    async with engine.connect() as connection:
        for schema, table, column, kind in (await connection.execute(_TABLES)).all():
            text = f'"{column}"' if kind == "bytea" else f'"{column}"::text'
            rows = await connection.execute(sa.text(f'SELECT {text} FROM "{schema}"."{table}"'))
            for (value,) in rows:
                if value is not None:
                    found.append((f"{schema}.{table}.{column}", value if kind == "bytea" else str(value).encode()))
    await engine.dispose()
    return iter(found)


async def test_name_and_number_are_where_they_belong_and_nowhere_else(platform: Platform, tmp_path: Path) -> None:
    use(platform, tmp_path)
    holding_name, holding_number, seen = set(), set(), 0
    for place, value in await columns(platform):
        seen += 1
        if NAME.encode() in value:
            holding_name.add(place)
        if ID_NUMBER.encode() in value:
            holding_number.add(place)
    assert seen > 500
    assert holding_name == {"review.persons.name"}
    assert holding_number == set()
    for log in platform.folder.logs.glob("*.log"):
        content = log.read_bytes()
        assert NAME.encode() not in content, log.name
        assert ID_NUMBER.encode() not in content, log.name
    keys = [str(path.relative_to(platform.folder.objects)) for path in platform.folder.objects.rglob("*")]
    assert any("staging" in key for key in keys)
    assert not [key for key in keys if NAME in key or re.search(ID_NUMBER, key)]
