"""A video's page: what was read, a jump to it, the storyboard, and the technical sheet that comes when unfolded."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from services.cli.demo import sample
from tests.assets.cards import card_picture, film
from tests.e2e.browser.conftest import Person, enrol
from tests.e2e.conftest import Platform
from tests.small_dossier import materials

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]
CARD = ("主刀医生：李川明", "工作单位：锦川县人民医院", "科室：普外科", "职称：主任医师", "手术名称：腹腔镜胆囊切除术")


def test_what_was_read_can_be_jumped_to(person: Person, platform: Platform, tmp_path: Path) -> None:
    enrol(platform, "surgeon-page", "李川明", "applicant", "jc-h1")
    surgeon = platform.client("surgeon-page")
    profile = json.loads(sample.profile().model_dump_json(exclude_defaults=True))
    made = surgeon.send("POST", "/api/v1/dossiers", json={"profile": profile})
    material = materials(made)["surgery_video"]["material_id"]
    video = film(tmp_path / f"{profile['name']}{profile['id_number']}.mp4", [(card_picture(CARD), 3), (None, 4)])
    surgeon.upload(made["dossier_id"], material, "video", video)
    surgeon.wait(
        made["dossier_id"], lambda d: any(f["opening"] for f in materials(d)["surgery_video"]["files"]), deadline_s=90
    )
    person.sign_in("surgeon-page")
    page = person.page
    page.goto(f"{platform.url}/dossiers/{made['dossier_id']}/materials/{material}")
    row = page.locator("table.opening tr", has_text="职称")
    expect(row.locator("td").last).to_have_text("相近，请核对")
    expect(row.locator("svg.cut")).to_be_visible()
    row.locator("button[data-at]").click()
    page.wait_for_function("document.querySelector('video').currentTime > 1", timeout=20_000)
    expect(page.locator("table.opening tr", has_text="手术日期").locator("td").last).to_have_text("未找到")
    page.get_by_text("技术参数").click()
    expect(page.locator("details.sheet dd", has_text="AVC").first).to_be_visible()
