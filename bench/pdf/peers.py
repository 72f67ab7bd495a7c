"""The peers: qpdf and mutool as processes, pypdf and PyMuPDF (comparison only) in an interpreter of their own."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.stack.servers import cached

_PEER = Path(__file__).parent / "peer.py"


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """Of one run: seconds, CPU seconds, bytes of memory at most."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


#: Does its task once.
Peer = Callable[[], Spent]


def process(*command: str) -> Spent:
    """Of a program from its start to its end, started by a small process: a child's peak begins at its parent's.
    Raises `CalledProcessError` when it failed.
    """
    return _told(sys.executable, "process", *command)


def _told(python: str, *arguments: str) -> Spent:
    command = [python, "-I", str(_PEER), *arguments]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return Spent(wall_s=told["wall_s"], cpu_s=told["cpu_s"], peak_bytes=told["peak_bytes"])


def library(name: str, task: str, *arguments: str) -> Spent:
    """Of a task in Python, without starting and importing."""
    return _told(str(cached("peers-python")), name, task, *arguments)


def opening(path: Path) -> Mapping[str, Peer]:
    """Open, count pages, ask for encryption; none of them weighs or looks for signatures."""
    return {
        "qpdf": lambda: process(str(cached("qpdf")), "--show-npages", str(path)),
        "mutool": lambda: process(str(cached("mutool")), "info", "-M", str(path)),
        "pypdf, warm": lambda: library("pypdf", "open", str(path)),
        "PyMuPDF, warm": lambda: library("pymupdf", "open", str(path)),
    }


def sizes(path: Path, scratch: Path) -> Mapping[str, Peer]:
    """What every page weighs: by splitting, for nobody else has another way."""

    def split() -> Spent:
        folder = scratch / "split"
        folder.mkdir()
        spent = process(str(cached("qpdf")), "--split-pages=1", str(path), str(folder / "page.pdf"))
        for each in folder.iterdir():
            each.unlink()
        folder.rmdir()
        return spent

    return {
        "qpdf": split,
        "pypdf, warm": lambda: library("pypdf", "sizes", str(path)),
        "PyMuPDF, warm": lambda: library("pymupdf", "sizes", str(path)),
    }


def decoding(path: Path, target: Path) -> Mapping[str, Peer]:
    """Every picture decoded: qpdf writes its pixels; neither of them says which page is not whole."""
    return {
        "qpdf": lambda: process(str(cached("qpdf")), "--decode-level=all", str(path), str(target)),
        "mutool": lambda: process(str(cached("mutool")), "draw", "-q", "-r", "72", "-o", str(target), str(path)),
    }


def merging(parts: Sequence[Path], target: Path) -> Mapping[str, Peer]:
    """One file of all; none of them bookmarks, checks or hashes it."""
    told = [str(part) for part in parts]
    return {
        "qpdf": lambda: process(str(cached("qpdf")), "--empty", "--pages", *told, "--", str(target)),
        "mutool": lambda: process(str(cached("mutool")), "merge", "-o", str(target), *told),
        "pypdf, warm": lambda: library("pypdf", "merge", str(target), *told),
        "PyMuPDF, warm": lambda: library("pymupdf", "merge", str(target), *told),
    }


def picturing(path: Path, target: Path, width_px: int) -> Mapping[str, Peer]:
    """The first page, so many pixels wide."""
    drawing = ("draw", "-q", "-w", str(width_px), "-o", str(target), str(path), "1")
    return {
        "mutool": lambda: process(str(cached("mutool")), *drawing),
        "PyMuPDF, warm": lambda: library("pymupdf", "picture", str(path), str(width_px)),
    }


def picturing_all(path: Path, folder: Path, width_px: int) -> Mapping[str, Peer]:
    """Every page, so many pixels wide: as plain pixels, which costs nothing to code, and as PNG."""

    def drawing(form: str) -> Peer:
        target = str(folder / f"all-%d.{form}")
        return lambda: process(str(cached("mutool")), "draw", "-q", "-w", str(width_px), "-o", target, str(path))

    return {"mutool, pixels": drawing("pnm"), "mutool, PNG": drawing("png")}
