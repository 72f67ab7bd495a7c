"""A reviewer's next item: from the key press until it is on the screen and takes the next key.

The peer in the same run is the same browser that opens the same address as a fresh page. Items are clean scans of
twenty pages; the picture of the first page is part of what must be there, those of further pages follow. Looking at the
quality of those pages, which goes on for minutes after they were sent, is held meanwhile.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from services.cli.demo.client import Data
from tests.assets import pdf_fixtures
from tests.e2e.browser.conftest import launched
from tests.e2e.conftest import Platform, started
from tests.small_dossier import COMPONENTS, PROFILE, materials, submit

_SHOWN = """(old) => location.href !== old && (() => {
  const image = document.querySelector('.pages img');
  return image && image.complete && image.naturalWidth > 0 && document.querySelector('#confirmation');
})()"""


def submitted(platform: Platform, folder: Path, pages: int) -> Data:
    """A dossier of eight items, each a clean scan of so many pages."""
    applicant = platform.client("applicant")
    dossier = applicant.send("POST", "/api/v1/dossiers", json={"profile": PROFILE})
    for number, (item, material) in enumerate(materials(dossier).items()):
        file = folder / f"{item}.pdf"
        scans = [pdf_fixtures.scan_jpeg(seed=100 * number + n, title=item, size=(1240, 1754)) for n in range(pages)]
        file.write_bytes(pdf_fixtures.pdf_of(scans))
        applicant.upload(dossier["dossier_id"], material["material_id"], COMPONENTS[item], file)
    applicant.wait(dossier["dossier_id"], lambda d: d["status"] == "passed", deadline_s=180)
    return submit(applicant, dossier["dossier_id"], wait=False)


def signed_in(page: Page, platform: Platform, login: str) -> None:
    """At the door."""
    page.goto(platform.url)
    page.fill("#login", login)
    page.fill("#password", platform.passwords[login])
    page.click("button.primary")
    page.wait_for_selector(".who form")


def by_key(page: Page) -> float:
    """Seconds from the key to the next item with its first page."""
    old = page.url
    page.wait_for_timeout(1500)  # a reviewer looks at an item before going on
    began = time.perf_counter()
    page.keyboard.press("j")
    page.wait_for_function(_SHOWN, arg=old)
    return time.perf_counter() - began


def by_address(page: Page, address: str) -> float:
    """Seconds until the same address, opened afresh, shows its first page."""
    began = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_function(_SHOWN, arg="")
    return time.perf_counter() - began


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--items", type=int, default=7)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        with started(folder / "data", SHENBAO_STAGES_HELD="quality,repeats,twins") as platform:
            dossier = submitted(platform, folder, chosen.pages)
            browser = launched(playwright, folder)
            keys, fresh = [], []
            page, other = browser.new_page(), browser.new_page()
            for each in (page, other):
                signed_in(each, platform, "unit")
            page.goto(f"{platform.url}/review/{dossier['dossier_id']}")
            page.wait_for_function(_SHOWN, arg="")
            for _ in range(chosen.items):
                keys.append(by_key(page))
                fresh.append(by_address(other, page.url))
                print(f"key {1000 * keys[-1]:.0f} ms, fresh page {1000 * fresh[-1]:.0f} ms", flush=True)
            browser.close()
    ours, plain = statistics.median(keys), statistics.median(fresh)
    print(f"next item of {chosen.pages} pages, median of {len(keys)}: {1000 * ours:.0f} ms (wanted: at most 300 ms)")
    print(f"ratio key / fresh page: {ours / plain:.2f}")


if __name__ == "__main__":
    main()
