"""`python -m bench.pdf_quality`: what the hints find on generated pages, and how often they are wrong.

Two generators that share only their words (`drawn.py`, `typeset.py`) make pages, one per seed. Even seeds are for
tuning; only odd ones are made here. Beside each hint stands the plain rule that people use instead: the variance of
the Laplacian below 100, any red at all, the mean difference of colours, a page that is nearly white. `found` counts
pages of which the hint is true, `alarms` those of which it is not. Whole stages are asked: the sandbox measures, and
reads where measuring does not tell (`--no-reading` leaves it out).

Exit status 1: a hint is worse than its plain rule in both columns.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from bench.opening.fonts import PLAIN, fonts
from bench.pdf_quality import drawn, pairs, typeset
from bench.pdf_quality.truth import Generated, Pixels, pixels_of
from services.catalogue.pages.model import SeenPage
from services.kernel.ocr import reader as ocr
from services.kernel.ocr.port import Picture
from services.kernel.sandbox.in_memory import BytesSource
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.pdfcheck.domain import quality as judging
from services.pdfcheck.domain.prints import NEAR, distance
from services.pdfcheck.usecases import quality, repeats
from tools.stack.servers import Unprepared, cached

PLAIN_LAPLACIAN = 100.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A page beside what was seen of it, and which of the plain rules speak up."""

    page: Generated
    seen: SeenPage
    turned: Mapping[int, bool]
    plain: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hint:
    """`due` says of which pages it is true, `among` on which it is judged at all."""

    name: str
    due: Callable[[Generated], bool]
    ours: Callable[[Judged], bool]
    plain: Callable[[Pixels], bool]
    rule: str
    among: Callable[[Generated], bool] = field(default=lambda _: True)


def _codes(judged: Judged) -> frozenset[str]:
    return frozenset(
        f"{each.code}:{each.params.get('reason', '')}" for each in judging.hints([judged.seen], judged.turned)
    )  # fmt: skip


def _says(code: str, judged: Judged) -> bool:
    return any(each.startswith(code) for each in _codes(judged))


def _laplacian(pixels: Pixels) -> bool:
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(gray, cv2.CV_64F).var()) < PLAIN_LAPLACIAN


def _any_red(pixels: Pixels) -> bool:
    red, green, blue = (pixels[:, :, band].astype(np.int16) for band in range(3))
    return int(((red > 120) & (red - green > 50) & (red - blue > 50)).sum()) > 500


def _colourless(pixels: Pixels) -> bool:
    return float(np.ptp(pixels, axis=2).mean()) < 8


def _white(pixels: Pixels) -> bool:
    return float((cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) > 200).mean()) > 0.99


def _is(name: str) -> Callable[[Generated], bool]:
    return lambda page: name in page.truth


def _spoiled(page: Generated) -> bool:
    return bool(page.truth & {"blurred", "motion"})


HINTS: Sequence[Hint] = (
    Hint(
        name="out of focus", due=_is("blurred"), ours=partial(_says, "pdf.blurred:"), plain=_laplacian,
        rule="Laplacian < 100", among=lambda page: "motion" not in page.truth,
    ),
    Hint(
        name="moved", due=_is("motion"), ours=partial(_says, "pdf.blurred:"), plain=_laplacian,
        rule="Laplacian < 100", among=lambda page: "blurred" not in page.truth,
    ),
    Hint(
        name="blank", due=_is("blank"), ours=partial(_says, "pdf.blank-page"), plain=_white,
        rule="99 % brighter than 200",
    ),
    Hint(
        name="low resolution", due=_is("coarse"), ours=partial(_says, "pdf.low-resolution"),
        plain=lambda pixels: min(pixels.shape[:2]) < 1000, rule="narrower than 1000 pixels",
    ),
    Hint(
        name="red seal", due=_is("seal"), ours=lambda judged: judged.seen.is_sealed, plain=_any_red, rule="any red",
        among=lambda page: not _spoiled(page),
    ),
    Hint(
        name="no colour", due=_is("grey"), ours=lambda judged: judged.seen.is_grey, plain=_colourless,
        rule="mean difference < 8", among=lambda page: bool(page.truth & {"grey", "seal"}),
    ),
    Hint(
        name="copied seal", due=_is("copied seal"), ours=lambda judged: judged.seen.shows_copied_seal,
        plain=_colourless, rule="mean difference < 8", among=lambda page: not _spoiled(page),
    ),
    Hint(
        name="upside down", due=_is("upside-down"), ours=partial(_says, "pdf.upside-down"), plain=lambda _: False,
        rule="(none)", among=lambda page: not _spoiled(page) and page.kind not in ("blank", "notes"),
    ),
)  # fmt: skip


async def look_at(
    sandbox: ForkingSandbox, reader: ocr.SandboxedReader, pages: Iterator[Generated], *, reading: bool
) -> list[Judged]:  # fmt: skip
    """Every page as the stage sees it."""
    judged = []
    for number, page in enumerate(pages, 1):
        asked = reader if reading else _Unread()
        looked = await quality.look_at(sandbox, asked, BytesSource(page.jpeg), 1, reads_first=False)
        if looked.pages:
            pixels = pixels_of(page.jpeg)
            plain = frozenset(hint.name for hint in HINTS if hint.plain(pixels))
            judged.append(Judged(page=page, seen=looked.pages[0], turned=looked.turned, plain=plain))
        print(f"\r  {number} pages", end="", file=sys.stderr)
    print(file=sys.stderr)
    return judged


class _Unread:
    """Reads nothing."""

    async def read(self, picture: Picture, *, closely: bool = False) -> tuple[()]:  # noqa: ARG002
        """No line."""
        return ()


