"""Pages are dragged, turned and left out by hand; what is saved is what was seen (G-05)."""

import pytest
from playwright.sync_api import Page, expect

from services.cli.demo.client import Data
from tests.assets import pdf_fixtures
from tests.e2e.browser.conftest import Person, enrol
from tests.e2e.conftest import Platform
from tests.small_dossier import another, materials

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]
CHECK_S = 60


@pytest.fixture(scope="module")
def dossier(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Data:
    """A scan of three pages for a material of two components."""
    enrol(platform, "pages", "页药师", "applicant", "jc-h1")
    client = platform.client("pages")
    made = client.send("POST", "/api/v1/dossiers", json={"profile": another("页药师", "51010619811010131")})
    scan = tmp_path_factory.mktemp("scan") / "一次扫描.pdf"
    scan.write_bytes(pdf_fixtures.scanned_pdf(3))
    material = materials(made)["qualification"]
    client.upload(made["dossier_id"], material["material_id"], "current_certificate", scan)
    return client.wait(
        made["dossier_id"],
        lambda told: [file["pages"] for file in materials(told)["qualification"]["files"]] == [3],
        deadline_s=CHECK_S,
    )


def cards(page: Page, component: str) -> list[str]:
    """The pages of a component, by what the form calls them, in the order in which they are seen."""
    found = page.locator(f'.leaves[data-component="{component}"] .leaf p.hint')
    return [text.rpartition("·")[2].strip() for text in found.all_text_contents()]


def test_pages_are_moved_turned_and_left_out(person: Person, platform: Platform, dossier: Data) -> None:
    person.sign_in("pages")
    page, material = person.page, materials(dossier)["qualification"]
    page.goto(f"/dossiers/{dossier['dossier_id']}/materials/{material['material_id']}")
    page.get_by_role("link", name="整理页面").click()
    expect(page.locator(".leaf img").first).to_have_js_property("complete", value=True)
    home = "current_certificate"
    assert cards(page, home) == ["1", "2", "3"]
    third = page.locator("#leaf-2")
    third.get_by_role("button", name="前移").click()
    third.get_by_role("button", name="前移").click()
    assert cards(page, home) == ["3", "1", "2"]
    page.locator(".leaf").nth(0).get_by_role("button", name="旋转").click()
    page.locator(".leaf").nth(2).drag_to(page.locator("#left-out .leaf-list"))
    assert (cards(page, home), cards(page, "")) == (["3", "1"], ["2"])
    page.locator(".leaf").nth(1).drag_to(page.locator(".leaf").nth(0), target_position={"x": 5, "y": 60})
    assert cards(page, home) == ["1", "3"]
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("已按页整理")).to_be_visible()
    leaves = materials(platform.client("pages").dossier(dossier["dossier_id"]))["qualification"]["leaves"]
    assert [(leaf["page"], leaf["turn"]) for leaf in leaves] == [(1, 0), (3, 90)]

    page.get_by_role("link", name="整理页面").click()
    assert (cards(page, home), cards(page, "")) == (["1", "3"], ["2"])
    page.locator("#left-out .leaf").get_by_role("button", name="采用").click()
    assert cards(page, "") == []
    page.get_by_role("button", name="恢复为完整的文件").click()
    expect(page.get_by_text("已按页整理")).to_have_count(0)


MADE_ANEW = """part => new Promise(done => {
  document.body.addEventListener("htmx:afterSettle", done, {once: true});
  window.htmx.trigger(part, "live");
})"""


def test_what_is_unfolded_stays_so_when_the_page_follows(person: Person, dossier: Data) -> None:
    person.sign_in("pages")
    page, material = person.page, materials(dossier)["qualification"]
    page.goto(f"/dossiers/{dossier['dossier_id']}/materials/{material['material_id']}")
    weights = page.locator("details.weights")
    weights.locator("summary").click()
    page.locator("[data-live]").first.evaluate(MADE_ANEW)
    expect(weights).to_have_attribute("open", "")
    weights.locator("summary").click()
    page.locator("[data-live]").first.evaluate(MADE_ANEW)
    expect(weights).not_to_have_attribute("open", "")
