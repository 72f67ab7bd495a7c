"""An applicant's whole way by hand: profile, files, a finding, a lost network, a reload, handing in."""

import hashlib
import re
import struct
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Page, Route, expect

from tests.assets import pdf_fixtures, video_fixtures
from tests.e2e.browser.conftest import Person, enrol
from tests.e2e.conftest import Platform
from tests.small_dossier import PROFILE, another, materials, owed
from tests.small_dossier import page as page_file

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]
#: Item → what its link says.
TITLES = {
    "education": "学历材料", "qualification": "专业技术资格材料", "appointment": "职称聘任材料",
    "annual_assessment": "年度考核结果材料", "continuing_education": "继续教育材料", "advanced_study": "进修学习材料",
    "recommendation": "综合推荐材料", "health_popularization": "健康科普材料",
}  # fmt: skip
CHOSEN = {"target_level": "正高级", "category": "药学", "workload_register": "pharmacy", "affiliation": "县属"}
PARTS = re.compile(r"/objects/parts/")
#: In one step: else a busy machine may be done before the page is reloaded.
HELD_AT_THE_HALF = """() => {
  const half = document.querySelector('.upload progress').value > 0.5;
  if (half) document.querySelector('.upload button').click();
  return half;
}"""
COMPLETION = re.compile(r"/completion$")
CHECK_MS = 60_000
ASSETS = Path(__file__).parent.parent.parent / "assets"


def open_item(page: Page, item: str) -> None:
    page.get_by_role("link", name="我的材料").click()
    page.get_by_role("link", name=TITLES[item]).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(TITLES[item])


def choose(page: Page, *files: Path) -> None:
    with page.expect_file_chooser() as choosing:
        page.locator(".drop").first.click()
    choosing.value.set_files([str(file) for file in files])


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


def test_a_whole_folder_is_sorted_by_suggestion(person: Person, platform: Platform, tmp_path: Path) -> None:
    """Two files go where their names say, one where a person says, one nowhere."""
    enrol(platform, "folder", "文药师", "applicant", "jc-h1")
    profile = another("文药师", "51010619810909777")
    made = platform.client("folder").send("POST", "/api/v1/dossiers", json={"profile": profile})
    (tmp_path / "pages").mkdir()
    files = owed(tmp_path / "pages")
    folder = tmp_path / "申报材料"
    (folder / "8 年度考核").mkdir(parents=True)
    files["education"].rename(folder / "学历.pdf")
    files["annual_assessment"].rename(folder / "8 年度考核" / "2022.pdf")
    files["qualification"].rename(folder / "IMG_0007.pdf")
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "备注.pdf").write_bytes(files["appointment"].read_bytes())
    person.sign_in("folder")
    page = person.page
    page.locator("#folder input").set_input_files(str(folder))
    rows = page.locator("#sorting tbody tr")
    expect(rows).to_have_count(4)
    chosen = {
        row.locator("td").first.inner_text(): row.locator("select option:checked").inner_text() for row in rows.all()
    }
    assert chosen["申报材料/学历.pdf"].startswith("1 学历材料")
    assert chosen["申报材料/8 年度考核/2022.pdf"].startswith("8 年度考核")
    assert chosen["申报材料/IMG_0007.pdf"] == chosen["申报材料/备注.pdf"] == "不上传"
    camera = page.get_by_label("申报材料/IMG_0007.pdf")
    label = camera.locator("option", has_text="5 专业技术资格材料").first.get_attribute("value")
    camera.select_option(label)
    page.get_by_role("button", name="开始上传").click()
    expect(page.locator("table.materials .tag.passed")).to_have_count(3, timeout=CHECK_MS)
    done = materials(platform.client("folder").dossier(made["dossier_id"]))
    assert {item for item, material in done.items() if material["files"]} == {
        "education", "annual_assessment", "qualification",
    }  # fmt: skip


def test_the_merged_result_is_seen_page_by_page_in_the_chosen_order(
    person: Person, platform: Platform, tmp_path: Path
) -> None:
    enrol(platform, "order", "序药师", "applicant", "jc-h1")
    profile = another("序药师", "51010619811010888")
    made = platform.client("order").send("POST", "/api/v1/dossiers", json={"profile": profile})
    material = materials(made)["continuing_education"]
    person.sign_in("order")
    page = person.page
    page.goto(f"/dossiers/{made['dossier_id']}/materials/{material['material_id']}")
    first, second = page_file(tmp_path, "甲", seed=1), page_file(tmp_path, "乙", seed=2)
    for number, file in enumerate((first, second), start=1):
        choose(page, file)
        expect(page.locator(".files > li")).to_have_count(number, timeout=CHECK_MS)
        expect(page.locator(".files .good")).to_have_count(number, timeout=CHECK_MS)
    expect(page.locator(".files a")).to_have_text([first.name, second.name])
    page.get_by_role("button", name="上移").click()
    expect(page.locator(".files a")).to_have_text([second.name, first.name])
    page.get_by_role("link", name="逐页查看").click(timeout=CHECK_MS)
    expect(page.locator("figure")).to_have_count(2)
    expect(page.locator("aside li.deeper a")).to_have_text([second.stem, first.stem])
    page.wait_for_function("() => [...document.images].some((i) => i.naturalWidth === 620)", timeout=CHECK_MS)