def table(judged: Sequence[Judged]) -> bool:
    """Print it; whether no hint is worse than its plain rule in both columns."""
    print(f"{'hint':<16}{'found':>12}{'alarms':>12}   {'plain rule':<26}{'found':>12}{'alarms':>12}")
    good = True
    for hint in HINTS:
        among = [each for each in judged if hint.among(each.page)]
        due = [each for each in among if hint.due(each.page)]
        other = [each for each in among if not hint.due(each.page)]
        found, alarms = sum(map(hint.ours, due)), sum(map(hint.ours, other))
        plainly, falsely = (sum(hint.name in each.plain for each in some) for some in (due, other))
        print(
            f"{hint.name:<16}{_of(found, due):>12}{_of(alarms, other):>12}   {hint.rule:<26}"
            f"{_of(plainly, due):>12}{_of(falsely, other):>12}"
        )
        good = good and not (found < plainly and alarms > falsely)
    return good


def _of(count: int, among: Sequence[object]) -> str:
    return f"{count}/{len(among)}"


async def compare(sandbox: ForkingSandbox, seeds: Sequence[int], paths: Sequence[str]) -> None:
    """Pairs of pages: candidates by their hashes, then laid on each other."""
    told: dict[str, list[tuple[int, float]]] = {}
    for seed in seeds:
        pair = pairs.pair(seed, paths)
        prints = []
        for page in (pair.one, pair.other):
            looked = await quality.look_at(sandbox, _Unread(), BytesSource(page.jpeg), 1, reads_first=False)
            prints += [each.print for each in looked.pages]
        if len(prints) < 2:
            print(f"seed {seed}: a page could not be looked at", file=sys.stderr)
            continue
        apart, likeness = distance(*prints), 0.0
        if apart <= NEAR:
            sources = [BytesSource(small(page.jpeg)) for page in (pair.one, pair.other)]
            outcome = await sandbox.run(repeats.LIKENESS, {}, profile=repeats.PROFILE, sources=sources)
            likeness = float(str(outcome.value))
        told.setdefault(pair.made.partition(", ")[2], []).append((apart, likeness))
    print(f"\n{'pairs':<16}{'near hashes':>14}{'and alike':>12}   (hashes alone are the plain rule)")
    for made, found in sorted(told.items()):
        near = sum(apart <= NEAR for apart, _ in found)
        alike = sum(likeness >= repeats.SAME for _, likeness in found)
        print(f"{made:<16}{_of(near, found):>14}{_of(alike, found):>12}")


def small(jpeg: bytes) -> bytes:
    """240 pixels wide, as the service keeps it."""
    pixels = pixels_of(jpeg)
    height = round(240 * pixels.shape[0] / pixels.shape[1])
    made = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), (240, height), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", made, [cv2.IMWRITE_JPEG_QUALITY, 82])[1].tobytes()


def _page(numbered: tuple[str, int], paths: Sequence[str]) -> Generated:
    generator, seed = numbered
    return drawn.page(seed, paths) if generator == "drawn" else typeset.page(seed, paths)


def main() -> int:
    """Run it."""
    said = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    said.add_argument("--pages", type=int, default=420, help="of both generators together")
    said.add_argument("--pairs", type=int, default=60)
    said.add_argument("--plain", action="store_true", help="with the two fonts of the wheel alone")
    said.add_argument("--no-reading", action="store_true")
    asked = said.parse_args()
    try:
        paths = PLAIN if asked.plain else fonts(cached("fonts"))
    except (FileNotFoundError, Unprepared) as error:
        print(f"{error}; with --plain it runs with two fonts", file=sys.stderr)
        return 2
    return asyncio.run(_run(asked.pages, asked.pairs, paths, reading=not asked.no_reading))


async def _run(count: int, many_pairs: int, paths: Sequence[str], *, reading: bool) -> int:
    seeds = range(1, count + 1, 2)  # held back
    wanted = [(generator, seed) for seed in seeds for generator in ("drawn", "typeset")][:count]
    sandbox = ForkingSandbox([*quality.PRELOAD, *repeats.PRELOAD])
    texts = ForkingSandbox(ocr.PRELOAD)
    reader = ocr.SandboxedReader(texts, at_once=1)
    try:
        with ProcessPoolExecutor(2) as pool:
            pages = pool.map(partial(_page, paths=paths), wanted, chunksize=2)
            judged = await look_at(sandbox, reader, iter(pages), reading=reading)
        kinds = len({each.page.kind for each in judged})
        print(f"{len(judged)} pages of {kinds} kinds by two generators, seeds that nothing was tuned on")
        good = table(judged)
        cost = await measured_cpu_s(sandbox, [each.page for each in judged[:24]])
        read = sum(bool(each.turned) for each in judged)
        print(f"\nmeasuring: {1000 * cost:.0f} ms of CPU a page; {_of(read, judged)} read for their direction")
        if many_pairs:
            await compare(sandbox, range(1, 2 * many_pairs, 2), paths)
    finally:
        await sandbox.close()
        await texts.close()
    return 0 if good else 1


async def measured_cpu_s(sandbox: ForkingSandbox, pages: Sequence[Generated]) -> float:
    """CPU seconds a page in the sandbox, its fork included."""
    spent = []
    for page in pages:
        with tempfile.TemporaryDirectory(prefix="shenbao-quality-") as folder:
            source = BytesSource(page.jpeg)
            outcome = await quality.measure_pages(sandbox, source, range(1, 2), Path(folder), reads_first=False)
        spent.append(outcome.cpu_s)
    return float(np.median(spent)) if spent else 0.0


if __name__ == "__main__":
    sys.exit(main())
