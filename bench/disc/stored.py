"""A disc of a film in an object store, and verdicts while discs are made."""

import asyncio
import statistics
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench.video.ground import KEY, Ground, ground
from services.kernel.clock import SystemClock
from services.kernel.ids import TimeOrderedIds
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.kernel.storage.localdir import LocalDir
from services.kernel.storage.port import ObjectStore
from services.kernel.storage.presign import PresignKey, Signer
from services.kernel.stored_files import ObjectSource, StoredFile
from services.video.tools.disc import IsoTools
from services.video.usecases.disc_image import DiscImages
from services.video.usecases.measure import PRELOAD, measure
from tests.assets.video_fixtures import FILE_NAME

LABEL, AT = "SHENBAO_2026", datetime(2026, 11, 27, tzinfo=UTC)
Peer = Callable[[Path, Path], str]


def stored(key: str, size_bytes: int, sha256: str, etag: str) -> StoredFile:
    """The film as the service knows it."""
    return StoredFile(
        file_id="f", file_name=FILE_NAME, size_bytes=size_bytes, media_type="video/mp4", sha256=sha256,
        object_key=key, etag=etag, stored_at=AT, component_id="video",
    )  # fmt: skip


async def build(store: ObjectStore, file: StoredFile) -> int:
    """As the worker does it; the size of the image."""
    built = await DiscImages(store=store, tools=IsoTools()).build(
        file, file_name=FILE_NAME, label=LABEL, at=AT, folder="derived", progress=lambda _: None
    )
    return built.size_bytes


async def on_s3(folder: Path, seconds: int, peer: Peer) -> None:
    """Bytes that pass through the worker: ours, and fetching, making and sending the image."""
    async with ground(folder, seconds) as found:
        file = stored(KEY, found.source.size_bytes, found.sha256, found.etag)
        found.counter.take()
        began = time.perf_counter()
        image_bytes = await build(found.store, file)
        took = time.perf_counter() - began
        ours = found.counter.take()
        began = time.perf_counter()
        await _through_here(found, folder, peer)
        theirs_took = time.perf_counter() - began
        theirs = found.counter.take()
    moved, moved_by_peer = ours.bytes_sent + ours.bytes_taken, theirs.bytes_sent + theirs.bytes_taken
    share = moved / image_bytes
    print(f"on S3: {moved / 1e6:.1f} MB through the worker in {took:.2f} s, {100 * share:.2f} % of the disc "
          "(wanted: at most 1.5 %)")  # fmt: skip
    print(f"ratio bytes, fetched and sent by genisoimage's way / ours: {moved_by_peer / moved:.0f}; "
          f"wall {theirs_took / took:.1f}")  # fmt: skip


async def _through_here(found: Ground, folder: Path, peer: Peer) -> None:
    video, image = folder / FILE_NAME, folder / "there.iso"
    with video.open("wb") as out:
        async for chunk in found.store.stream(KEY):
            out.write(chunk)
    await asyncio.to_thread(peer, video, image)
    await found.store.put_file("derived/theirs.iso", str(image), if_absent=False)
    video.unlink()
    image.unlink()


async def verdicts_meanwhile(folder: Path, video: Path, sha256: str, rounds: int) -> None:
    """p95 of verdicts in a process that does nothing else, and in one that makes discs without a pause."""
    signer = Signer([PresignKey(key_id="a", secret="s" * 32)], SystemClock())
    store = LocalDir(folder / "store", signer, "http://127.0.0.1:9", SystemClock(), TimeOrderedIds())
    sandbox = ForkingSandbox(PRELOAD)
    try:
        info = await store.put_file("evidence/film.mp4", str(video))
        file = stored("evidence/film.mp4", info.size_bytes, sha256, info.etag)
        await _verdicts(sandbox, store, file, 5)
        idle = await _verdicts(sandbox, store, file, rounds)
        building = asyncio.create_task(_discs_for_ever(store, file))
        busy = await _verdicts(sandbox, store, file, rounds)
        building.cancel()
        await asyncio.gather(building, return_exceptions=True)
    finally:
        await sandbox.close()
        store.close()
    print(f"verdicts, p95: idle {1000 * idle:.0f} ms, while discs are made {1000 * busy:.0f} ms")
    print(f"ratio p95 of verdicts, while discs are made / idle: {busy / idle:.2f} (wanted: at most 3)")


async def _discs_for_ever(store: ObjectStore, file: StoredFile) -> None:
    while True:
        await build(store, file)


async def _verdicts(sandbox: ForkingSandbox, store: ObjectStore, file: StoredFile, rounds: int) -> float:
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        await measure(sandbox, ObjectSource(store, file))
        took.append(time.perf_counter() - began)
    return statistics.quantiles(took, n=20)[-1] if rounds > 1 else took[0]


def mount_xfs(folder: Path) -> str:
    """Mounts a file as XFS with reflinks below `folder`; why that is not possible, "" when it was done."""
    image, place = folder / "xfs.img", folder / "xfs"
    place.mkdir()
    steps = (
        ["truncate", "-s", "3G", str(image)],
        ["mkfs.xfs", "-q", "-m", "reflink=1", str(image)],
        ["mount", "-o", "loop", str(image), str(place)],
    )
    for step in steps:
        try:
            done = subprocess.run(step, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return f"{step[0]} is not here"
        if done.returncode:
            return f"{step[0]}: {done.stderr.strip()[:120]}"
    return ""