@pytest.mark.slow
def test_a_video_of_300_mb_survives_two_lost_networks_and_a_reload(
    person: Person, platform: Platform, tmp_path: Path
) -> None:
    """Its name is wrong at first, and put right by one click; then its disc is built."""
    enrol(platform, "surgeon", "张三", "applicant", "jc-h1")
    profile = yaml.safe_load((ASSETS / "profile-surgeon.yaml").read_text("utf-8"))
    profile["appointed_on"] = str(profile["appointed_on"])
    operation = profile["answers"]["surgery_video"]
    operation["operation_date"] = str(operation["operation_date"])
    made = platform.client("surgeon").send("POST", "/api/v1/dossiers", json={"profile": profile})
    material = materials(made)["surgery_video"]
    video = video_fixtures.real_mp4(tmp_path / "手术.mp4", seconds=3)
    with video.open("ab") as file:  # a box that players skip; a sparse file, so nothing is written here
        file.write(struct.pack(">I4s", 300 * 2**20, b"free"))
        file.truncate(file.tell() - 8 + 300 * 2**20)
    person.sign_in("surgeon")
    person.watch.expected += ["ERR_INTERNET_DISCONNECTED", "net::ERR", "ERR_CONNECTION"]
    page = person.page
    page.goto(f"/dossiers/{made['dossier_id']}/materials/{material['material_id']}")
    choose(page, video)
    for share in (0.1, 0.3):
        page.wait_for_function(f"() => document.querySelector('.upload progress').value > {share}", timeout=CHECK_MS)
        person.context.set_offline(True)
        expect(page.locator(".upload [role=status]")).to_contain_text("等待网络恢复", timeout=CHECK_MS)
        person.context.set_offline(False)
    page.wait_for_function(HELD_AT_THE_HALF, timeout=CHECK_MS)
    page.reload()
    expect(page.locator("#uploads .note")).to_contain_text("手术.mp4")
    choose(page, video)
    expect(page.locator(".finding.block").first).to_contain_text("文件名", timeout=2 * CHECK_MS)
    expect(page.locator("video")).to_have_attribute("poster", re.compile(r"poster\.jpg$"))
    expect(page.locator("dl.facts")).to_contain_text("640 × 480 · h264")
    page.get_by_role("button", name="采用这个文件名").click()
    expect(page.locator(".files a").first).to_have_text("张三510199197802141016.mp4", timeout=CHECK_MS)
    expect(page.get_by_text("✓ 机检通过")).to_be_visible(timeout=CHECK_MS)
    expect(page.get_by_role("link", name=re.compile("下载光盘映像"))).to_be_visible(timeout=2 * CHECK_MS)
    page.evaluate("async () => { const v = document.querySelector('video'); v.muted = true; await v.play(); }")
    page.wait_for_function("() => document.querySelector('video').currentTime > 0.5", timeout=CHECK_MS)
    size = platform.client("surgeon").dossier(made["dossier_id"])
    [file_] = materials(size)["surgery_video"]["files"]
    assert (file_["size_bytes"], file_["sha256"]) == (video.stat().st_size, sha256_of(video))


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_a_file_of_which_only_the_answer_was_lost_is_not_asked_for_again(
    person: Person, platform: Platform, tmp_path: Path
) -> None:
    """Chosen once more it would be there twice."""
    enrol(platform, "answered", "答药师", "applicant", "jc-h1")
    profile = another("答药师", "51010619860101333")
    made = platform.client("answered").send("POST", "/api/v1/dossiers", json={"profile": profile})
    material = materials(made)["annual_assessment"]["material_id"]
    person.sign_in("answered")
    page = person.page
    page.goto(f"/dossiers/{made['dossier_id']}/materials/{material}")
    page.route(COMPLETION, lambda route: route.fetch() and None)  # it arrives, and nobody hears of it
    choose(page, page_file(tmp_path, "annual_assessment", seed=3))
    expect(page.locator(".files a").first).to_have_text("annual_assessment-3.pdf", timeout=CHECK_MS)
    page.unroute(COMPLETION)
    page.reload()
    expect(page.locator(".files a").first).to_have_text("annual_assessment-3.pdf")
    page.wait_for_function("() => Object.keys(localStorage).length === 0", timeout=CHECK_MS)
    expect(page.locator("#uploads .note")).to_have_count(0)


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
