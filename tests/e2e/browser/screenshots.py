"""Takes a picture of every page at three widths: `make screenshots`. Not part of `make test`."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import tour
from tests.e2e.browser.conftest import enrol
from tests.e2e.browser.test_accessibility import PEOPLE, Visitors
from tests.e2e.conftest import Platform

pytestmark = pytest.mark.timeout(600)
WIDTHS = (360, 1280, 1920)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_take(browser: Browser, platform: Platform, tmp_path: Path, language: str) -> None:
    """One file per page and width, in the folder that `SCREENSHOTS` names."""
    one, other, surgeon = (f"{person}-{language[:2]}" for person in PEOPLE)
    people = (one, other, surgeon)
    for login in people:
        enrol(platform, login, login, "applicant", "jc-h1")
    dossiers = tour.prepare(platform, tmp_path, people)
    folder = Path(os.environ["SCREENSHOTS"]) / language
    folder.mkdir(parents=True, exist_ok=True)
    visitors = Visitors(browser, platform)
    for stop in tour.stops(dossiers, people):
        page = visitors.page(stop.login, language)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            tour.visit(page, stop)
            page.wait_for_function("[...document.images].every((i) => i.complete || i.loading === 'lazy')")
            page.screenshot(path=folder / f"{stop.name}-{width}.png", full_page=True)
    visitors.close()
    assert len(list(folder.glob("*.png"))) >= 3 * 25
