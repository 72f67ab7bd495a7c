"""Mutated films through every stage of the video service: verdict, picture, opening, look, copy, card and disc."""

import hashlib
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from services.catalogue import load
from services.catalogue.opening.compare import read_opening
from services.catalogue.opening.model import Declared, FieldName
from services.kernel.clock import SystemClock
from services.kernel.errors import AppError
from services.kernel.ids import TimeOrderedIds
from services.kernel.ocr import reader as ocr
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.kernel.storage.localdir import LocalDir
from services.kernel.storage.presign import PresignKey, Signer
from services.kernel.stored_files import ObjectSource, StoredFile
from services.video.domain.verdict import VideoLimits
from services.video.tools.disc import IsoTools
from services.video.usecases import look, measure, opening, proxy, title_card
from services.video.usecases.disc_image import DiscImages
from services.video.usecases.poster import poster
from services.video.usecases.verdict import check_video
from tests.assets import video_fixtures
from tests.assets.cards import card_picture, film
from tests.assets.video_fixtures import FILE_NAME
from tests.fuzz.mutations import mutated

KEY = "evidence/film.mp4"
AT = datetime(2026, 1, 1, tzinfo=UTC)
SAID: Declared = dict.fromkeys(FieldName, "张三")
CARD = ("主刀医生：张三", "科室：普外科", "手术名称：剖宫产术")


def films(folder: Path) -> Sequence[bytes]:
    """Small ones with a card, in three layouts."""
    whole = film(folder / "film.mp4", [(card_picture(CARD), 2), (None, 2)], size=(640, 360), rate=5)
    layouts = (["-movflags", "+faststart"], ["-movflags", "frag_keyframe+empty_moov+default_base_moof"])
    others = [
        video_fixtures.rewrapped(whole, folder / f"{n}.mp4", *options).read_bytes() for n, options in enumerate(layouts)
    ]
    return [whole.read_bytes(), *others]


def spoilt(chance: random.Random, starts: Sequence[bytes]) -> bytes:
    """Changed in its boxes, in its pictures, or in both."""
    data = bytearray(mutated(chance, starts) if chance.random() < 0.5 else chance.choice(starts))
    if chance.random() < 0.7 and data:
        for _ in range(chance.choice((1, 8, 64, 512))):
            data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What the stages run on."""

    store: LocalDir
    sandbox: ForkingSandbox
    reader: ocr.SandboxedReader


@asynccontextmanager
async def ground(folder: Path) -> AsyncIterator[Ground]:
    """A store below the folder, and both sandboxes."""
    signer = Signer([PresignKey(key_id="a", secret="s" * 32)], SystemClock())
    store = LocalDir(folder / "store", signer, "http://127.0.0.1:9", SystemClock(), TimeOrderedIds())
    sandbox = ForkingSandbox(
        [
            *measure.PRELOAD,
            *opening.PRELOAD,
            *look.PRELOAD,
            *proxy.PRELOAD,
            *title_card.PRELOAD,
            "services.video.tools.poster",
        ],
    )
    reading = ForkingSandbox(ocr.PRELOAD)
    try:
        yield Ground(store=store, sandbox=sandbox, reader=ocr.SandboxedReader(reading, at_once=2))
    finally:
        await sandbox.close()
        await reading.close()
        store.close()


async def through_all(found: Ground, data: bytes) -> dict[str, tuple[str, float]]:
    """Stage → how it ended and the seconds that it took. Raises what no stage may raise."""
    info = await found.store.put(KEY, data, if_absent=False)
    file = StoredFile(
        file_id="f", file_name=FILE_NAME, size_bytes=len(data), media_type="video/mp4",
        sha256=hashlib.sha256(data).hexdigest(), object_key=KEY, etag=info.etag, stored_at=AT, component_id="video",
    )  # fmt: skip
    ended = {}
    for name, stage in Stages(ground=found, file=file, source=ObjectSource(found.store, file)).all().items():
        began = time.perf_counter()
        ended[name] = (await stage(), time.perf_counter() - began)
    return ended


@dataclass(frozen=True, kw_only=True, slots=True)
class Stages:
    """Each ends in a word for how it ended."""

    ground: Ground
    file: StoredFile
    source: ObjectSource

    def all(self) -> dict[str, Callable[[], Awaitable[str]]]:
        return {
            "verdict": self.verdict, "poster": self.poster, "opening": self.opening, "look": self.look,
            "proxy": self.proxy, "titlecard": self.title_card, "disc": self.disc,
        }  # fmt: skip

    async def verdict(self) -> str:
        limits = VideoLimits.of(load.default())
        report = await check_video(
            self.ground.sandbox, self.source, FILE_NAME, limits, report_id="r", now=AT, today=date(2026, 1, 1)
        )
        return report.verdict

    async def poster(self) -> str:
        async def there() -> bool:
            return True

        await self.ground.store.delete("derived/poster.jpg")
        try:
            await poster(self.ground.store, self.ground.sandbox, self.source, "derived/poster.jpg", there)
        except AppError as error:
            return ended_as(error, "picture.not-possible")
        return "drawn"

    async def opening(self) -> str:
        read = await opening.read_video(self.ground.sandbox, self.ground.reader, self.source, seconds=15)
        read_opening([each.shot for each in read])
        return "read" if any(each.shot.lines for each in read) else "nothing to read"

    async def look(self) -> str:
        seen = await look.look_through(self.ground.sandbox, self.source)
        return "looked" if seen is not None else "nothing to see"

    async def proxy(self) -> str:
        with tempfile.TemporaryDirectory() as scratch:
            made = await proxy.make_proxy(self.ground.sandbox, self.source, Path(scratch))
        return "copied" if made is not None else "nothing to copy"

    async def title_card(self) -> str:
        with tempfile.TemporaryDirectory() as scratch:
            try:
                await title_card.title_card(self.ground.sandbox, SAID, self.source, Path(scratch), seconds=2)
            except AppError as error:
                return ended_as(error, "titlecard.not-possible")
        return "put in front"

    async def disc(self) -> str:
        images = DiscImages(store=self.ground.store, tools=IsoTools())
        await images.build(
            self.file, file_name=FILE_NAME, label="SHENBAO_2026", at=AT, folder="derived", progress=lambda _: None
        )
        return "built"


def ended_as(error: AppError, code: str) -> str:
    """The code; raises any other error."""
    if error.code != code:
        raise error
    return code
