"""How long after the end of a check its verdict stands on the applicant's page, beside a page that asks every second.

The end of the check is the moment that its job was committed as done; the page's moment is taken by an observer inside
it. The peer asks the API once a second for the same dossier.
"""

import argparse
import asyncio
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
from playwright.sync_api import sync_playwright

from services.cli.demo.client import Client
from tests.assets import pdf_fixtures
from tests.e2e.browser.conftest import launched
from tests.e2e.conftest import WITHOUT_BACKGROUND, Platform, started
from tests.small_dossier import PROFILE, materials

_WATCH = """() => {
  window.shown = 0;
  const look = () => { if (!window.shown && document.querySelector('.files .good')) window.shown = Date.now(); };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}"""


def ended_at(platform: Platform, file_id: str) -> float:
    """Seconds since the epoch at which the check's job was done."""
    url = platform.superuser_url.replace("postgresql+asyncpg", "postgresql")

    async def ask() -> float:
        connection = await asyncpg.connect(url)
        query = (
            "SELECT extract(epoch FROM updated_at)::float FROM pdfcheck.jobs WHERE stage = 'check' AND subject_id = $1"
        )
        found = float(await connection.fetchval(query, file_id))
        await connection.close()
        return found

    with ThreadPoolExecutor(1) as beside:
        return beside.submit(asyncio.run, ask()).result()


class Poller(threading.Thread):
    """Asks every second until the file has its verdict."""

    def __init__(self, client: Client, dossier_id: str, item: str) -> None:
        super().__init__(daemon=True)
        self.client, self.dossier_id, self.item = client, dossier_id, item
        self.shown = 0.0

    def run(self) -> None:
        """See the class."""
        while not self.shown:
            files = materials(self.client.dossier(self.dossier_id))[self.item]["files"]
            if any(file["verdict"] for file in files):
                self.shown = time.time()
            else:
                time.sleep(1)


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args()
    item, component = "annual_assessment", "assessment_proof"
    live, polled = [], []
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        with started(folder / "data", **WITHOUT_BACKGROUND) as platform:
            sender = platform.client("applicant")
            dossier = sender.send("POST", "/api/v1/dossiers", json={"profile": PROFILE})
            dossier_id, material_id = dossier["dossier_id"], materials(dossier)[item]["material_id"]
            browser = launched(playwright, folder)
            page = browser.new_context(locale="zh-CN").new_page()
            page.goto(platform.url)
            page.fill("#login", "applicant")
            page.fill("#password", platform.passwords["applicant"])
            page.click("button.primary")
            page.wait_for_selector(".who form")
            for number in range(chosen.rounds):
                page.goto(f"{platform.url}/dossiers/{dossier_id}/materials/{material_id}")
                page.evaluate(_WATCH)
                file = folder / f"{number}.pdf"
                scans = [pdf_fixtures.scan_jpeg(seed=10 * number + n) for n in range(5)]
                file.write_bytes(pdf_fixtures.pdf_of(scans))
                poller = Poller(platform.client("applicant"), dossier_id, item)
                poller.start()
                sender.upload(dossier_id, material_id, component, file)
                page.wait_for_function("() => window.shown")
                poller.join()
                [sent] = materials(sender.dossier(dossier_id))[item]["files"]
                ended = ended_at(platform, sent["file_id"])
                live.append(page.evaluate("window.shown") / 1000 - ended)
                polled.append(poller.shown - ended)
                print(f"page {1000 * live[-1]:.0f} ms, asking every second {1000 * polled[-1]:.0f} ms", flush=True)
                sender.send("DELETE", f"/api/v1/dossiers/{dossier_id}/files/{sent['file_id']}")
                sender.wait(dossier_id, lambda d: not materials(d)[item]["files"], deadline_s=30)
            browser.close()
    ours, peer = statistics.median(live), statistics.median(polled)
    print(f"verdict on the page, median of {len(live)}: {1000 * ours:.0f} ms after the check (wanted: at most 1000 ms)")
    print(f"ratio page / asking every second: {ours / peer:.2f}")


if __name__ == "__main__":
    main()
