"""`python -m bench.disc`: an image of a film of 20 minutes (790 MB) on this machine's file system.

Building is compared with `genisoimage -udf -joliet-long`, which writes the same three file systems. Building and
reading back is compared with genisoimage and `7z x -so … | sha256sum` behind it: a built image that nobody has read is
none. Ours hashes the image and the file in both views; the peers hash the file in one. Rounds alternate, images are
removed between them, and the ratios are of the medians. Every image must give the film back, or the exit status is 1.

Then: building on an XFS that shares blocks, where one can be mounted; verdicts while discs are made, beside those of an
idle process; a video of 4.5 GB, read back whole by two strangers; and, where versitygw is at hand, what passes through
a worker when the film lies in an S3 store, beside fetching it, making the image here and sending it.
"""

import argparse
import asyncio
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench.disc import stored
from bench.video.film import film
from services.video.ports import DiscOrder
from services.video.tools.disc import build
from services.video.tools.iso import plan_image
from services.video.tools.placing import place
from tests.assets.video_fixtures import FILE_NAME
from tools.stack.servers import Unprepared, cached

LABEL, AT = "SHENBAO_2026", datetime(2026, 11, 27, tzinfo=UTC)
OURS, OURS_READ = "ours", "ours, read back"
THEIRS, THEIRS_READ = "genisoimage", "genisoimage and 7z"
#: A way of making an image → the SHA-256 that it told of the file, "" when it did not look.
Way = Callable[[Path, Path], str]


def ours(video: Path, image: Path) -> str:
    """Plan and place."""
    with video.open("rb") as source, image.open("xb") as target:
        plan = plan_image(os.fstat(source.fileno()).st_size, file_name=FILE_NAME, label=LABEL, at=AT)
        place(plan, source.fileno(), target.fileno())
    return ""


