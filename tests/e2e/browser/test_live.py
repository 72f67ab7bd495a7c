"""What happens elsewhere appears by itself: without asking again and again, and whatever becomes of the stream."""

import contextlib
import re
from pathlib import Path

import pytest
from playwright.sync_api import Error, Request, Route, expect

from services.cli.demo.client import Client, Data
from tests.e2e.browser.conftest import Person, enrol
from tests.e2e.conftest import Platform
from tests.small_dossier import another, materials, page

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]
EVENTS = re.compile(r"/events\?")
SHOW_MS = 30_000


@pytest.fixture(scope="module")
def applicant(platform: Platform) -> Client:
    enrol(platform, "live", "现药师", "applicant", "jc-h1")
    return platform.client("live")


@pytest.fixture(scope="module")
def dossier(applicant: Client) -> Data:
    return applicant.send("POST", "/api/v1/dossiers", json={"profile": another("现药师", "51010619800808999")})


def send(applicant: Client, dossier: Data, item: str, component: str, file: Path) -> None:
    applicant.upload(dossier["dossier_id"], materials(dossier)[item]["material_id"], component, file)


def test_a_verdict_comes_without_asking_for_it(
    person: Person, applicant: Client, dossier: Data, tmp_path: Path
) -> None:
    """Every request of the page after it was shown is the answer to a change that the stream told."""
    person.sign_in("live")
    browser_page = person.page
    expect(browser_page.locator(".tag.missing")).to_have_count(8)
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    browser_page.on("request", note)
    browser_page.evaluate(
        "() => { window.told = 0; new BroadcastChannel('shenbao-changes').onmessage = () => { window.told += 1; }; }"
    )
    send(applicant, dossier, "education", "chsi_report", page(tmp_path, "education", seed=1))
    expect(browser_page.locator(".tag.passed")).to_have_count(1, timeout=SHOW_MS)
    changes = browser_page.evaluate("window.told")
    refreshes = [url for url in asked if url.endswith("/state")]
    assert 0 < len(refreshes) <= changes
    others = [url for url in asked if not url.endswith("/state") and not EVENTS.search(url) and "/static/" not in url]
    assert others == []


def test_a_broken_stream_goes_on_where_it_broke(
    person: Person, applicant: Client, dossier: Data, tmp_path: Path
) -> None:
    """While the stream cannot be had, something happens; once it can, the page knows."""
    broken = True
    tried = 0

    def refuse(route: Route) -> None:
        nonlocal tried
        tried += 1
        if broken:
            route.abort("connectionreset")
        else:
            route.continue_()

    person.watch.expected += ["net::ERR", "ERR_CONNECTION"]
    person.context.route(EVENTS, refuse)
    person.sign_in("live")
    browser_page = person.page
    expect(browser_page.locator(".tag.passed")).to_have_count(1)
    expect(browser_page.locator("#away")).to_be_visible(timeout=SHOW_MS)
    send(applicant, dossier, "annual_assessment", "assessment_proof", page(tmp_path, "annual_assessment", seed=2))
    applicant.wait(
        dossier["dossier_id"], lambda d: materials(d)["annual_assessment"]["status"] == "passed", deadline_s=60
    )
    expect(browser_page.locator(".tag.passed")).to_have_count(1)
    broken = False
    expect(browser_page.locator(".tag.passed")).to_have_count(2, timeout=SHOW_MS)
    expect(browser_page.locator("#away")).to_be_hidden(timeout=SHOW_MS)
    assert tried > 1


def test_many_tabs_share_one_stream(person: Person, applicant: Client, dossier: Data, tmp_path: Path) -> None:
    streams: list[str] = []
    person.context.on("request", lambda request: streams.append(request.url) if EVENTS.search(request.url) else None)
    person.sign_in("live")
    tabs = [person.page, *(person.context.new_page() for _ in range(3))]
    for tab in tabs[1:]:
        tab.goto(f"/dossiers/{dossier['dossier_id']}")
    for tab in tabs:
        expect(tab.locator(".tag.passed")).to_have_count(2)
    send(applicant, dossier, "qualification", "current_certificate", page(tmp_path, "qualification", seed=3))
    for tab in tabs:
        expect(tab.locator(".tag.passed")).to_have_count(3, timeout=SHOW_MS)
    held = len(streams)
    tabs[0].close()  # the tab that listens goes; another one takes over and misses nothing
    send(applicant, dossier, "appointment", "current_appointment", page(tmp_path, "appointment", seed=4))
    for tab in tabs[1:]:
        expect(tab.locator(".tag.passed")).to_have_count(4, timeout=SHOW_MS)
    assert len(streams) == held + 1


def test_neither_a_click_nor_a_choice_begun_before_a_change_is_lost(
    person: Person, applicant: Client, dossier: Data, tmp_path: Path
) -> None:
    """The parts of a page that change by themselves keep what they still contain, with the finger on it."""
    material = materials(dossier)["appointment"]["material_id"]
    person.watch.expected.append("/page.jpg")  # a hint may still ask for a picture of the file that is deleted here
    person.sign_in("live")
    browser_page = person.page
    browser_page.goto(f"/dossiers/{dossier['dossier_id']}/materials/{material}")
    expect(browser_page.locator(".files > li")).to_have_count(1)
    button = browser_page.get_by_role("button", name="删除")
    button.hover()
    browser_page.mouse.down()
    send(applicant, dossier, "appointment", "current_appointment", page(tmp_path, "appointment-2", seed=5))
    expect(browser_page.locator(".files > li .good")).to_have_count(2, timeout=SHOW_MS)
    browser_page.mouse.up()
    expect(browser_page.locator(".files > li")).to_have_count(1)
    expect(browser_page.locator(".files > li")).to_contain_text("appointment-2")
    with browser_page.expect_file_chooser() as choosing:
        browser_page.locator(".drop").first.click()
    send(applicant, dossier, "appointment", "current_appointment", page(tmp_path, "appointment-3", seed=6))
    expect(browser_page.locator(".files > li .good")).to_have_count(2, timeout=SHOW_MS)
    choosing.value.set_files(str(page(tmp_path, "appointment-4", seed=7)))
    expect(browser_page.locator(".files > li .good")).to_have_count(3, timeout=SHOW_MS)


def test_an_ended_session_leads_to_the_door(person: Person, applicant: Client, dossier: Data) -> None:
    person.sign_in("live")
    other = person.context.new_page()
    other.goto("/")
    other.get_by_role("button", name="退出").click()
    expect(other.get_by_role("button", name="登录")).to_be_visible()
    person.watch.expected.append("401")
    with contextlib.suppress(Error):  # the page may have gone there by itself
        person.page.get_by_role("link", name="我的材料").click(timeout=5000)
    expect(person.page.get_by_role("button", name="登录")).to_be_visible()
