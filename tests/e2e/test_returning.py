"""A dossier goes back once with a complete list, comes again, and only what changed is looked at again (G-12, G-13)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.cli.demo.client import Client, Data, DemoFailed
from tests.e2e.conftest import Platform
from tests.small_dossier import PROFILE, confirm, fill, forward, materials, owed, page, submit

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(240)]
#: What is put right, and what is on the list but comes again as it was.
DEFECTS = ("annual_assessment", "education")
WORDS = {"annual_assessment": "2021 年度考核表缺单位公章。", "education": "学历证书电子注册备案表不清晰。"}


@dataclass(frozen=True, slots=True)
class People:
    """Of a city hospital, whose route has three levels."""

    applicant: Client
    unit: Client
    city: Client
    province: Client


@pytest.fixture(scope="module")
def people(platform: Platform) -> Iterator[People]:
    found = People(*(platform.client(login) for login in ("applicant-city", "unit-city", "city", "province")))
    yield found
    for client in (found.applicant, found.unit, found.city, found.province):
        client.close()


@pytest.fixture(scope="module")
def returned(people: People, tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Handed in, looked at by the unit, and returned with two defects."""
    profile = {**PROFILE, "affiliation": "市属", "employer": "示例市医院"}
    made = people.applicant.send("POST", "/api/v1/dossiers", json={"profile": profile})
    assert made["route"] == ["unit", "city", "province"]
    fill(people.applicant, made, owed(tmp_path_factory.mktemp("files")))
    submitted = submit(people.applicant, made["dossier_id"])
    assert (submitted["state"], submitted["level"], submitted["submission"]) == ("in-review", "unit", 1)
    return return_it(people, submitted)


def give_back(people: People, dossier_id: str, items: dict[str, str]) -> Data:
    now = people.unit.dossier(dossier_id)
    defects = [{"material_id": materials(now)[item]["material_id"], "reason": why} for item, why in items.items()]
    path = f"/api/v1/dossiers/{dossier_id}/return"
    return people.unit.send("POST", path, version=True, json={"defects": defects, "comment": "请一次补正。"})


def return_it(people: People, dossier: Data) -> Data:
    """By the unit; refused until everything is confirmed or on the list."""
    dossier_id = dossier["dossier_id"]
    with pytest.raises(DemoFailed, match=r"review\.not-all-judged"):
        give_back(people, dossier_id, WORDS)
    for item, material in materials(people.unit.dossier(dossier_id)).items():
        if item not in DEFECTS:
            confirm(people.unit, dossier_id, material)
            confirm_again(people, dossier_id, material)
    with pytest.raises(DemoFailed, match=r"review\.not-all-judged"):
        give_back(people, dossier_id, {"education": WORDS["education"]})
    return give_back(people, dossier_id, WORDS)


def confirm_again(people: People, dossier_id: str, material: Data) -> None:
    """Whose answer was lost asks again; what it says was said already."""

    def said() -> object:
        audit = people.unit.send("GET", f"/api/v1/dossiers/{dossier_id}/audit/verification")
        now = {each["material_id"]: each for each in people.unit.dossier(dossier_id)["materials"]}
        return audit["entries"], now[material["material_id"]]["confirmations"]

    before = said()
    confirm(people.unit, dossier_id, material)
    assert said() == before


def test_the_applicant_reads_the_complete_list(people: People, returned: Data) -> None:
    seen = people.applicant.dossier(returned["dossier_id"])
    assert (seen["state"], seen["level"]) == ("returned", "")
    by_id = {material["material_id"]: item for item, material in materials(seen).items()}
    [decision] = seen["decisions"]
    assert (decision["decision"], decision["level"]) == ("returned", "unit")
    assert {by_id[d["material_id"]]: (d["reason"], d["resolved"]) for d in decision["defects"]} == {
        item: (why, False) for item, why in WORDS.items()
    }
    assert {item for item, material in materials(seen).items() if material["status"] == "returned"} == set(DEFECTS)


def test_nobody_else_holds_it_now(people: People, returned: Data) -> None:
    with pytest.raises(DemoFailed, match=r"request\.not-found"):
        forward(people.city, returned["dossier_id"])
    waiting = people.unit.send("GET", "/api/v1/dossiers?waiting=true")["dossiers"]
    assert returned["dossier_id"] not in [dossier["dossier_id"] for dossier in waiting]


def test_only_what_changed_is_asked_again_and_the_route_goes_on(people: People, returned: Data, tmp_path: Path) -> None:
    dossier_id = returned["dossier_id"]
    replace_file(people, dossier_id, "annual_assessment", page(tmp_path, "annual_assessment", seed=99))
    people.applicant.wait(dossier_id, lambda d: materials(d)["annual_assessment"]["status"] == "passed", deadline_s=60)
    with pytest.raises(DemoFailed, match=r"dossier\.incomplete.*1 项未完成：education#1:returned"):
        submit(people.applicant, dossier_id, wait=False)
    replace_file(people, dossier_id, "education", page(tmp_path, "education", seed=98))
    again = submit(people.applicant, dossier_id)
    assert (again["state"], again["level"], again["submission"]) == ("in-review", "unit", 2)

    now = people.unit.dossier(dossier_id)
    asked = {item for item, material in materials(now).items() if material["status"] == "awaiting-confirmation"}
    assert asked == set(DEFECTS)
    kept = {item for item, material in materials(now).items() if any(c["current"] for c in material["confirmations"])}
    assert kept == set(materials(now)) - set(DEFECTS)
    [decision] = now["decisions"]
    assert {defect["resolved"] for defect in decision["defects"]} == {True}

    with pytest.raises(DemoFailed, match=r"review\.not-confirmed"):
        forward(people.unit, dossier_id)
    for item in DEFECTS:
        confirm(people.unit, dossier_id, materials(now)[item])
    with pytest.raises(DemoFailed, match=r"review\.return-once"):
        give_back(people, dossier_id, {"recommendation": "这一项上次没有提出。"})
    assert forward(people.unit, dossier_id)["level"] == "city"

    sign_everything(people.city, dossier_id)
    done = sign_everything(people.province, dossier_id)
    assert (done["state"], done["level"]) == ("accepted", "")
    assert [(d["level"], d["decision"]) for d in done["decisions"]] == [
        ("unit", "returned"),
        ("unit", "forwarded"),
        ("city", "forwarded"),
        ("province", "accepted"),
    ]
    assert people.province.send("GET", f"/api/v1/dossiers/{dossier_id}/audit/verification")["verified"]


def sign_everything(reviewer: Client, dossier_id: str) -> Data:
    for material in reviewer.dossier(dossier_id)["materials"]:
        confirm(reviewer, dossier_id, material)
    return forward(reviewer, dossier_id)


def replace_file(people: People, dossier_id: str, item: str, path: Path) -> None:
    """Delete the file of an item and send another one."""
    material = materials(people.applicant.dossier(dossier_id))[item]
    [file] = material["files"]
    people.applicant.send("DELETE", f"/api/v1/dossiers/{dossier_id}/files/{file['file_id']}")
    people.applicant.upload(dossier_id, material["material_id"], file["component_id"], path)
