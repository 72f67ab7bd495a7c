"""The upload page against plain nginx: the same Chromium, the same file, the same 16 MiB slices, both synced to disk.

The page hashes every slice, has it signed, and the server verifies hash and length and syncs it; nginx takes the
slices as they come and `sync -d` follows. Prints one line per round and the ratio of the medians; then the memory of
the renderer while a large file is sent.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil
import yaml
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from services.cli.embedded.platform import free_ports
from tests.e2e.browser.conftest import chromium, launched
from tests.e2e.conftest import Platform, started
from tests.small_dossier import materials

MB = 2**20
SLICE = 16 * MB
AT_ONCE = 4
#: As a surgery video must be called.
NAME = "张三510199197802141016.mp4"
_CACHE = Path(os.environ.get("SHENBAO_CACHE", Path.home() / ".cache" / "shenbao")) / "bin"
_NGINX = """
daemon off; master_process off; error_log {folder}/error.log; pid {folder}/nginx.pid;
events {{ worker_connections 64; }}
http {{
  access_log off; client_max_body_size 64m; client_body_temp_path {folder}/body; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; client_body_buffer_size 1m;
  server {{
    listen 127.0.0.1:{port};
    location /files/ {{ root {folder}; dav_methods PUT; create_full_put_path on; }}
    location / {{ root {folder}/page; }}
  }}
}}
"""
_PAGE = """<!doctype html><title>plain</title><input type="file"><script>
document.querySelector("input").addEventListener("change", async ({ target }) => {
  const file = target.files[0];
  const due = Array.from({ length: Math.ceil(file.size / SLICE) }, (_, n) => n);
  const put = (n) => new Promise((done, failed) => {
    const call = new XMLHttpRequest();
    call.open("PUT", `/files/${n}`);
    call.onload = () => (call.status < 300 ? done() : failed(call.status));
    call.onerror = failed;
    call.send(file.slice(n * SLICE, (n + 1) * SLICE));
  });
  const next = async () => { for (let n = due.shift(); n !== undefined; n = due.shift()) await put(n); };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  document.title = "done";
});
</script>"""


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds of one transfer."""

    ours_s: float
    nginx_s: float


def random_video(path: Path, size_bytes: int) -> Path:
    """A file that begins as an mp4 does and holds noise: nothing on the way can compress it."""
    with path.open("wb") as file:
        file.write(bytes.fromhex("00000018667479706d703432000000006d70343269736f6d"))
        left = size_bytes - file.tell()
        while left:
            left -= file.write(os.urandom(min(left, 8 * MB)))
        file.flush()
        os.fsync(file.fileno())
    return path


@contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """nginx on a free port, taking PUTs below `folder`; the page's address."""
    [port] = free_ports(1)
    (folder / "page").mkdir(parents=True)
    (folder / "files").mkdir()
    page = _PAGE.replace("SLICE", str(SLICE)).replace("AT_ONCE", str(AT_ONCE))
    (folder / "page" / "index.html").write_text(page)
    configuration = folder / "nginx.conf"
    configuration.write_text(_NGINX.format(folder=folder, port=port))
    process = subprocess.Popen(
        [str(_CACHE / "nginx"), "-e", "stderr", "-c", str(configuration)], stderr=subprocess.DEVNULL
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def send_plainly(page: Page, url: str, file: Path, folder: Path) -> float:
    """Seconds until nginx has every slice and the disk too."""
    page.goto(url)
    began = time.perf_counter()
    page.locator("input").set_input_files(str(file))
    page.wait_for_function("document.title === 'done'", timeout=600_000)
    slices = sorted((folder / "files").iterdir())
    subprocess.run(["sync", "-d", *map(str, slices)], check=True)
    took = time.perf_counter() - began
    assert sum(each.stat().st_size for each in slices) == file.stat().st_size
    for each in slices:
        each.unlink()
    return took


def send_by_page(page: Page, address: str, file: Path) -> float:
    """Seconds until the page says that the file is complete; then it is deleted."""
    page.goto(address)
    page.wait_for_selector("input[type=file]", state="attached")
    began = time.perf_counter()
    page.locator("input[type=file]").first.set_input_files(str(file))
    page.wait_for_selector(".upload")
    page.wait_for_selector(".upload", state="detached", timeout=600_000)
    took = time.perf_counter() - began
    assert not page.locator(".upload.problem").count()
    page.locator(".files > li").first.wait_for(timeout=120_000)
    page.get_by_role("button", name="删除").first.click()
    page.wait_for_selector(".files > li", state="detached", timeout=120_000)
    return took


def surgeons_page(platform: Platform) -> str:
    """The address of the page where a surgeon's video goes."""
    profile = yaml.safe_load(Path("tests/assets/profile-surgeon.yaml").read_text("utf-8"))
    profile = json.loads(json.dumps(profile, default=str))
    made = platform.client("applicant").send("POST", "/api/v1/dossiers", json={"profile": profile})
    return f"{platform.url}/dossiers/{made['dossier_id']}/materials/{materials(made)['surgery_video']['material_id']}"


def signed_in(platform: Platform, browser: Browser) -> Page:
    """The surgeon, in a window of their own."""
    page = browser.new_context(locale="zh-CN").new_page()
    page.goto(platform.url)
    page.fill("#login", "applicant")
    page.fill("#password", platform.passwords["applicant"])
    page.click("button.primary")
    page.wait_for_selector(".who form")
    return page


class Memory:
    """The largest memory of any one renderer of this browser, sampled; private pages only."""

    def __init__(self) -> None:
        self.peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @staticmethod
    def renderers() -> int:
        """Bytes of the largest renderer now."""
        sizes = []
        for process in psutil.process_iter(["cmdline"]):
            if "--type=renderer" in (process.info["cmdline"] or []):
                try:
                    sizes.append(process.memory_full_info().uss)
                except psutil.Error:
                    continue
        return max(sizes, default=0)

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            self.peak = max(self.peak, self.renderers())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()


def compare(platform: Platform, address: str, playwright: Playwright, folder: Path, rounds: int) -> list[Sample]:
    """Alternate; the first round of each warms up and is not counted unless it is the only one."""
    samples: list[Sample] = []
    with nginx(folder / "nginx") as plain:
        browser = launched(playwright, folder)
        page, other = signed_in(platform, browser), browser.new_page()
        for number in range(rounds + 1):
            file = folder / NAME
            sample = Sample(send_by_page(page, address, file), send_plainly(other, plain, file, folder / "nginx"))
            print(f"round {number}: page {sample.ours_s:.2f} s, nginx {sample.nginx_s:.2f} s", flush=True)
            if number or rounds == 0:
                samples.append(sample)
        browser.close()
    return samples


def memory(platform: Platform, address: str, playwright: Playwright, folder: Path) -> tuple[int, int]:
    """Bytes of the renderer on the idle page, and at most while a large file is sent."""
    browser = launched(playwright, folder)
    page = signed_in(platform, browser)
    page.goto(address)
    page.wait_for_timeout(2000)
    idle = Memory.renderers()
    with Memory() as watched:
        send_by_page(page, address, folder / NAME)
    browser.close()
    return idle, watched.peak


def told(samples: Sequence[Sample], size_mb: int) -> None:
    """Print the medians and their ratio."""
    ours, plain = statistics.median(s.ours_s for s in samples), statistics.median(s.nginx_s for s in samples)
    print(f"{size_mb} MB, median of {len(samples)}: page {size_mb / ours:.0f} MB/s, nginx {size_mb / plain:.0f} MB/s")
    print(f"ratio of speeds page / nginx: {plain / ours:.2f} (wanted: at least 0.6)")


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--memory-mb", type=int, default=3000)
    chosen = parser.parse_args()
    chromium()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        with started(folder / "data") as platform:
            address = surgeons_page(platform)
            random_video(folder / NAME, chosen.mb * MB)
            told(compare(platform, address, playwright, folder, chosen.rounds), chosen.mb)
            if chosen.memory_mb:
                random_video(folder / NAME, chosen.memory_mb * MB)
                idle, peak = memory(platform, address, playwright, folder)
                print(f"{chosen.memory_mb} MB: renderer idle {idle / MB:.0f} MB, at most {peak / MB:.0f} MB")
                print(f"more than idle: {(peak - idle) / MB:.0f} MB (wanted: less than 300)")


if __name__ == "__main__":
    main()
