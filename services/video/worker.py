"""Stages of the video service: `verdict`, `opening`, `look`, `proxy`, `titlecard`, `disc`, `forget`."""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from services.catalogue.model import Catalogue
from services.catalogue.opening.model import FieldName
from services.kernel import metrics
from services.kernel.clock import china_date
from services.kernel.db.engine import Database
from services.kernel.errors import AppError, Kind
from services.kernel.jobs.effect import effect
from services.kernel.jobs.queue import Job, LeaseLost, NewJob, enqueue
from services.kernel.jobs.worker import Handler, Running
from services.kernel.ocr.port import TextReader
from services.kernel.platform import Platform
from services.kernel.stored_files import ObjectSource, StoredFile, StoredFiles, StoredSource
from services.video.domain.disc import volume_label
from services.video.domain.look import judge_look
from services.video.domain.name import parse_name
from services.video.domain.verdict import BROKEN, VideoLimits, judge, seconds
from services.video.ports import (
    Disc,
    KeptShot,
    Subject,
    TitleCard,
    TitleCards,
    VideoLook,
    VideoOpening,
    VideoProxy,
    VideoReport,
    Writing,
)
from services.video.usecases import look, opening, poster, proxy, title_card
from services.video.usecases.disc_image import DiscImages
from services.video.usecases.measure import measure
from services.video.usecases.verdict import check_video

