"""A surgeon's video with a card: read, held against the profile, shown to those who may see it, gone with it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services.cli.demo import sample
from services.cli.demo.client import Client, Data
from tests.assets.cards import card_picture, film
from tests.e2e.browser.conftest import enrol
from tests.e2e.conftest import Platform
from tests.small_dossier import materials

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(240)]
DEADLINE_S = 60
CARD = (
    "主刀医生：李川明",
    "工作单位：锦川县人民医院",
    "科室：普外科",
    "职称：主任医师",
    "手术名称：腹腔镜胆囊切除术",
    "手术日期：2023年5月18日",
)


@pytest.fixture(scope="module")
def surgeon(platform: Platform) -> Iterator[Client]:
    enrol(platform, "surgeon-opening", "李川明", "applicant", "jc-h1")
    client = platform.client("surgeon-opening")
    yield client
    client.close()


@pytest.fixture(scope="module")
def read(surgeon: Client, tmp_path_factory: pytest.TempPathFactory) -> Data:
    """The dossier once its video's opening was read."""
    profile = json.loads(sample.profile().model_dump_json(exclude_defaults=True))
    made = surgeon.send("POST", "/api/v1/dossiers", json={"profile": profile})
    name = f"{profile['name']}{profile['id_number']}.mp4"
    video = film(tmp_path_factory.mktemp("v") / name, [(card_picture(CARD), 3), (None, 3)])
    surgeon.upload(made["dossier_id"], materials(made)["surgery_video"]["material_id"], "video", video)
    return surgeon.wait(made["dossier_id"], lambda d: bool(file_of(d)["opening"]), deadline_s=90)


def file_of(dossier: Data) -> Data:
    files = materials(dossier)["surgery_video"]["files"]
    return files[0] if files else {"opening": [], "findings": []}


def fields(dossier: Data) -> dict[str, Data]:
    return {field["name"]: field for field in file_of(dossier)["opening"]}


def ask(client: Client, path: str) -> httpx.Response:
    return client._http.get(path)


def test_every_field_is_read_and_held_against_the_profile(read: Data) -> None:
    statuses = {name: field["status"] for name, field in fields(read).items()}
    assert statuses == {**dict.fromkeys(statuses, "found"), "title": "similar"}
    assert fields(read)["title"]["value"] == "主任医师"
    assert fields(read)["title"]["declared"] == "副主任医师"
    assert [finding["code"] for finding in file_of(read)["findings"] if finding["where"]] == ["video.opening-mismatch"]
    assert all(finding["level"] != "block" for finding in file_of(read)["findings"])


def test_a_corrected_profile_needs_no_new_reading(surgeon: Client, read: Data) -> None:
    path = f"/api/v1/dossiers/{read['dossier_id']}"
    before = surgeon.send("GET", f"{path}/files/{file_of(read)['file_id']}/opening")
    profile = json.loads(sample.profile().model_dump_json(exclude_defaults=True))
    surgeon.dossier(read["dossier_id"])
    surgeon.send("PUT", f"{path}/profile", version=True, json={"profile": {**profile, "title": "主任医师"}})
    now = surgeon.dossier(read["dossier_id"])
    assert {field["status"] for field in fields(now).values()} == {"found"}
    assert surgeon.send("GET", f"{path}/files/{file_of(read)['file_id']}/opening") == before


def test_the_pictures_and_the_sheet_are_for_those_who_may_see_them(
    platform: Platform, surgeon: Client, read: Data
) -> None:
    base = f"/api/v1/dossiers/{read['dossier_id']}/files/{file_of(read)['file_id']}"
    page = f"/dossiers/{read['dossier_id']}/files/{file_of(read)['file_id']}"
    stranger = platform.client("applicant-city")
    shot = fields(read)["surgeon"]["shot"]
    for path in (f"{base}/opening/{shot}", f"{base}/evidence", f"{page}/opening/{shot}.jpg", f"{page}/evidence.jpg"):
        shown = ask(surgeon, path)
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg"), path
        assert shown.content.startswith(b"\xff\xd8")
        assert ask(stranger, path).status_code == 404
    assert ask(surgeon, f"{base}/opening/99").status_code == 404
    stranger.close()


def test_the_page_shows_what_was_read_and_where(surgeon: Client, read: Data) -> None:
    material = materials(read)["surgery_video"]["material_id"]
    text = ask(surgeon, f"/dossiers/{read['dossier_id']}/materials/{material}").text
    assert "腹腔镜胆囊切除术" in text
    assert text.count('<svg class="cut"') == 6


def test_it_is_looked_through(platform: Platform, surgeon: Client, read: Data) -> None:
    """M15-2c: hints and a storyboard, for those who may see it."""
    base = f"/api/v1/dossiers/{read['dossier_id']}/files/{file_of(read)['file_id']}"
    page = f"/dossiers/{read['dossier_id']}/files/{file_of(read)['file_id']}"
    ends = time.monotonic() + DEADLINE_S
    while ask(surgeon, f"{base}/look").status_code == 404:
        assert time.monotonic() < ends
    look = surgeon.send("GET", f"{base}/look")
    assert [sample["time_s"] for sample in look["samples"]] == sorted({each["time_s"] for each in look["samples"]})
    stranger = platform.client("applicant-city")
    for path, media_type in (
        (f"{base}/storyboard", "image/jpeg"),
        (f"{page}/storyboard.jpg", "image/jpeg"),
        (f"{page}/storyboard.vtt", "text/vtt; charset=utf-8"),
        (f"{base}/sheet", "application/json"),
        (f"{page}/sheet", "text/html; charset=utf-8"),
    ):
        shown = ask(surgeon, path)
        assert (shown.status_code, shown.headers["content-type"]) == (200, media_type), path
        assert ask(stranger, path).status_code == 404
    stranger.close()
    material = materials(read)["surgery_video"]["material_id"]
    text = ask(surgeon, f"/dossiers/{read['dossier_id']}/materials/{material}").text
    assert text.count("storyboard.jpg") == len(look["samples"])


def test_the_face_of_its_disc_is_printed(platform: Platform, surgeon: Client, read: Data) -> None:
    """M15-2g; as soon as the disc is there."""
    dossier_id, file_id = read["dossier_id"], file_of(read)["file_id"]
    surgeon.wait(
        dossier_id, lambda d: bool((materials(d)["surgery_video"]["disc"] or {}).get("disc_id")), deadline_s=90
    )
    stranger = platform.client("applicant-city")
    for path in (
        f"/api/v1/dossiers/{dossier_id}/files/{file_id}/disc/face",
        f"/dossiers/{dossier_id}/files/{file_id}/disc-face.pdf",
    ):
        shown = ask(surgeon, path)
        assert (shown.status_code, shown.headers["content-type"]) == (200, "application/pdf"), path
        assert shown.content.startswith(b"%PDF")
        assert ask(stranger, path).status_code == 404
    stranger.close()


def test_they_go_with_the_video(platform: Platform, surgeon: Client, read: Data) -> None:
    dossier_id, file_id = read["dossier_id"], file_of(read)["file_id"]
    assert pictures(platform.folder.root, file_id)
    surgeon.send("DELETE", f"/api/v1/dossiers/{dossier_id}/files/{file_id}")
    ends = time.monotonic() + DEADLINE_S
    while ask(surgeon, f"/api/v1/dossiers/{dossier_id}/files/{file_id}/opening").status_code != 404:
        assert time.monotonic() < ends
    assert not pictures(platform.folder.root, file_id)


def pictures(root: Path, file_id: str) -> list[Path]:
    return [path for path in (root / "objects").rglob("*.jpg*") if file_id in str(path)]
