"""axe-core on every page, narrow and wide, in both languages: no violation."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.browser import tour
from tests.e2e.browser.conftest import enrol
from tests.e2e.conftest import Platform

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]
_AXE = Path(os.environ.get("SHENBAO_CACHE", Path.home() / ".cache" / "shenbao")) / "bin" / "axe.js"
PEOPLE = ("lin", "he", "li")
#: English words are longer and break things where it is narrow; the rest is the same.
WIDTHS = {"zh-CN": (360, 1280), "en": (360,)}


@pytest.fixture(scope="module")
def stops(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> list[tour.Stop]:
    for login in PEOPLE:
        enrol(platform, login, login, "applicant", "jc-h1")
    dossiers = tour.prepare(platform, tmp_path_factory.mktemp("tour"), PEOPLE)
    return list(tour.stops(dossiers, PEOPLE))


class Visitors:
    """One window per person, signed in once; scripts may be added to it, which the pages' policy forbids."""

    def __init__(self, browser: Browser, platform: Platform) -> None:
        self.browser = browser
        self.platform = platform
        self.open: dict[tuple[str, str], BrowserContext] = {}

    def page(self, login: str, language: str) -> Page:
        key = (login, language)
        if key not in self.open:
            context = self.browser.new_context(
                locale=language, base_url=self.platform.url, bypass_csp=True, viewport={"width": 1280, "height": 900}
            )
            context.set_default_timeout(20_000)
            self.open[key] = context
            if login:
                page = context.new_page()
                page.goto("/")
                page.fill("#login", login)
                page.fill("#password", self.platform.passwords[login])
                page.click("button.primary")
                page.wait_for_selector(".who form")
        context = self.open[key]
        return context.pages[0] if context.pages else context.new_page()

    def close(self) -> None:
        for context in self.open.values():
            context.close()


@pytest.fixture(scope="module")
def visitors(browser: Browser, platform: Platform) -> Iterator[Visitors]:
    made = Visitors(browser, platform)
    yield made
    made.close()


#: Of what is right only how much it was: written out, it is ten times what is wrong.
_JUDGE = """async () => {
  const judged = await axe.run({resultTypes: ["violations"]});
  return {passes: judged.passes.length, violations: judged.violations};
}"""
#: The texts of the main navigation that do not stand on one line.
_BROKEN = """() => [...document.querySelectorAll(".bar nav a")].filter((link) => {
  const text = document.createRange();
  text.selectNodeContents(link);
  return text.getClientRects().length > 1;
}).map((link) => link.textContent)"""


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_no_page_has_a_violation(stops: list[tour.Stop], visitors: Visitors, language: str) -> None:
    if not _AXE.exists():
        pytest.fail("axe-core is missing; run `make servers`")
    found: list[str] = []
    for stop in stops:
        page = visitors.page(stop.login, language)
        tour.visit(page, stop)
        page.add_script_tag(path=str(_AXE))
        for width in WIDTHS[language]:
            page.set_viewport_size({"width": width, "height": 900})
            judged = page.evaluate(_JUDGE)
            assert judged["passes"] > 10
            for violation in judged["violations"]:
                where = "; ".join(node["html"][:120] for node in violation["nodes"][:3])
                found.append(f"{stop.name} {width}: {violation['id']}: {violation['help']}: {where}")
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if overflow > 0:
                found.append(f"{stop.name} {width}: {overflow} px wider than the window")
            found += [f"{stop.name} {width}: '{text}' is broken into lines" for text in page.evaluate(_BROKEN)]
    assert found == []


def test_the_judge_finds_what_is_wrong(visitors: Visitors) -> None:
    page = visitors.page("", "zh-CN")
    page.goto("/")
    page.add_script_tag(path=str(_AXE))
    page.evaluate("document.querySelector('#login').removeAttribute('id')")
    assert "label" in {each["id"] for each in page.evaluate(_JUDGE)["violations"]}
