"""Looking through a document: all pages small at once, a word found and marked, text that can be selected."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from services.cli.demo.client import Data
from tests.assets import pdf_fixtures
from tests.e2e.browser.conftest import Person, enrol
from tests.e2e.conftest import Platform
from tests.small_dossier import another, fill, materials, owed, submit

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]
SHOW_MS = 30_000
PAGES = [["学历证书"], ["毕业学校：四川大", "学华西医学中心"], ["学位：医学博士"], ["第四页"]]


@pytest.fixture(scope="module")
def dossier(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Handed in; its first material has four pages of text."""
    enrol(platform, "looked-at", "贾页面", "applicant", "jc-h1")
    applicant = platform.client("looked-at")
    folder = tmp_path_factory.mktemp("pages-looked-at")
    made = applicant.send("POST", "/api/v1/dossiers", json={"profile": another("贾页面", "51010619870707444")})
    written = folder / "学历.pdf"
    written.write_bytes(pdf_fixtures.written_pdf(PAGES))
    fill(applicant, made, {**owed(folder), "education": written})
    return submit(applicant, made["dossier_id"])


def drawn(page: Page, selector: str) -> int:
    """How wide a picture is that has come."""
    page.wait_for_function(
        "(s) => { const i = document.querySelector(s); return i && i.naturalWidth > 0; }", arg=selector
    )
    return int(page.evaluate("(s) => document.querySelector(s).naturalWidth", selector))


def test_a_reviewer_looks_through_a_document(person: Person, dossier: Data) -> None:
    person.sign_in("unit")
    page = person.page
    material = materials(dossier)["education"]["material_id"]
    page.goto(f"/review/{dossier['dossier_id']}/materials/{material}")
    expect(page.locator(".strip img")).to_have_count(4)
    assert [drawn(page, f"#small-{number} img") for number in (1, 2, 3, 4)] == [240] * 4
    assert drawn(page, "#page-1 img") == 1200
    expect(page.locator("#page-2 img")).to_have_attribute("loading", "eager")  # before it is turned to

    page.locator("#small-4").click()
    expect(page.locator("#page-4")).to_be_in_viewport()
    assert "#" not in page.url

    page.keyboard.press("/")
    page.keyboard.type("大学 华西")
    page.keyboard.press("Enter")
    expect(page.locator("#found")).to_contain_text("找到 1 处", timeout=SHOW_MS)
    expect(page).to_have_url(re.compile(r"\?q="))
    expect(page.locator("#found mark")).to_have_text("大学华西")
    expect(page.locator("#page-2")).to_be_in_viewport()
    mark, face = page.locator("#page-2 .marks rect").first.bounding_box(), page.locator("#page-2 img").bounding_box()
    assert mark is not None
    assert face is not None
    # It lies on the first line, whose left and upper edges are a tenth of the page.
    assert 0.1 < (mark["x"] - face["x"]) / face["width"] < 0.35
    assert 0.08 < (mark["y"] - face["y"]) / face["height"] < 0.16

    expect(page.locator("#layer-2 text").first).to_have_text("毕业学校：四川大", timeout=SHOW_MS)
    select = "(s) => { getSelection().selectAllChildren(document.querySelector(s)); return `${getSelection()}`; }"
    selected = page.evaluate(select, "#layer-2")
    assert "学华西医学中心" in selected
    page.go_back()
    expect(page.locator("#found")).to_have_count(0, timeout=SHOW_MS)


def test_an_applicant_finds_it_without_the_reviewers_script(person: Person, dossier: Data) -> None:
    person.sign_in("looked-at")
    page = person.page
    material = materials(dossier)["education"]["material_id"]
    page.goto(f"/dossiers/{dossier['dossier_id']}/materials/{material}/pages")
    page.get_by_label("在文件中查找").fill("博士")
    page.get_by_role("button", name="查找").click()
    expect(page.locator("#found")).to_contain_text("找到 1 处")
    page.locator("#hit-1").click()
    expect(page.locator("#page-3")).to_be_in_viewport()
    expect(page.locator("#page-3 .marks rect")).to_have_count(1)
    page.get_by_label("在文件中查找").fill("没有写的")
    page.get_by_role("button", name="查找").click()
    expect(page.locator("#found")).to_contain_text("没有找到")


def test_a_scan_says_that_it_has_no_text(person: Person, dossier: Data, tmp_path: Path) -> None:
    person.sign_in("looked-at")
    material = materials(dossier)["recommendation"]["material_id"]
    person.page.goto(f"/dossiers/{dossier['dossier_id']}/materials/{material}/pages?q=推荐")
    expect(person.page.locator("#found")).to_contain_text("扫描件，没有可以查找的文字")
