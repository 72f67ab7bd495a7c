"""Stages of the size coach: `advise` (a file), `advise-item` (a material), `shrink`. They take seconds per page."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from services.catalogue.model import Catalogue
from services.kernel.errors import AppError, Kind
from services.kernel.jobs.effect import effect
from services.kernel.jobs.queue import Job, LeaseLost
from services.kernel.jobs.worker import Handler, Running
from services.kernel.platform import Platform
from services.kernel.sandbox.port import Progress
from services.kernel.storage.port import ObjectMissing
from services.kernel.stored_files import Adopting, MadeFile, ObjectSource, StoredFile, StoredFiles, StoredSource
from services.pdfcheck.domain.coaching import ITEM_TARGET_BYTES, Advice, Derivation, Method, PageAdvice, Refusal
from services.pdfcheck.ports import Coaching, Subject, Writing
from services.pdfcheck.usecases import coaching, pictures
from services.pdfcheck.usecases.coaching import Keep, Weighed
from services.pdfcheck.usecases.measure import measure

#: All three take their time.
SLOW = frozenset({"advise", "advise-item", "shrink"})
#: Everything below 1 is measured; the last bit is keeping it.
_MEASURED = 0.97


@dataclass(frozen=True, kw_only=True, slots=True)
class CoachingJobs:
    """`handlers` is the visible table."""

    platform: Platform
    catalogue: Catalogue
    reports: Writing
    coaching: Coaching
    files: StoredFiles
    adopting: Adopting

    def handlers(self) -> Mapping[str, Handler]:
        """Stage → handler."""
        return {"advise": self.advise, "advise-item": self.advise_item, "shrink": self.shrink}

    async def _end(self, job: Job) -> None:
        async with effect(self.platform.database, job):
            pass

    async def _file(self, job: Job, file_id: str) -> StoredFile | None:
        return await self.files.describe(job.dossier_id, job.organisation_path, file_id)

    def _page_limit(self, item_id: str) -> int:
        return self.catalogue.page_bytes(self.catalogue.item(item_id)) or 0

    async def advise(self, running: Running) -> None:
        """Why the pages of a file are too large, and what they would be otherwise."""
        job = running.job
        subject = _subject(job)
        file = await self._file(job, job.subject_id)
        report = await self.reports.report(job.dossier_id, job.organisation_path, job.subject_id)
        limit = self._page_limit(subject.item_id)
        if file is None or report is None:
            return await self._end(job)
        large = [
            Weighed(file_id=file.file_id, page=number, size_bytes=size)
            for number, size in enumerate(report.page_bytes, start=1)
            if size > limit
        ]
        advice = Advice(advice_id=self.platform.ids.new(), refusal=Refusal.SIGNED if report.signed else None)
        async with self._not_left_behind(job, [file.file_id]):
            if not report.signed:
                advice = await self._on_pages(running, advice, large, {file.file_id: file}, limit, most=False)
            await self._save(job, subject, advice)
        return None

    async def advise_item(self, running: Running) -> None:
        """Which pages of a material are best made smaller, and by how much, until the whole is within its limit."""
        job = running.job
        where = (job.dossier_id, job.organisation_path)
        recipe = await self.reports.recipe(*where, job.subject_id)
        merged = await self.reports.merged(*where, job.subject_id)
        if recipe is None or merged is None or not merged.recipe_sha256 == recipe.recipe_sha256 == job.argument:
            return await self._end(job)
        limit = self.catalogue.item_bytes(self.catalogue.item(recipe.item_id))
        if limit is None or merged.size_bytes <= limit:
            return await self._end(job)
        files = {part.file_id: await self._file(job, part.file_id) for part in recipe.parts}
        there = {file_id: file for file_id, file in files.items() if file is not None}
        weighed = [page for file_id in there for page in await self._weighed(job, file_id)]
        advice = Advice(
            advice_id=self.platform.ids.new(),
            recipe_sha256=recipe.recipe_sha256,
            excess_bytes=merged.size_bytes - min(ITEM_TARGET_BYTES, limit),
            over_bytes=merged.size_bytes - limit,
        )
        subject = Subject(
            file_id="", dossier_id=job.dossier_id, organisation_path=job.organisation_path, material_id=job.subject_id
        )
        page_limit = self._page_limit(recipe.item_id)
        async with self._not_left_behind(job, list(there)):
            largest_first = sorted(weighed, key=lambda page: -page.size_bytes)
            advice = await self._on_pages(running, advice, largest_first, there, page_limit, most=True)
            await self._save(job, subject, advice)
        return None

    async def _weighed(self, job: Job, file_id: str) -> Sequence[Weighed]:
        """Pages of a part that are worth a try; a signed one is never touched."""
        report = await self.reports.report(job.dossier_id, job.organisation_path, file_id)
        if report is None or report.signed:
            return []
        return [
            Weighed(file_id=file_id, page=number, size_bytes=size)
            for number, size in enumerate(report.page_bytes, start=1)
            if size >= coaching.LEAST_PAGE_BYTES
        ]

    async def _on_pages(
        self, running: Running, advice: Advice, weighed: Sequence[Weighed], files: Mapping[str, StoredFile],
        limit: int, *, most: bool,
    ) -> Advice:  # fmt: skip
        """One after the other; of a material as many as are needed."""
        job = running.job
        for number, about in enumerate(weighed):
            file = files[about.file_id]
            page, tools = await coaching.advise_page(
                self.platform.sandbox, ObjectSource(self.platform.storage, file), about, limit,
                self._keeping(job, about, advice.advice_id), most=most, progress=_part(running, number, len(weighed)),
            )  # fmt: skip
            advice = replace(advice, pages=(*advice.pages, page), tools={**advice.tools, **tools})
            if most and advice.saved_bytes(Method.VISUAL) >= advice.excess_bytes:
                break
        return advice

    def _keeping(self, job: Job, about: Weighed, advice_id: str) -> Keep:
        folder = f"{pictures.folder_of_file(job.dossier_id, about.file_id)}advice/{advice_id}/{about.page}-"

        async def keep(name: str, path: Path) -> str:
            await self.platform.storage.put_file(f"{folder}{name}", str(path), if_absent=False)
            return f"{folder}{name}"

        return keep

    async def _save(self, job: Job, subject: Subject, advice: Advice) -> None:
        """Instead of the one before, whose pictures go, unless something was made after it."""
        where = (job.dossier_id, job.organisation_path)
        before = await self.coaching.advice(*where, job.subject_id)
        async with effect(self.platform.database, job) as (connection, _):
            await self.coaching.save_advice(connection, subject, advice)
        if before is not None and not await self.coaching.derivations_of(*where, before.advice_id):
            for key in _keys(before.pages):
                await self.platform.storage.delete(key)

    @asynccontextmanager
    async def _not_left_behind(self, job: Job, file_ids: Sequence[str]) -> AsyncIterator[None]:
        """When a file was deleted while the job worked, what was made of it goes too: nothing else knows of it."""
        try:
            yield
        except LeaseLost:
            for file_id in file_ids:
                if await self._file(job, file_id) is None:
                    folder = pictures.folder_of_file(job.dossier_id, file_id)
                    await pictures.forget(self.platform.storage, folder)
            raise

    async def shrink(self, running: Running) -> None:
        """Put the smaller pages in, judge the result as every file is judged, and let it take the original's place."""
        job = running.job
        where = (job.dossier_id, job.organisation_path)
        derivation = await self.coaching.derivation(*where, job.argument)
        file = await self.files.describe(*where, job.subject_id, replaced_too=True)  # by an attempt of this very job
        report = await self.reports.report(*where, job.subject_id)
        recorded = derivation is not None and derivation.adopted_at is None
        if derivation is None or not recorded or file is None or report is None:
            return await self._end(job)
        owner = Subject(file_id=file.file_id, dossier_id=job.dossier_id, organisation_path=job.organisation_path)
        try:
            done, key = await self._made(running, derivation, file, report.page_bytes)
        except AppError as error:
            if error.retryable:
                raise
            done, key = replace(derivation, problem=error.code), ""
        async with effect(self.platform.database, job) as (connection, _):
            await self.coaching.save_derivation(connection, owner, done)
        if key:  # the file is a copy of it
            await self.platform.storage.delete(key)
        return None

    async def _made(
        self, running: Running, derivation: Derivation, file: StoredFile, before: Sequence[int]
    ) -> tuple[Derivation, str]:
        """(what came about, the object it was made as). Raises `AppError`."""
        job, store = running.job, self.platform.storage
        if not file.sha256:
            raise AppError("coach.not-verified", Kind.PRECONDITION, retryable=True)
        offered = await self._offered(derivation)
        with tempfile.TemporaryDirectory(prefix="shenbao-shrink-") as folder:
            extension = await coaching.assemble(
                self.platform.sandbox, ObjectSource(store, file), offered, derivation, Path(folder),
                progress=lambda done: running.at(0.7 * done),
            )  # fmt: skip
            path = Path(folder) / coaching.RESULT
            sha256 = await asyncio.to_thread(_sha256, path)
            key = f"{pictures.folder_of_file(job.dossier_id, file.file_id)}shrunk/{derivation.file_id}.{extension}"
            stored = await store.put_file(key, str(path), if_absent=False)
        running.at(0.8)
        source = StoredSource(store, key, stored.size_bytes, stored.etag)
        limit = self._page_limit(file.item_id)
        facts = await measure(self.platform.sandbox, source, limit)
        coaching.check_result(facts, before, derivation, limit)
        running.at(0.9)
        await self.adopting.adopt(
            job.dossier_id,
            job.organisation_path,
            MadeFile(
                file_id=derivation.file_id, material_id=file.material_id, item_id=file.item_id,
                component_id=file.component_id, file_name=_named(file.file_name, extension), key=key,
                etag=stored.etag, size_bytes=stored.size_bytes, replaces=file.file_id,
            ),
        )  # fmt: skip
        done = replace(
            derivation,
            from_sha256=file.sha256,
            from_size_bytes=file.size_bytes,
            sha256=sha256,
            size_bytes=stored.size_bytes,
            adopted_at=self.platform.clock.now(),
        )
        return done, key

    async def _offered(self, derivation: Derivation) -> Sequence[StoredSource]:
        """The pages to take over. Raises `AppError` coach.changed when they are not there any more."""
        store = self.platform.storage
        try:
            heads = [await store.head(coaching.offered_key(page, derivation.method)) for page in derivation.pages]
        except ObjectMissing as error:
            raise coaching.changed() from error
        return [StoredSource(store, each.key, each.size_bytes, each.etag) for each in heads]


def _subject(job: Job) -> Subject:
    material_id, item_id, component_id = job.argument.split("/")
    return Subject(
        file_id=job.subject_id, dossier_id=job.dossier_id, organisation_path=job.organisation_path,
        material_id=material_id, item_id=item_id, component_id=component_id,
    )  # fmt: skip


def _part(running: Running, number: int, count: int) -> Progress:
    """How far one of several pages is, as part of all."""
    return lambda done: running.at(_MEASURED * (number + done) / count)


def _keys(pages: Sequence[PageAdvice]) -> Sequence[str]:
    shown = [mapping for page in pages for mapping in (page.keys, *(offer.keys for offer in page.offers))]
    return [key for mapping in shown for key in mapping.values()]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _named(file_name: str, extension: str) -> str:
    """Its own name; of a picture that became one of another kind, with that kind's extension."""
    own = PurePath(file_name)
    is_jpeg = extension == "jpg" and own.suffix.lower() in (".jpg", ".jpeg", ".jpe", ".jfif")
    return file_name if is_jpeg or own.suffix.lower() == f".{extension}" else f"{own.stem}.{extension}"
