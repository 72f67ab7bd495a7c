"""A dossier through all four levels by hand: one return with two defects, before and after, every signature."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from services.cli.demo.client import Client, Data
from tests.e2e.browser.conftest import Person, enrol
from tests.e2e.conftest import Platform
from tests.small_dossier import COMPONENTS, another, fill, materials, owed, page, submit

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]
SHOW_MS = 30_000
NAME = "<b>罗药师</b>"


@pytest.fixture(scope="module")
def applicant(platform: Platform) -> Client:
    enrol(platform, "luo", NAME, "applicant", "jc-h1")
    return platform.client("luo")


@pytest.fixture(scope="module")
def dossier(applicant: Client, tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Handed in: eight materials of one page each."""
    profile = another("罗药师", "51010619870707333")
    made = applicant.send("POST", "/api/v1/dossiers", json={"profile": profile})
    fill(applicant, made, owed(tmp_path_factory.mktemp("files")))
    return submit(applicant, made["dossier_id"])


def open_dossier(person: Person, dossier: Data) -> Page:
    person.page.goto("/review")
    person.page.locator(f"a[href='/review/{dossier['dossier_id']}']").click()
    listens(person.page)
    expect(person.page.locator(".pages img").first).to_be_visible(timeout=SHOW_MS)
    return person.page


def listens(page: Page) -> None:
    """Until a material's page, opened by a link, is loaded with its scripts: keys pressed before are lost."""
    page.wait_for_url(re.compile("/materials/"), timeout=SHOW_MS)


def confirm_by_keys(page: Page) -> None:
    """The three confirmations of what is shown, and on."""
    before = page.url
    for key in "123":
        page.keyboard.press(key)
    expect(page.locator("#confirmation :checked")).to_have_count(3)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url != before, timeout=SHOW_MS)


def test_a_clerk_returns_it_once_with_two_defects(person: Person, dossier: Data) -> None:
    person.sign_in("unit")
    page = person.page
    expect(page.get_by_role("heading", level=1)).to_have_text("审核")
    expect(page.locator("tbody")).to_contain_text("罗药师")
    open_dossier(person, dossier)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_hidden()

    person.watch.expected.append("422")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("三项确认还不完整")
    page.keyboard.press("d")
    page.get_by_role("button", name="缺少应有的签字或盖章。").click()
    page.keyboard.type("\n<script>alert(1)</script>")
    page.get_by_role("button", name="列入退回清单").click()
    expect(page.locator(".list .tag.returned")).to_have_count(1)
    page.keyboard.press("d")
    page.keyboard.type("扫描件不清晰。")
    person.watch.expected.append("ERR_INTERNET_DISCONNECTED")
    person.context.set_offline(True)
    page.get_by_role("button", name="列入退回清单").click()
    expect(page.get_by_role("alert")).to_contain_text("没有连上服务器，还没有保存")
    person.context.set_offline(False)
    assert page.get_by_label("退回意见").input_value() == "扫描件不清晰。"
    page.get_by_role("button", name="列入退回清单").click()
    expect(page.locator(".list .tag.returned")).to_have_count(2)
    page.keyboard.press("g")
    expect(page.get_by_role("alert")).to_contain_text("还有 6 项没有审核")
    page.get_by_role("alert").get_by_role("link").first.click()
    listens(page)
    for _ in range(6):
        confirm_by_keys(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("汇总与决定")
    expect(page.locator("section.card")).to_contain_text("<script>alert(1)</script>")
    page.get_by_label("说明").fill("请一次补正。")
    person.context.set_offline(True)
    page.get_by_role("button", name="退回申报人").click()
    expect(page.get_by_role("alert")).to_contain_text("没有连上服务器，还没有保存")
    person.context.set_offline(False)
    assert page.get_by_label("说明").input_value() == "请一次补正。"
    page.get_by_role("button", name="退回申报人").click()
    expect(page).to_have_url(re.compile("/review$"))
    page.goto(f"/review/{dossier['dossier_id']}/decision")
    expect(page.locator(".note")).to_contain_text("已退回申报人补正")


def test_the_applicant_reads_the_list_and_puts_it_right(person: Person, dossier: Data, tmp_path: Path) -> None:
    person.sign_in("luo")
    page_ = person.page
    expect(page_.locator(".who")).to_contain_text(NAME.replace("<b>", "").replace("</b>", ""))
    expect(page_.locator(".standing")).to_contain_text("已退回")
    expect(page_.locator("table.materials .error")).to_have_count(2)
    returned = page_.locator("tr", has=page_.locator(".tag.returned"))
    for number in range(2):
        returned.get_by_role("link").first.click()
        expect(page_.locator("p.problem").first).to_contain_text("退回意见")
        page_.get_by_role("button", name="删除").click()
        expect(page_.locator(".files li")).to_have_count(0)
        fresh = page(tmp_path, f"补正{number}", seed=70 + number)
        page_.locator("input[type=file]").first.set_input_files(str(fresh))
        expect(page_.locator(".tag").first).to_have_text("机检通过", timeout=60_000)
        page_.get_by_role("link", name="全部材料").click()
        expect(returned).to_have_count(1 - number)
    page_.get_by_role("link", name="检查并提交").click()
    page_.get_by_label(re.compile("本人对所提交材料")).check()
    page_.get_by_role("button", name="提交").click()
    expect(page_.locator(".standing")).to_contain_text("已提交，现在由所在单位审核")


def test_only_what_changed_is_asked_again_with_before_and_after(person: Person, dossier: Data) -> None:
    person.sign_in("unit")
    page = open_dossier(person, dossier)
    expect(page.locator(".list .tag.awaiting-confirmation")).to_have_text(["已改动", "已改动"])
    expect(page.locator(".list .tag.confirmed")).to_have_count(6)
    page.keyboard.press("b")
    expect(page.locator(".pages[data-show=before] img").first).to_be_visible(timeout=SHOW_MS)
    expect(page.locator(".pages[data-show=before]")).to_contain_text("education-0.pdf")
    page.keyboard.press("b")
    expect(page.locator(".side .note")).to_contain_text("曾退回")
    confirm_by_keys(page)
    confirm_by_keys(page)
    sign(page, "签署并上报")


def sign(page: Page, button: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("汇总与决定")
    page.get_by_label(re.compile("G-12")).check()
    page.get_by_role("button", name=button).click()
    expect(page).to_have_url(re.compile("/review$"))


@pytest.mark.parametrize("login", ["county", "city", "province"])
def test_each_further_level_looks_at_everything_and_signs(person: Person, dossier: Data, login: str) -> None:
    person.sign_in(login)
    page = open_dossier(person, dossier)
    for _ in COMPONENTS:
        confirm_by_keys(page)
    sign(page, "签署并通过" if login == "province" else "签署并上报")


def test_it_is_accepted_and_every_material_says_so(applicant: Client, dossier: Data) -> None:
    done = applicant.dossier(dossier["dossier_id"])
    assert (done["state"], {m["status"] for m in materials(done).values()}) == ("accepted", {"accepted"})
    assert [d["decision"] for d in done["decisions"]] == ["returned", *["forwarded"] * 3, "accepted"]


def test_another_units_clerk_finds_nothing(person: Person, dossier: Data) -> None:
    person.sign_in("unit-city")
    person.watch.expected.append("404")
    answer = person.page.goto(f"/review/{dossier['dossier_id']}")
    assert answer is not None
    assert answer.status == 404
    expect(person.page.get_by_role("heading", level=1)).to_have_text("没有找到")
