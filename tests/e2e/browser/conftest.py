"""A real Chromium on the running platform; every page is watched for errors that nobody would see otherwise."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pylopdf_fonts_zh_cn
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    Response,
    expect,
    sync_playwright,
)

from tests.e2e.conftest import Platform, started

#: What a page may take on a busy machine; no test judges how fast it is.
PATIENCE_MS = 20_000
_CACHE = Path(os.environ.get("SHENBAO_CACHE", Path.home() / ".cache" / "shenbao")) / "bin"
_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-dev-shm-usage",
)  # fmt: skip
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir>
<alias><family>system-ui</family><prefer><family>Noto Sans SC</family></prefer></alias>
<alias><family>sans-serif</family><prefer><family>Noto Sans SC</family></prefer></alias>
</fontconfig>
"""


def chromium() -> str:
    """Chromium as `make servers` fetched it; without it CI fails and a laptop skips."""
    found = str(_CACHE / "chromium") if (_CACHE / "chromium").exists() else shutil.which("chromium")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is missing; run `make servers`")
        pytest.skip("chromium is missing; run `make servers`")
    return found


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform for the browser's tests alone: they fill the seeded people's dossiers by hand."""
    with started(tmp_path_factory.mktemp("pages") / "data") as running:
        yield running


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for as long as the tests here follow each other.

    Playwright keeps an event loop running in the thread of the tests,
    so it has to be gone before a test elsewhere starts one.
    """
    with sync_playwright() as playwright:
        opened = launched(playwright, tmp_path_factory.mktemp("fonts"))
        yield opened
        opened.close()


def launched(playwright: Playwright, folder: Path) -> Browser:
    """Chromium with the Chinese fonts that the platform brings along."""
    configuration = folder / "fonts.conf"
    fonts = Path(pylopdf_fonts_zh_cn.__file__).parent
    configuration.write_text(_FONTS.format(fonts=fonts, cache=folder / "cache"))
    environment: dict[str, str | float | bool] = {**os.environ, "FONTCONFIG_FILE": str(configuration)}
    return playwright.chromium.launch(executable_path=chromium(), args=list(_FLAGS), env=environment)


@dataclass
class Watch:
    """What went wrong behind the page's back."""

    origin: str
    problems: list[str] = field(default_factory=list)
    #: Part of a console message's text or of an address that a test expects.
    expected: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws") and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.problems.append(f"another host: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.problems.append(f"{response.status}: {response.url}")

    def unexpected(self) -> list[str]:
        return [each for each in self.problems if not any(part in each for part in self.expected)]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at a browser."""

    page: Page
    context: BrowserContext
    watch: Watch
    platform: Platform

    def sign_in(self, login: str) -> None:
        self.page.goto(self.platform.url)
        self.page.get_by_label("账号").fill(login)
        self.page.get_by_label("密码").fill(self.platform.passwords[login])
        self.page.get_by_role("button", name="登录").click()
        self.page.get_by_role("button", name="退出").wait_for()


def enrol(platform: Platform, login: str, name: str, role: str, organisation_id: str) -> None:
    """A new account that has changed its first password."""
    operator = platform.client("operator")
    told = {"login": login, "name": name, "role": role, "organisation_id": organisation_id}
    first = operator.send("POST", "/api/v1/accounts", json=told)["first_password"]
    platform.passwords[login] = first
    fresh = platform.client(login)
    password = f"{login}-has-a-long-password"
    fresh.send("POST", "/api/v1/session/password", json={"old": first, "new": password})
    platform.passwords[login] = password


@pytest.fixture
def person(browser: Browser, platform: Platform) -> Iterator[Person]:
    """A new window; at the end nothing may have gone wrong that the test did not expect."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 1280, "height": 900}, base_url=platform.url)
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    watch = Watch(origin=platform.url)
    context.on("page", watch.attach)
    page = context.new_page()
    yield Person(page, context, watch, platform)
    context.close()
    assert watch.unexpected() == []