def theirs(video: Path, image: Path) -> str:
    """In a locale in which it keeps the Chinese name."""
    options = ["-quiet", "-udf", "-J", "-joliet-long", "-allow-limited-size", "-input-charset", "utf-8", "-V", LABEL]
    command = [str(cached("genisoimage")), *options, "-o", str(image), str(video)]
    subprocess.run(command, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"}, stderr=subprocess.DEVNULL)
    return ""


def theirs_read(video: Path, image: Path) -> str:
    """With what is on it hashed by a second tool."""
    theirs(video, image)
    with subprocess.Popen([str(cached("7z")), "x", "-so", str(image)], stdout=subprocess.PIPE) as extracting:
        told = subprocess.run(["sha256sum"], stdin=extracting.stdout, check=True, capture_output=True, text=True)
    return told.stdout.split()[0]


PLAIN: dict[str, Way] = {OURS: ours, THEIRS: theirs}


def ours_read(sha256: str) -> Way:
    """As the service builds it: whatever differs from the order is an error."""

    def way(video: Path, image: Path) -> str:
        order = DiscOrder(
            video=video, file_name=FILE_NAME, size_bytes=video.stat().st_size, sha256=sha256, label=LABEL, at=AT
        )
        return build(order, image).files[0].sha256

    return way


def timed(way: Way, video: Path, folder: Path) -> tuple[float, str]:
    """(seconds, what it told); what others left to be written goes to the disk before."""
    os.sync()
    began = time.perf_counter()
    told = way(video, folder / "disc.iso")
    took = time.perf_counter() - began
    (folder / "disc.iso").unlink()
    return took, told


def compare(folder: Path, seconds: int, rounds: int) -> bool:
    """Print the table and the ratios; whether every image gave the film back."""
    made = film(folder, seconds)
    video = made.rename(folder / FILE_NAME)
    with video.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    print(f"film: {video.stat().st_size / 1e6:.0f} MB, {os.cpu_count()} cores")
    ways: dict[str, Way] = {OURS: ours, THEIRS: theirs, OURS_READ: ours_read(sha256), THEIRS_READ: theirs_read}
    took: dict[str, list[float]] = defaultdict(list)
    good = True
    for _ in range(rounds):
        for name, way in ways.items():
            spent, told = timed(way, video, folder)
            took[name].append(spent)
            good = good and told in ("", sha256)
    middle = {name: statistics.median(each) for name, each in took.items()}
    for name, spent in middle.items():
        print(f"{name:<20}{spent:>8.2f} s")
    asyncio.run(stored.verdicts_meanwhile(folder, video, sha256, 20 * rounds))
    print(f"ratio build, ours / genisoimage: {middle[OURS] / middle[THEIRS]:.2f} (wanted: at most 0.8)")
    read = middle[OURS_READ] / middle[THEIRS_READ]
    print(f"ratio build and read back, ours / genisoimage and 7z: {read:.2f} (wanted: at most 0.8)")
    return good


def on_xfs(folder: Path, seconds: int, rounds: int) -> None:
    """Building alone, on a file system that shares blocks."""
    lacking = stored.mount_xfs(folder)
    if lacking:
        print(f"no XFS to measure on: {lacking}")
        return
    place = folder / "xfs"
    try:
        video = film(place, seconds).rename(place / FILE_NAME)
        spent = {name: [timed(way, video, place)[0] for _ in range(rounds)] for name, way in PLAIN.items()}
    finally:
        subprocess.run(["umount", str(place)], check=True)
    ratio = statistics.median(spent[OURS]) / statistics.median(spent[THEIRS])
    print(f"ratio build on an XFS that shares blocks, ours / genisoimage: {ratio:.3f} (wanted: at most 0.15)")


def huge(folder: Path) -> bool:
    """A video of 4.5 GB, all holes: whether 7-Zip gives all of it back by ISO 9660 with Joliet, and by UDF, and libcdio
    by UDF.
    """
    size, path = 4_500_000_000, folder / "huge.iso"
    plan = plan_image(size, file_name=FILE_NAME, label=LABEL, at=AT)
    with path.open("wb") as image:
        image.write(plan.head)
        image.seek(size, os.SEEK_CUR)
        image.write(plan.tail)
    zeros = hashlib.sha256()
    for _ in range(450):
        zeros.update(bytes(10_000_000))
    told = {view: _read_by_7z(path, view) for view in ("iso", "udf")}
    told["udf by libcdio"] = _read_by_libcdio(path)
    path.unlink()
    print(f"a video of 4.5 GB, read back whole by 7-Zip and libcdio: {told}")
    return set(told.values()) == {(size, zeros.hexdigest())}


def _read_by_libcdio(image: Path) -> tuple[int, str]:
    """Likewise, by another reader of UDF. It writes a file, so that is read then."""
    target = image.with_suffix(".mp4")
    command = [str(cached("iso-read")), "--no-header", "--udf", "-i", str(image), "-e", FILE_NAME, "-o", str(target)]
    subprocess.run(command, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    with target.open("rb") as file:
        whole = hashlib.file_digest(file, "sha256").hexdigest()
    length = target.stat().st_size
    target.unlink()
    return length, whole


def _read_by_7z(image: Path, view: str) -> tuple[int, str]:
    """(size, SHA-256) of the one file in a view."""
    whole, length = hashlib.sha256(), 0
    command = [str(cached("7z")), "x", "-so", f"-t{view}", str(image)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as extracting:
        assert extracting.stdout is not None
        while block := extracting.stdout.read(2**22):
            whole.update(block)
            length += len(block)
    return length, whole.hexdigest()


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.disc")
    parser.add_argument("--seconds", type=int, default=1200, help="of the film")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    try:
        cached("genisoimage")
    except Unprepared:
        print("genisoimage is not here: run `make bench-tools`", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        good = compare(Path(name), chosen.seconds, chosen.rounds)
        good = huge(Path(name)) and good
        on_xfs(Path(name), chosen.seconds, chosen.rounds)
        try:
            cached("versitygw")
        except Unprepared:
            print("versitygw is not here: nothing is measured on S3")
        else:
            asyncio.run(stored.on_s3(Path(name), chosen.seconds, theirs))
    if not good:
        print("FAULT: an image did not give the film back")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
