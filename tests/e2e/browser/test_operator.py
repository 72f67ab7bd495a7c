"""An operator at work: health, jobs, dead letters, accounts, a table of accounts, the audit chains."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest
from playwright.sync_api import expect

from services.kernel.clock import SystemClock
from services.kernel.events.deadletters import bury
from services.kernel.events.embedded import EmbeddedLog
from tests.e2e.browser.conftest import Person
from tests.e2e.conftest import Platform
from tests.small_dossier import another

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]
CHANGED = "shenbao.review.material-changed.v1"


def test_every_service_says_how_it_is(person: Person) -> None:
    person.sign_in("operator")
    page = person.page
    expect(page.get_by_role("heading", level=1)).to_have_text("运维")
    expect(page.locator(".cards .card")).to_have_count(4)
    expect(page.locator(".cards .tag.passed")).to_have_count(4)
    expect(page.locator(".cards")).to_contain_text("磁盘")


def test_an_account_from_its_first_password_to_its_end(person: Person, platform: Platform) -> None:
    page, login = person.page, "ma-shen"
    person.sign_in("operator")
    page.get_by_role("link", name="账号").click()
    person.watch.expected += ["400", "409", "412", "401", "422"]
    form = page.locator("form.card")
    form.get_by_label("登录名").fill("Bad Login!")
    form.get_by_label("姓名").fill("<b>马审</b>")
    form.get_by_role("button", name="新建").click()
    expect(page.get_by_role("alert")).to_contain_text("bad login!")
    expect(form.get_by_label("姓名")).to_have_value("<b>马审</b>")
    form.get_by_label("登录名").fill(login)
    form.get_by_label("角色").select_option("reviewer")
    form.get_by_label("所属机构").select_option("jc-h1")
    form.get_by_role("button", name="新建").click()
    expect(page.locator("tbody")).to_contain_text("<b>马审</b>")
    first = page.locator(".note code").inner_text()
    form.get_by_label("登录名").fill(login)
    form.get_by_label("姓名").fill("另一人")
    form.get_by_role("button", name="新建").click()
    expect(page.get_by_role("alert")).to_be_visible()

    other = person.context.browser
    assert other is not None
    window = other.new_context(base_url=platform.url, locale="zh-CN")
    theirs = window.new_page()
    theirs.goto("/")
    theirs.get_by_label("账号").fill(login)
    theirs.get_by_label("密码").fill(first)
    theirs.get_by_role("button", name="登录").click()
    expect(theirs.get_by_role("heading", level=1)).to_have_text("修改密码")
    theirs.goto("/review")
    expect(theirs.get_by_role("heading", level=1)).to_have_text("修改密码")
    theirs.get_by_label("现在的密码").fill(first)
    theirs.get_by_label("新密码").fill("short")
    theirs.get_by_label("再输入一次").fill("short")
    theirs.get_by_role("button", name="修改").click()
    expect(theirs.get_by_role("alert")).to_be_visible()
    theirs.get_by_label("现在的密码").fill(first)
    theirs.get_by_label("新密码").fill("a password of mine")
    theirs.get_by_label("再输入一次").fill("a password of mine")
    theirs.get_by_role("button", name="修改").click()
    expect(theirs.get_by_role("heading", level=1)).to_have_text("审核")
    expect(theirs.locator(".who")).to_contain_text("<b>马审</b>")

    page.goto(f"/operation/accounts?q={login}")
    page.get_by_role("button", name="停用").click()
    expect(page.locator("tbody")).to_contain_text("已停用")
    theirs.goto("/review")
    expect(theirs.get_by_role("button", name="登录")).to_be_visible()
    window.close()
    page.get_by_role("button", name="启用").click()
    expect(page.locator("tbody")).to_contain_text("正常")
    page.goto("/operation/accounts?q=operator")
    page.get_by_role("button", name="停用").click()
    expect(page.get_by_role("alert")).to_contain_text("不能停用自己的账号")


def test_a_locked_account_is_unlocked(person: Person, platform: Platform) -> None:
    page = person.page
    page.goto("/")
    person.watch.expected += ["401", "429"]
    for _ in range(5):
        page.get_by_label("账号").fill("unit-province")
        page.get_by_label("密码").fill("wrong")
        page.get_by_role("button", name="登录").click()
        expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("账号").fill("unit-province")
    page.get_by_label("密码").fill(platform.passwords["unit-province"])
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_contain_text("锁定")
    person.sign_in("operator")
    page.goto("/operation/accounts?q=unit-province")
    page.get_by_role("button", name="解锁").click()
    expect(page.locator("tbody")).to_contain_text("正常")
    page.get_by_role("button", name="退出").click()
    person.sign_in("unit-province")


def test_a_table_is_checked_before_it_is_taken_in(person: Person, tmp_path: Path) -> None:
    page = person.page
    person.sign_in("operator")
    page.goto("/operation/import/accounts")
    person.watch.expected.append("422")
    table = tmp_path / "账号.csv"
    table.write_bytes(
        "login,name,role,organisation_id\r\nimp-1,甲,applicant,jc-h1\r\nimp-2,乙,king,jc-h1\r\n".encode("gb18030")
    )
    page.get_by_label("CSV 文件").set_input_files(str(table))
    page.get_by_role("button", name="检查").click()
    expect(page.get_by_role("alert")).to_contain_text("第 3 行：没有这种角色：king")
    text = page.get_by_label("或粘贴内容")
    expect(text).to_have_value(re.compile("imp-2,乙,king"))
    text.fill(text.input_value().replace("king", "reviewer"))
    page.get_by_role("button", name="检查").click()
    expect(page.get_by_role("status").first).to_contain_text("检查通过：2 行")
    page.get_by_role("button", name="导入这 2 行").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.goto("/operation/accounts?q=imp-")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.goto("/operation/import/organisations")
    page.get_by_label("或粘贴内容").fill(
        "organisation_id,parent_id,name,level,kind\njc-h9,jc,锦川县<i>第九</i>医院,unit,county_unit"
    )
    page.get_by_role("button", name="检查").click()
    page.get_by_role("button", name="导入这 1 行").click()
    page.goto("/operation/organisations")
    expect(page.locator("tbody")).to_contain_text("锦川县<i>第九</i>医院")


def test_a_dead_letter_is_read_and_sent_again(person: Person, platform: Platform) -> None:
    url = platform.superuser_url

    async def set_aside() -> None:
        log = EmbeddedLog(url)
        [record] = [r async for r in log.scan("shenbao.review") if r.headers["ce_type"] == CHANGED][:1]
        await bury(log, record, group="pdfcheck", reason="tried <b>eight</b> times", at=SystemClock().now())
        await log.close()

    other = platform.client("applicant-province")
    profile = {**another("省药师", "51010619851231444"), "affiliation": "省属"}
    other.send("POST", "/api/v1/dossiers", json={"profile": profile})

    async def both() -> None:
        await _until_there(url)
        await set_aside()

    with ThreadPoolExecutor(1) as beside:  # the browser's driver runs a loop in this thread
        beside.submit(asyncio.run, both()).result()
    person.sign_in("operator")
    page = person.page
    page.get_by_role("link", name="事件").click()
    expect(page.locator("section.card")).to_contain_text("tried <b>eight</b> times")
    page.locator("summary").click()
    expect(page.locator("pre")).to_contain_text("recipe_sha256")
    page.get_by_role("button", name="重新发送").click()
    expect(page.locator(".empty")).to_contain_text("没有死信")
    expect(page.locator("#lag tbody")).to_contain_text("pdfcheck")


async def _until_there(url: str) -> None:
    """The relay sends a moment after the commit."""
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    there = f"SELECT count(*) FROM events.records WHERE headers ->> 'ce_type' = '{CHANGED}'"
    async with asyncio.timeout(20):
        while not await connection.fetchval(there):
            await connection.fetchval("SELECT pg_sleep(0.05)")
    await connection.close()


def test_jobs_and_audit_are_shown(person: Person) -> None:
    person.sign_in("operator")
    page = person.page
    page.get_by_role("link", name="任务").click()
    page.get_by_label("服务").select_option("review")
    page.get_by_role("button", name="筛选").click()
    expect(page).to_have_url(re.compile("service=review"))
    page.get_by_role("link", name="审计").click()
    page.get_by_role("link", name="核验全部审计链").click()
    expect(page.get_by_role("status").first).to_contain_text("审计链完整")
    page.get_by_label("档案编号").fill("<script>alert(1)</script>")
    page.get_by_role("button", name="查看").click()
    expect(page.get_by_role("alert")).to_contain_text("没有找到")
    expect(page.get_by_label("档案编号")).to_have_value("<script>alert(1)</script>")


@pytest.mark.parametrize("path", ["", "/jobs", "/events", "/accounts", "/organisations", "/import/accounts", "/audit"])
def test_nobody_else_operates(person: Person, path: str) -> None:
    person.sign_in("unit")
    person.watch.expected.append("403")
    answer = person.page.goto(f"/operation{path}")
    assert answer is not None
    assert answer.status == 403
    expect(person.page.locator("code").first).to_have_text(re.compile("^[0-9a-f]{16}$"))
