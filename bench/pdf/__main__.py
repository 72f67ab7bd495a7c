"""`python -m bench.pdf`: documents weighed, split, merged and shown, beside qpdf, mutool, pypdf and PyMuPDF.

Scans are generated: 20 pages of 17 MB, 300 pages of 400 MB, 40 files of 38 MB together. Ours is what the service does,
through its warm sandbox, every file in a fresh confined child that holds it open for reading: a structural pass opens,
counts, weighs every page, looks for active content and signatures; integrity decodes every picture; a merge of parts
that were checked strips, bookmarks, judges the result and hashes it. Peers do the bare task: programs as processes,
libraries warm, without their start and imports. Rounds alternate; ratios are of the medians.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import pikepdf
import psutil

from bench.pdf import directly, files, peers
from bench.pdf.peers import Peer, Spent
from services.catalogue import load
from services.kernel.clock import SystemClock
from services.kernel.ids import TimeOrderedIds
from services.kernel.sandbox.apart import Apart
from services.kernel.sandbox.port import Sandbox
from services.kernel.sandbox.sandbox import FileSource, ForkingSandbox
from services.kernel.storage.localdir import LocalDir
from services.kernel.storage.port import ObjectInfo
from services.kernel.storage.presign import PresignKey, Signer
from services.kernel.stored_files import StoredSource
from services.pdfcheck.domain.findings import DocumentLimits
from services.pdfcheck.domain.merging import RESULT, Part
from services.pdfcheck.tools.pages import alone_bytes
from services.pdfcheck.usecases import pictures, pixels, watermark
from services.pdfcheck.usecases.all_pages import IN_BACKGROUND, pages_ready
from services.pdfcheck.usecases.measure import PRELOAD, SHORT, measure
from services.pdfcheck.usecases.merge import MergeInput, merge_parts
from services.pdfcheck.usecases.pictures import Pictured, Pictures
from tools.stack.servers import Unprepared

OURS = "ours"
MB = 10**6
PAGE_LIMIT = 5 * 2**20
#: Children at once; so many more than cores that none of those waits while a child is made, ends or is heard.
AT_ONCE = 6
Act = Callable[[], Awaitable[Spent]]


def zygote_cpu_s() -> float:
    """CPU seconds of this process, of its zygotes, and of the children that those waited for."""
    total = 0.0
    me = psutil.Process()
    for each in [me, *me.children(recursive=True)]:
        times = each.cpu_times()
        total += times.user + times.system + (times.children_user + times.children_system if each != me else 0)
    return total


async def timed(act: Callable[[], Awaitable[int]]) -> Spent:
    """`act` tells the peak memory of what it ran."""
    began, cpu = time.perf_counter(), zygote_cpu_s()
    peak = await act()
    return Spent(wall_s=time.perf_counter() - began, cpu_s=zygote_cpu_s() - cpu, peak_bytes=peak)


async def compare(title: str, ours: Act, others: Mapping[str, Peer], rounds: int) -> Mapping[str, Spent]:
    """Alternate, print the medians, and give them."""
    readings: dict[str, list[Spent]] = defaultdict(list)
    await ours()
    for _ in range(rounds):
        readings[OURS].append(await ours())
        for name, peer in others.items():
            try:
                spent = await asyncio.to_thread(peer)
            except Unprepared:
                continue
            readings[name].append(spent)
    print(f"\n{title}\n{'':<16}{'wall':>10}{'CPU':>10}{'peak':>10}")
    middle = {}
    for name, each in readings.items():
        spent = Spent(
            wall_s=statistics.median(one.wall_s for one in each),
            cpu_s=statistics.median(one.cpu_s for one in each),
            peak_bytes=max(one.peak_bytes for one in each),
        )
        middle[name] = spent
        print(f"{name:<16}{1000 * spent.wall_s:>7.1f} ms{1000 * spent.cpu_s:>7.1f} ms{spent.peak_bytes / MB:>7.0f} MB")
    for name in others.keys() - middle.keys():
        print(f"{name} is not here: run `make bench-tools`")
    return middle


def ratio(what: str, middle: Mapping[str, Spent], name: str, wanted: str) -> None:
    """Ours by a peer's wall time."""
    if name in middle:
        print(f"ratio {what}, ours / {name}: {middle[OURS].wall_s / middle[name].wall_s:.2f}{wanted}")


