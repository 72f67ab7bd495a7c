"""The size coach in a browser: before and after, the word given, the original taken back; the page follows."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from services.cli.demo.client import Data
from tests.assets import large_pages
from tests.e2e import coached
from tests.e2e.browser.conftest import Person, enrol
from tests.e2e.conftest import Platform
from tests.small_dossier import COMPONENTS, another, materials

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]
ITEM = "appointment"


@pytest.fixture
def dossier(platform: Platform, tmp_path: Path) -> Data:
    """With a page that is too large, measured."""
    enrol(platform, "large", "缩药师", "applicant", "jc-h1")
    client = platform.client("large")
    made = client.send("POST", "/api/v1/dossiers", json={"profile": another("缩药师", "51010619811010313")})
    scan = tmp_path / "聘书.pdf"
    scan.write_bytes(large_pages.bloated_scan())
    client.upload(made["dossier_id"], materials(made)[ITEM]["material_id"], COMPONENTS[ITEM], scan)
    sent = client.wait(made["dossier_id"], lambda told: materials(told)[ITEM]["status"] == "failed", deadline_s=60)
    coached.measured(client, coached.of_first_file(sent, ITEM))
    return sent


def test_it_is_made_smaller_and_taken_back_in_one_press_each(person: Person, dossier: Data) -> None:
    person.sign_in("large")
    page = person.page
    page.goto(f"/dossiers/{dossier['dossier_id']}/materials/{materials(dossier)[ITEM]['material_id']}")
    page.get_by_text("前后对比").click()
    for shown in page.locator(".before-after img").all():
        shown.scroll_into_view_if_needed()
        expect(shown).to_have_js_property("complete", value=True)
        assert shown.evaluate("(image) => image.naturalWidth") > 0
    page.get_by_role("button", name="采用：无损压缩").click()
    expect(page.get_by_text("由原文件缩小而来")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("机检通过").first).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="换回原文件").click()
    expect(page.get_by_role("button", name="采用：无损压缩")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("由原文件缩小而来")).to_have_count(0)