#: The stages that remove objects.
REMOVING = frozenset({"forget"})
#: Those that take minutes.
SLOW = frozenset({"proxy"})
Effect = Callable[[], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoJobs:
    """`handlers` is the visible table."""

    platform: Platform
    catalogue: Catalogue
    reports: Writing
    cards: TitleCards
    files: StoredFiles
    images: DiscImages
    reader: TextReader
    #: How much of a video is its opening.
    opening_s: float
    #: Whether a video may need a disc of two layers.
    dual_layer: bool = False

    def handlers(self) -> Mapping[str, Handler]:
        """Stage → handler."""
        return {
            "verdict": self.verdict,
            "opening": self.opening,
            "look": self.look,
            "proxy": self.proxy,
            "titlecard": self.title_card,
            "disc": self.disc,
            "forget": self.forget,
        }

    @property
    def _database(self) -> Database:
        return self.platform.database

    async def _file(self, job: Job) -> StoredFile | None:
        return await self.files.describe(job.dossier_id, job.organisation_path, job.subject_id)

    async def _end(self, job: Job) -> None:
        """The file is gone: end the job without any effect."""
        async with effect(self._database, job):
            pass

    async def verdict(self, running: Running) -> None:
        """Measure the boxes and the name; keep and announce the report."""
        job = running.job
        file = await self._file(job)
        if file is None:
            return await self._end(job)
        now = self.platform.clock.now()
        report = await check_video(
            self.platform.sandbox,
            ObjectSource(self.platform.storage, file),
            file.file_name,
            VideoLimits.of(self.catalogue, dual_layer=self.dual_layer),
            report_id=self.platform.ids.new(),
            now=now,
            today=china_date(now),
        )
        async with effect(self._database, job) as (connection, outbox):
            version = await self.reports.next_version(connection, job.subject_id)
            kept = replace(report, version=version, file_version=file.version)
            await self.reports.save_report(connection, outbox, _subject(job), kept)
            if _can_be_shown(report):
                following = [_behind(job, "opening", priority=30), _behind(job, "look", priority=40)]
                following += [] if report.playable else [_behind(job, "proxy", priority=60)]
                for stage in following:
                    await enqueue(connection, self.platform.service, self.platform.ids, stage)
        metrics.about_verdict("video", version, self.platform.clock.now() - file.stored_at)
        return None

    async def opening(self, running: Running) -> None:
        """Read what is written in the first seconds; keep the pictures and the lines, and announce them."""
        job = running.job
        file = await self._file(job)
        if file is None:
            return await self._end(job)
        read = await opening.read_video(
            self.platform.sandbox,
            self.reader,
            ObjectSource(self.platform.storage, file),
            seconds=self.opening_s,
            progress=running.at,
        )
        kept = [KeptShot(shot=each.shot, object_key=await self._keep_picture(job, each.jpeg)) for each in read]
        found = VideoOpening(
            opening_id=self.platform.ids.new(),
            version=0,
            seconds=self.opening_s,
            shots=tuple(kept),
            read_at=self.platform.clock.now(),
        )
        made = [each.object_key for each in kept]
        async with self._not_left_behind(job, made), effect(self._database, job) as (connection, outbox):
            version = await self.reports.next_version(connection, job.subject_id)
            await self.reports.save_opening(connection, outbox, _subject(job), replace(found, version=version))
        return None

    async def look(self, running: Running) -> None:
        """Look through the whole video; keep the storyboard, what was measured, and the hints."""
        job = running.job
        file = await self._file(job)
        if file is None:
            return await self._end(job)
        source = ObjectSource(self.platform.storage, file)
        seen = await look.look_through(self.platform.sandbox, source, progress=running.at)
        report = await self.reports.report(job.dossier_id, job.organisation_path, job.subject_id)
        samples = () if seen is None else seen.samples
        kept = VideoLook(
            look_id=self.platform.ids.new(),
            version=0,
            samples=samples,
            findings=judge_look(samples, report.duration_s if report is not None else 0),
            object_key="" if seen is None else await self._keep_picture(job, seen.jpeg),
            cell_px=(0, 0) if seen is None else seen.cell_px,
            looked_at=self.platform.clock.now(),
        )
        made = [kept.object_key]
        async with self._not_left_behind(job, made), effect(self._database, job) as (connection, _):
            version = await self.reports.next_version(connection, job.subject_id)
            await self.reports.save_look(connection, _subject(job), replace(kept, version=version))
        return None

    async def proxy(self, running: Running) -> None:
        """Make a copy for browsers that cannot play the original."""
        job = running.job
        file = await self._file(job)
        if file is None:
            return await self._end(job)
        source = ObjectSource(self.platform.storage, file)
        with tempfile.TemporaryDirectory(prefix="shenbao-proxy-") as folder:
            made = await proxy.make_proxy(
                self.platform.sandbox, source, Path(folder), progress=lambda done: running.at(0.95 * done)
            )
            key = "" if made is None else f"derived/video/dossiers/{job.dossier_id}/{job.subject_id}/proxy.mp4"
            if key:
                await self.platform.storage.put_file(key, str(Path(folder) / proxy.RESULT), if_absent=False)
        kept = VideoProxy(
            proxy_id=self.platform.ids.new(),
            version=0,
            object_key=key,
            size_bytes=made.size_bytes if made else 0,
            width_px=made.width_px if made else 0,
            height_px=made.height_px if made else 0,
            made_at=self.platform.clock.now(),
        )
        async with self._not_left_behind(job, [key]), effect(self.platform.database, job) as (connection, _):
            version = await self.reports.next_version(connection, job.subject_id)
            await self.reports.save_proxy(connection, _subject(job), replace(kept, version=version))
        return None

    async def title_card(self, running: Running) -> None:
        """Put the opening that was asked for in front of the file; what cannot be done is kept as its problem."""
        job = running.job
        file = await self._file(job)
        card = await self.cards.find(job.dossier_id, job.organisation_path, job.subject_id)
        if file is None or card is None or card.card_id != job.argument:
            return await self._end(job)
        key = f"derived/video/dossiers/{job.dossier_id}/{job.subject_id}/titled.mp4"
        with tempfile.TemporaryDirectory(prefix="shenbao-titlecard-") as folder:
            done = await self._titled(file, card, Path(folder), key, running)
        async with self._not_left_behind(job, [key]), effect(self.platform.database, job) as (connection, _):
            await self.cards.save(connection, _owner(job), done)
        return None

    async def _titled(self, file: StoredFile, card: TitleCard, scratch: Path, key: str, running: Running) -> TitleCard:
        """The card with what came of it; the video lies at `key` then."""
        declared = {name: card.declared[name] for name in FieldName if name in card.declared}
        try:
            card_s = await title_card.title_card(
                self.platform.sandbox, declared, ObjectSource(self.platform.storage, file), scratch,
                seconds=card.seconds, progress=lambda done: running.at(0.8 * done),
            )  # fmt: skip
        except AppError as error:
            params = {name: str(value) for name, value in error.params.items()}
            return replace(card, problem=error.code, problem_params=params)
        stored = await self.platform.storage.put_file(key, str(scratch / title_card.RESULT), if_absent=False)
        running.at(0.95)
        probe = await measure(
            self.platform.sandbox, StoredSource(self.platform.storage, key, stored.size_bytes, stored.etag)
        )
        limits = VideoLimits.of(self.catalogue, dual_layer=self.dual_layer)
        return replace(
            card,
            object_key=key,
            etag=stored.etag,
            size_bytes=stored.size_bytes,
            card_s=round(card_s, 3),
            duration_s=seconds(probe.facts.duration_s) if probe.facts else 0,
            findings=judge(probe, limits),
        )

    @asynccontextmanager
    async def _not_left_behind(self, job: Job, keys: Sequence[str]) -> AsyncIterator[None]:
        """When the file was deleted while the job worked, what it made goes too: nothing else knows of it. Where
        another worker has the job, the same things are under the same keys, and stay.
        """
        try:
            yield
        except LeaseLost:
            if await self._file(job) is None:
                for key in filter(None, keys):
                    await self.platform.storage.delete(key)
            raise

    async def _keep_picture(self, job: Job, jpeg: bytes) -> str:
        """Its key, which ends in its hash: the same picture again is there already."""
        digest = hashlib.sha256(jpeg).hexdigest()
        key = f"derived/video/dossiers/{job.dossier_id}/{job.subject_id}/{digest}.jpg"
        await self.platform.storage.put(key, jpeg, if_absent=False)
        return key

    async def disc(self, running: Running) -> None:
        """Make the image of the verified file inside the store, prove it, announce it."""
        job = running.job
        file = await self._file(job)
        if file is None:
            return await self._end(job)
        if not file.sha256:
            raise AppError("disc.not-verified", Kind.PRECONDITION, retryable=True)
        before = await self.reports.disc(job.dossier_id, job.organisation_path, job.subject_id)
        label = volume_label(self.catalogue.cycle.year)
        built = await self.images.build(
            file,
            file_name=parse_name(file.file_name).suggested or file.file_name,
            label=label,
            at=file.stored_at,
            folder=f"derived/video/dossiers/{job.dossier_id}/{job.subject_id}",
            progress=running.at,
        )
        disc = Disc(
            disc_id=self.platform.ids.new(),
            version=0,
            object_key=built.object_key,
            size_bytes=built.size_bytes,
            sha256=built.sha256,
            file_name=built.file_name,
            file_sha256=file.sha256,
            label=label,
            built_at=self.platform.clock.now(),
        )
        made = [disc.object_key]
        async with self._not_left_behind(job, made), effect(self._database, job) as (connection, outbox):
            version = await self.reports.next_version(connection, job.subject_id)
            await self.reports.save_disc(connection, outbox, _subject(job), replace(disc, version=version))
        if before is not None and before.object_key != disc.object_key:  # of the old name
            await self.platform.storage.delete(before.object_key)
        return None

    async def forget(self, running: Running) -> None:
        """A deleted file takes its report, its pictures and its disc image with it."""
        job = running.job
        where = (job.dossier_id, job.organisation_path, job.subject_id)
        disc, read = await self.reports.disc(*where), await self.reports.opening(*where)
        seen, copied = await self.reports.look(*where), await self.reports.proxy(*where)
        card = await self.cards.find(*where)
        keys = [
            poster.key_of(job.dossier_id, job.subject_id),
            *(each.object_key for each in (read.shots if read else ())),
        ]
        keys += [each.object_key for each in (disc, seen, copied, card) if each is not None and each.object_key]
        for key in keys:
            await self.platform.storage.delete(key)
        async with effect(self._database, job) as (connection, _):
            await self.reports.forget(connection, job.subject_id)
            await self.cards.forget(connection, job.subject_id)


def _can_be_shown(report: VideoReport) -> bool:
    """Whether our own reader found sound pictures in it."""
    return report.width > 0 and not any(finding.code in BROKEN for finding in report.findings)


def _behind(job: Job, stage: str, *, priority: int) -> NewJob:
    """After the verdict. The name plays no part in it: a file that was renamed is not looked at again."""
    return NewJob(
        stage=stage,
        dedup_key=f"{stage}:{job.subject_id}",
        organisation_path=job.organisation_path,
        dossier_id=job.dossier_id,
        subject_id=job.subject_id,
        argument=job.argument,
        priority=priority,
    )


def _owner(job: Job) -> Subject:
    """Without its place in the dossier."""
    return Subject(file_id=job.subject_id, dossier_id=job.dossier_id, organisation_path=job.organisation_path)


def _subject(job: Job) -> Subject:
    material_id, item_id, component_id = job.argument.split("/")
    return replace(_owner(job), material_id=material_id, item_id=item_id, component_id=component_id)