class Bench:
    """On one sandbox."""

    def __init__(self, sandbox: Sandbox, folder: Path, rounds: int) -> None:
        """`folder` is for everything that is made."""
        self._sandbox = sandbox
        self._folder = folder
        self._rounds = rounds

    async def _measured(self, path: Path) -> tuple[int, Sequence[int]]:
        source = FileSource(path)
        try:
            facts = await measure(self._sandbox, source, PAGE_LIMIT)
        finally:
            source.close()
        return 0, facts.page_bytes

    async def structure(self, path: Path, many: int) -> None:
        """One file at a time, then as many as two cores take."""

        async def once() -> Spent:
            return await timed(lambda: self._peak(path))

        middle = await compare(f"structural pass of {_told(path)}", once, peers.opening(path), self._rounds)
        cpu, began = zygote_cpu_s(), time.perf_counter()
        numbers = iter(range(many))

        async def work() -> None:
            for _ in numbers:
                await self._measured(path)

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        wall_s = time.perf_counter() - began
        print(f"CPU a file with its fork: {1000 * (zygote_cpu_s() - cpu) / many:.1f} ms (wanted: at most 6)")
        print(f"files a second on {os.cpu_count()} cores: {many / wall_s:.0f} (wanted: at least 400)")
        for name in middle.keys() - {OURS}:
            ratio("structural pass", middle, name, "")

    async def _peak(self, path: Path) -> int:
        await self._measured(path)
        return 0

    async def sizes(self, path: Path) -> bool:
        """Page sizes, and whether they are what the written pages weigh."""

        async def once() -> Spent:
            return await timed(lambda: self._peak(path))

        middle = await compare(
            f"page sizes of {_told(path)}", once, peers.sizes(path, self._folder), max(1, self._rounds // 2)
        )
        print(f"page sizes: {1000 * middle[OURS].wall_s:.0f} ms (wanted: at most 60)")
        ratio("page sizes", middle, "qpdf", "")
        _, told = await self._measured(path)
        return _right(path, told)

    async def integrity(self, path: Path) -> None:
        """Every picture decoded strictly: the second stage, without which nothing is handed in."""
        with pikepdf.open(path) as pdf:
            pages = len(pdf.pages)

        async def once() -> int:
            source = FileSource(path)
            try:
                found = await pixels.check_pixels(self._sandbox, source)
            finally:
                source.close()
            assert (found.findings, found.pictures) == ((), pages)
            return 0

        target = self._folder / "decoded.pnm"
        middle = await compare(
            f"picture integrity of {_told(path)}", lambda: timed(once), peers.decoding(path, target), self._rounds
        )
        target.unlink(missing_ok=True)
        ours = middle[OURS]
        print(f"integrity: {1000 * ours.wall_s / pages:.1f} ms a page, {1000 * ours.cpu_s / pages:.1f} ms of CPU")
        for name in middle.keys() - {OURS}:
            ratio("integrity", middle, name, "")

    async def merging(self, parts: Sequence[Path], wanted: str) -> None:
        """One PDF of all."""
        limits = DocumentLimits(page_bytes=PAGE_LIMIT, item_bytes=None)

        async def merge() -> int:
            sources = [FileSource(part) for part in parts]
            inputs = [
                MergeInput(part=Part(title=part.stem, component="组成部分"), source=source, checked=True)
                for part, source in zip(parts, sources, strict=True)
            ]
            with tempfile.TemporaryDirectory(dir=self._folder) as scratch:
                outcome = await merge_parts(self._sandbox, inputs, limits, Path(scratch))
                assert outcome.accepted
                assert (Path(scratch) / RESULT).exists()
            for source in sources:
                source.close()
            return outcome.peak_memory_bytes

        title = f"merging {len(parts)} files, {sum(part.stat().st_size for part in parts) / MB:.0f} MB"
        target = self._folder / "merged.pdf"
        middle = await compare(title, lambda: timed(merge), peers.merging(parts, target), self._rounds)
        target.unlink(missing_ok=True)
        ratio("merge", middle, "qpdf", f" (wanted: at most {wanted})")
        print(f"peak memory of ours: {middle[OURS].peak_bytes / 2**20:.0f} MiB (wanted: at most 64)")

    async def preview(self, path: Path) -> None:
        """The first picture of a page, from being asked for until it is there, kept in the store."""
        with pikepdf.open(path) as pdf:
            pages = len(pdf.pages)
        signer = Signer([PresignKey(key_id="a", secret="s" * 32)], SystemClock())
        store = LocalDir(self._folder / "store", signer, "http://127.0.0.1:9", SystemClock(), TimeOrderedIds())
        info = await store.put("evidence/scan.pdf", await asyncio.to_thread(path.read_bytes))
        shown = Pictures(store, self._sandbox)
        numbers = iter(range(1000))

        async def there() -> bool:
            return True

        async def first() -> int:
            source = StoredSource(store, "evidence/scan.pdf", info.size_bytes, info.etag)
            pictured = Pictured(source=source, folder=f"derived/{next(numbers)}/", pages=pages, is_there=there)
            await shown.jpeg(pictured, 1, 1200)
            return 0

        target = self._folder / "page.png"
        middle = await compare(
            f"first picture of {_told(path)}, 1200 px", lambda: timed(first), peers.picturing(path, target, 1200),
            self._rounds,
        )  # fmt: skip
        print(f"first picture: {1000 * middle[OURS].wall_s:.0f} ms (wanted: at most 150)")
        ratio("first picture", middle, "mutool", "")
        await self._all_pages(path, shown, store, info)
        await self._marked(path)
        store.close()

    async def _all_pages(self, path: Path, shown: Pictures, store: LocalDir, info: ObjectInfo) -> None:
        """The background: every page in both sizes, each kept in the store as soon as it is drawn."""
        numbers = iter(range(1000))
        with pikepdf.open(path) as pdf:
            pages = len(pdf.pages)

        async def there() -> bool:
            return True

        async def everything() -> int:
            source = StoredSource(store, info.key, info.size_bytes, info.etag)
            pictured = Pictured(source=source, folder=f"derived/all-{next(numbers)}/", pages=pages, is_there=there)
            done = [each.page async for each in pages_ready(shown, pictured, IN_BACKGROUND) if each.drawn]
            assert len(done) == pages
            return 0

        middle = await compare(
            f"pictures of {pages} pages of {_told(path)}, 1200 px and of ours 240 px, too",
            lambda: timed(everything), peers.picturing_all(path, self._folder, 1200), max(1, self._rounds // 2),
        )  # fmt: skip
        for name, spent in middle.items():
            print(f"{name}: {1000 * spent.wall_s / pages:.0f} ms a page, {1000 * spent.cpu_s / pages:.0f} ms of CPU")
        for name in middle.keys() - {OURS}:
            ratio("pictures of all pages", middle, name, "")

    async def _marked(self, path: Path) -> None:
        """What a reviewer's picture takes more than an applicant's."""
        jpeg = directly.picture(path, 1200)
        mark = "王审核 · 青山县卫生健康局 · 2023-08-31 17:40 · 4f2a9c"

        async def once() -> int:
            await watermark.watermarked(self._sandbox, jpeg, mark, page=1)
            return 0

        await once()
        spent = [await timed(once) for _ in range(3 * self._rounds)]
        wall, cpu = (statistics.median(getattr(each, name) for each in spent) for name in ("wall_s", "cpu_s"))
        print(f"who looked, drawn into a picture: {1000 * wall:.0f} ms, {1000 * cpu:.0f} ms of CPU with its fork")


def _told(path: Path) -> str:
    return f"{path.stem}, {path.stat().st_size / MB:.0f} MB"


def _right(path: Path, told: Sequence[int]) -> bool:
    """Whether no bound is below the page as it is written alone, nor more than 4 KB above."""
    with pikepdf.open(path) as pdf:
        alone = [alone_bytes(page) for page in pdf.pages]
    over = [bound - size for bound, size in zip(told, alone, strict=True)]
    print(f"bounds above the written pages: {min(over)} to {max(over)} bytes (wanted: 0 to 4096)")
    return min(over) >= 0 and max(over) <= 4096


async def run(folder: Path, rounds: int, scale: float, many: int) -> bool:
    """Whether every size was right."""
    load.default()
    sandbox = Apart(
        SHORT,
        ForkingSandbox(SHORT, short=True),
        ForkingSandbox([*PRELOAD, *pictures.PRELOAD, *pixels.PRELOAD]),
    )
    bench = Bench(sandbox, folder, rounds)
    try:
        few, many_pages, singles = (max(2, int(count * scale)) for count in (20, 300, 40))
        small = files.scan(folder / f"{few} pages.pdf", few, 17 * MB // 20)
        large = files.scan(folder / f"{many_pages} pages.pdf", many_pages, 4 * MB // 3)
        parts = files.scans(folder / "parts", singles, singles * 38 * MB // 40)
        await bench.structure(small, many)
        good = await bench.sizes(large)
        await bench.integrity(small)
        await bench.merging(parts, "2.5")
        await bench.merging(
            [files.scan(folder / f"{n}.pdf", max(2, int(30 * scale)), 4 * MB // 3) for n in range(10)], "1.0"
        )
        await bench.preview(small)
        directly.compare(rounds)
    finally:
        await sandbox.close()
    return good


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.pdf")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1.0, help="of pages and files")
    parser.add_argument("--many", type=int, default=1200, help="files for the throughput")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        return 0 if asyncio.run(run(Path(name), chosen.rounds, chosen.scale, chosen.many)) else 1


if __name__ == "__main__":
    sys.exit(main())
