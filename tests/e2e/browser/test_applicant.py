"""An applicant's whole way by hand: profile, files, a finding, a lost network, a reload, handing in."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.assets import pdf_fixtures
from tests.e2e.browser.conftest import Person
from tests.small_dossier import PROFILE, another, owed

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]
#: Item → what its link says.
TITLES = {
    "education": "学历材料", "qualification": "专业技术资格材料", "appointment": "职称聘任材料",
    "annual_assessment": "年度考核结果材料", "continuing_education": "继续教育材料", "advanced_study": "进修学习材料",
    "recommendation": "综合推荐材料", "health_popularization": "健康科普材料",
}  # fmt: skip
CHOSEN = {"target_level": "正高级", "category": "药学", "workload_register": "pharmacy", "affiliation": "县属"}
PARTS = re.compile(r"/objects/parts/")
CHECK_MS = 60_000


def open_item(page: Page, item: str) -> None:
    page.get_by_role("link", name="我的材料").click()
    page.get_by_role("link", name=TITLES[item]).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(TITLES[item])


def choose(page: Page, *files: Path) -> None:
    page.locator("input[type=file]").first.set_input_files([str(file) for file in files])


def test_from_the_profile_to_handing_in(person: Person, tmp_path: Path) -> None:
    page = person.page
    person.sign_in("applicant")
    fill_profile(person)
    expect(page.locator("table.materials tbody tr")).to_have_count(8)
    files = owed(tmp_path)
    broken = tmp_path / "考核 <b>坏.pdf"
    broken.write_bytes(files["annual_assessment"].read_bytes()[:2000])

    open_item(page, "annual_assessment")
    choose(page, broken)
    expect(page.locator(".finding.block").first).to_contain_text("PDF", timeout=CHECK_MS)
    expect(page.locator(".files a").first).to_have_text("考核 <b>坏.pdf")
    page.get_by_role("button", name="删除").click()
    expect(page.locator(".files li")).to_have_count(0)

    page.get_by_role("link", name="全部材料").click()
    page.get_by_role("link", name="检查并提交").click()
    expect(page.get_by_role("alert")).to_contain_text("还有 8 项没有完成")
    for item, file in files.items():
        open_item(page, item)
        choose(page, file)
        expect(page.locator(".tag").first).to_have_text("机检通过", timeout=CHECK_MS)
        expect(page.get_by_role("link", name=re.compile("下载合并后的 PDF"))).to_be_visible(timeout=CHECK_MS)
    page.get_by_role("link", name="全部材料").click()
    expect(page.locator(".standing")).to_contain_text("已完成 8 项，共 8 项")
    page.get_by_role("link", name="检查并提交").click()
    page.get_by_label(re.compile("本人对所提交材料")).check()
    page.get_by_role("button", name="提交").click()
    expect(page.locator(".standing")).to_contain_text("已提交，现在由所在单位审核")
    expect(page.get_by_role("link", name="修改申报信息")).to_have_count(0)


def fill_profile(person: Person) -> None:
    """First with everything wrong: what was typed stays, and each field says what is missing."""
    page = person.page
    expect(page.get_by_role("heading", level=1)).to_have_text("申报信息")
    person.watch.expected.append("422")
    page.get_by_label("姓名").fill("<b>何药师</b>")
    page.get_by_label("身份证号").fill("51010619880808321X")
    page.locator("button.primary").click()
    expect(page.get_by_role("alert")).to_contain_text("身份证号：身份证号末位与前 17 位不符")
    expect(page.get_by_label("姓名")).to_have_value("<b>何药师</b>")
    page.get_by_label("姓名").fill(PROFILE["name"])
    page.get_by_label("身份证号").fill(PROFILE["id_number"])
    for name in ("specialty", "employer", "department", "title"):
        page.locator(f"[name={name}]").fill(PROFILE[name])
    for name, value in CHOSEN.items():
        page.locator(f"[name={name}]").select_option(value)
    page.locator("[name=has_degree]").uncheck()
    page.locator("[name=counterpart_support_due]").uncheck()
    page.locator("[name='answers.qualification.0.content_page_shows_category']").check()
    page.locator("button.primary").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("应提交的材料")


def test_an_upload_survives_a_lost_network_and_a_reload(person: Person, tmp_path: Path) -> None:
    """Three parts: the first attempt of one is cut off, another hangs until the page is reloaded; no part twice."""
    page = person.page
    person.platform.client("applicant-other").send(
        "POST", "/api/v1/dossiers", json={"profile": another("周药师", "51010619860101222")}
    )
    person.sign_in("applicant-other")
    large = tmp_path / "考核三页.pdf"
    pages = [pdf_fixtures.scan_jpeg(seed=n, title=str(n), size=(620, 877)) for n in range(2)]
    large.write_bytes(pdf_fixtures.pdf_of(pages) + b"%" + b"x" * (40 * 2**20) + b"\n")
    sent: list[str] = []
    cut = hung = False

    def answer(route: Route) -> None:
        nonlocal cut, hung
        number = re.search(r"partNumber=(\d+)", route.request.url)
        assert number is not None
        if number[1] == "1" and not cut:
            cut = True
            route.abort("internetdisconnected")
        elif number[1] == "3" and not hung:
            hung = True  # never answered; the reload ends it
        else:
            sent.append(number[1])
            route.continue_()

    page.route(PARTS, answer)
    person.watch.expected += ["ERR_INTERNET_DISCONNECTED", "net::ERR"]
    page.get_by_role("link", name=TITLES["annual_assessment"]).click()
    choose(page, large)
    expect(page.locator(".upload")).to_be_visible()
    page.wait_for_function("() => document.querySelector('.upload progress').value > 0.7", timeout=CHECK_MS)
    assert hung
    page.reload()
    expect(page.locator("#uploads .note")).to_contain_text("考核三页.pdf")
    choose(page, large)
    expect(page.locator(".files a").first).to_have_text("考核三页.pdf", timeout=CHECK_MS)
    expect(page.locator("#uploads .upload")).to_have_count(0, timeout=CHECK_MS)
    assert sorted(sent) == ["1", "2", "3"]
    page.get_by_role("button", name="删除").click()
    expect(page.locator(".files li")).to_have_count(0)
