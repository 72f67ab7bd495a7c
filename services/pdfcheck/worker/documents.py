"""Stages of the pdfcheck service: `check`, `pixels`, `merge`, `previews`, `discard`, `remove`, `forget`."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from services.catalogue.findings import verdict_of
from services.catalogue.model import Catalogue, Item
from services.kernel import metrics
from services.kernel.errors import AppError, Kind
from services.kernel.jobs.effect import effect
from services.kernel.jobs.queue import Job, NewJob, enqueue
from services.kernel.jobs.worker import Handler, Running
from services.kernel.platform import Platform
from services.kernel.stored_files import ObjectSource, StoredFile, StoredFiles
from services.pdfcheck.domain.findings import DocumentLimits, findings_of
from services.pdfcheck.domain.lengths import has_limited_text
from services.pdfcheck.domain.merging import RESULT, Part
from services.pdfcheck.ports import Coaching, DocumentReport, MergedFile, Recipe, Subject, Writing
from services.pdfcheck.usecases import pictures
from services.pdfcheck.usecases.coaching import advice_job
from services.pdfcheck.usecases.expectation import expected_type
from services.pdfcheck.usecases.lengths import count_characters
from services.pdfcheck.usecases.measure import measure
from services.pdfcheck.usecases.merge import MergeInput, MergeOutcome, merge_parts
from services.pdfcheck.usecases.pixels import check_pixels
from services.pdfcheck.usecases.previews import preview
from services.pdfcheck.usecases.shown import Shown
from services.pdfcheck.usecases.text import Texts

#: What keeps the pages of a file from being looked at: it would fail in the same way again.
NOT_LOOKED_AT = frozenset({"pdf.too-complex", "image.damaged"})
#: The stages that remove objects.
REMOVING = frozenset({"forget", "discard", "remove"})
#: Those that take long.
SLOW = frozenset({"previews"})
#: What the pictures of a stage `previews` are of, as its argument begins.
_FILE, _MERGED = "file", "merged"


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentJobs:
    """`handlers` is the visible table."""

    platform: Platform
    catalogue: Catalogue
    reports: Writing
    coaching: Coaching
    files: StoredFiles
    shown: Shown
    pictures: pictures.Pictures
    texts: Texts

    def handlers(self) -> Mapping[str, Handler]:
        """Stage → handler."""
        return {
            "check": self.check,
            "pixels": self.pixels,
            "merge": self.merge,
            "previews": self.previews,
            "discard": self.discard,
            "remove": self.remove,
            "forget": self.forget,
        }

    def _limits(self, item: Item) -> DocumentLimits:
        page_bytes = self.catalogue.page_bytes(item)
        if page_bytes is None:
            raise AppError("catalogue.no-page-limit", Kind.INTERNAL, item=item.id)
        return DocumentLimits(page_bytes=page_bytes, item_bytes=self.catalogue.item_bytes(item))

    async def _end(self, job: Job) -> None:
        """What it was about is gone: end the job without any effect."""
        async with effect(self.platform.database, job):
            pass

    async def check(self, running: Running) -> None:
        """Measure and judge one file; the item's total is judged on the merged result, not on a part (G-08)."""
        job = running.job
        file = await self.files.describe(job.dossier_id, job.organisation_path, job.subject_id)
        if file is None:
            return await self._end(job)
        subject = subject_of(job)
        limits = replace(self._limits(self.catalogue.item(subject.item_id)), item_bytes=None)
        source = ObjectSource(self.platform.storage, file)
        facts = await measure(self.platform.sandbox, source, limits.page_bytes)
        findings = findings_of(facts, limits, expected=expected_type(file.file_name))
        report = DocumentReport(
            report_id=self.platform.ids.new(),
            version=0,
            verdict=verdict_of(findings),
            findings=findings,
            checked_at=self.platform.clock.now(),
            size_bytes=facts.size_bytes,
            page_bytes=facts.page_bytes,
            encrypted=facts.encrypted,
            signed=facts.signed,
            images_only=facts.images_only,
            signatures=facts.signatures,
            pending=facts.usable,
        )
        # an original that was taken back: its bytes are those that the advice is about
        advised = await self.coaching.advice(job.dossier_id, job.organisation_path, job.subject_id)
        async with effect(self.platform.database, job) as (connection, outbox):
            version = await self.reports.next_version(connection, job.subject_id)
            await self.reports.save_report(connection, outbox, subject, replace(report, version=version))
            if report.pending:
                await enqueue(connection, "pdfcheck", self.platform.ids, _second_look(job, version))
                await enqueue(connection, "pdfcheck", self.platform.ids, _previews(job, _FILE, ""))
            if advised is None and any(finding.code == "pdf.page-too-large" for finding in findings):
                advice = advice_job(subject, "advise", job.argument, report.report_id)
                await enqueue(connection, "pdfcheck", self.platform.ids, advice)
        metrics.about_verdict("document", version, self.platform.clock.now() - file.stored_at)
        return None

    async def pixels(self, running: Running) -> None:
        """Decode every picture of a file whose structure is sound (G-03): the second half of its report."""
        job = running.job
        file = await self.files.describe(job.dossier_id, job.organisation_path, job.subject_id)
        report = await self.reports.report(job.dossier_id, job.organisation_path, job.subject_id)
        if file is None or report is None or not report.pending:
            return await self._end(job)
        source = ObjectSource(self.platform.storage, file)
        found = await check_pixels(self.platform.sandbox, source, progress=running.at)
        findings = (*report.findings, *found.findings)
        counted: tuple[int, ...] = ()
        if has_limited_text(self.catalogue.item(subject_of(job).item_id)):
            counted = await count_characters(self.platform.sandbox, source, len(report.page_bytes))
        whole = replace(
            report,
            report_id=self.platform.ids.new(),
            verdict=verdict_of(findings),
            findings=findings,
            checked_at=self.platform.clock.now(),
            pictures=found.pictures,
            unknown_pictures=found.unknown,
            page_characters=counted,
            pending=False,
        )
        async with effect(self.platform.database, job) as (connection, outbox):
            version = await self.reports.next_version(connection, job.subject_id)
            await self.reports.save_report(connection, outbox, subject_of(job), replace(whole, version=version))
            if not any(finding.code in NOT_LOOKED_AT for finding in findings):
                await enqueue(connection, "pdfcheck", self.platform.ids, _look(job, version))
        return None

    async def merge(self, running: Running) -> None:
        """Make the one PDF of a material (G-05), provided its recipe is still the one that was asked for."""
        job = running.job
        recipe = await self.reports.recipe(job.dossier_id, job.organisation_path, job.subject_id)
        if recipe is None or recipe.recipe_sha256 != job.argument:
            return await self._end(job)
        found = [await self.files.describe(job.dossier_id, job.organisation_path, p.file_id) for p in recipe.parts]
        files = [file for file in found if file is not None]
        if len(files) < len(found):
            return await self._end(job)
        item = self.catalogue.item(recipe.item_id)
        sources = {file.file_id: ObjectSource(self.platform.storage, file) for file in files}
        passed = {file.file_id: await self._passed(job, file) for file in files}
        inputs = [
            MergeInput(
                part=Part(
                    title=Path(file.file_name).stem, component=item.component(part.component_id).zh, pages=part.pages
                ),
                source=sources[file.file_id],
                checked=passed[file.file_id],
            )
            for file, part in zip(files, recipe.parts, strict=True)
        ]
        with tempfile.TemporaryDirectory(prefix="shenbao-merge-") as folder:
            scratch = Path(folder)
            outcome = await merge_parts(
                self.platform.sandbox, inputs, self._limits(item), scratch, lambda x: running.at(0.9 * x)
            )
            merged = await self._keep(job, recipe, files, outcome, scratch / RESULT)
        async with effect(self.platform.database, job) as (connection, outbox):
            gone = await self.reports.save_merged(connection, outbox, recipe, merged)
            if merged.object_key and gone != merged.object_key:
                await enqueue(connection, "pdfcheck", self.platform.ids, _previews(job, _MERGED, merged.merged_id))
            if gone:
                await enqueue(connection, "pdfcheck", self.platform.ids, _removal(job, merged.merged_id, gone))
            if any(finding.code == "pdf.item-too-large" for finding in merged.findings):
                advice = advice_job(_material(job), "advise-item", recipe.recipe_sha256, merged.merged_id)
                await enqueue(connection, "pdfcheck", self.platform.ids, advice)
        return None

    async def previews(self, running: Running) -> None:
        """Pictures of all pages, and the text, of a file or of a merged PDF. A document that went needs none."""
        job = running.job
        where = (job.dossier_id, job.organisation_path, job.subject_id)
        is_merged = job.argument.startswith(_MERGED)
        try:
            pictured = await (self.shown.merged(*where) if is_merged else self.shown.file(*where))
        except AppError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise
            return await self._end(job)
        await preview(self.pictures, self.texts, pictured, running.at)
        return await self._end(job)

    async def _passed(self, job: Job, file: StoredFile) -> bool:
        """Whether the last report on a file says that it is whole and may be taken; a file's bytes never change."""
        report = await self.reports.report(job.dossier_id, job.organisation_path, file.file_id)
        return report is not None and report.verdict == "pass" and not report.pending

    async def _keep(
        self, job: Job, recipe: Recipe, files: Sequence[StoredFile], outcome: MergeOutcome, path: Path
    ) -> MergedFile:
        """Store the result write-once under its own hash; a merge that failed is kept as its findings."""
        findings = tuple(blame.finding for blame in outcome.findings if blame.finding.blocks)
        merged = outcome.merged
        key = ""
        if merged is not None:
            key = f"derived/pdfcheck/dossiers/{job.dossier_id}/{job.subject_id}/{merged.sha256}.pdf"
            await self.platform.storage.put_file(key, str(path), if_absent=False)
        return MergedFile(
            merged_id=self.platform.ids.new(),
            version=0,
            recipe_sha256=recipe.recipe_sha256,
            object_key=key,
            sha256=merged.sha256 if merged else "",
            size_bytes=merged.size_bytes if merged else 0,
            pages=len(merged.facts.pages) if merged else 0,
            verdict="pass" if outcome.accepted else "fail",
            merged_at=self.platform.clock.now(),
            findings=findings,
            bookmarks=tuple((b.title, b.page, b.depth) for b in merged.bookmarks) if merged else (),
            page_map=tuple((files[o.part].file_id, o.page) for o in merged.page_map) if merged else (),
        )

    async def _delete(self, merged_key: str) -> None:
        """A merged PDF and the pictures of its pages."""
        await self.platform.storage.delete(merged_key)
        await pictures.forget(self.platform.storage, pictures.folder_of_merged(merged_key))

    async def remove(self, running: Running) -> None:
        """A merged PDF that another one has replaced, unless it was made once more since."""
        job = running.job
        material_id = PurePosixPath(job.argument).parent.name
        merged = await self.reports.merged(job.dossier_id, job.organisation_path, material_id)
        if merged is None or merged.object_key != job.argument:
            await self._delete(job.argument)
        await self._end(job)

    async def forget(self, running: Running) -> None:
        """A deleted file takes the pictures of its pages with it, and the advice on them."""
        job = running.job
        await pictures.forget(self.platform.storage, pictures.folder_of_file(job.dossier_id, job.subject_id))
        async with effect(self.platform.database, job) as (connection, _):
            await self.coaching.forget_advice(connection, job.subject_id)

    async def discard(self, running: Running) -> None:
        """A material that changed: its merged PDF of another recipe goes."""
        job = running.job
        merged = await self.reports.merged(job.dossier_id, job.organisation_path, job.subject_id)
        recipe = await self.reports.recipe(job.dossier_id, job.organisation_path, job.subject_id)
        advice = await self.coaching.advice(job.dossier_id, job.organisation_path, job.subject_id)
        present = recipe.recipe_sha256 if recipe is not None else ""
        if merged is not None and merged.recipe_sha256 != present and merged.object_key:
            await self._delete(merged.object_key)
        async with effect(self.platform.database, job) as (connection, _):
            await self.reports.forget_merged(connection, job.subject_id, present)
            if advice is not None and advice.recipe_sha256 != present:
                await self.coaching.forget_advice(connection, job.subject_id)


def subject_of(job: Job) -> Subject:
    """Which file a job about a file is about."""
    material_id, item_id, component_id = job.argument.split("/")
    return Subject(
        file_id=job.subject_id,
        dossier_id=job.dossier_id,
        organisation_path=job.organisation_path,
        material_id=material_id,
        item_id=item_id,
        component_id=component_id,
    )


def _look(job: Job, version: int) -> NewJob:
    """For a person's eye (`worker.quality`)."""
    return NewJob(
        stage="quality",
        dedup_key=f"quality:{job.subject_id}:{version}",
        organisation_path=job.organisation_path,
        dossier_id=job.dossier_id,
        subject_id=job.subject_id,
        argument=job.argument,
        priority=50,
    )


def _material(job: Job) -> Subject:
    return Subject(
        file_id="", dossier_id=job.dossier_id, organisation_path=job.organisation_path, material_id=job.subject_id
    )


def _second_look(job: Job, version: int) -> NewJob:
    return NewJob(
        stage="pixels",
        dedup_key=f"pixels:{job.subject_id}:{version}",
        organisation_path=job.organisation_path,
        dossier_id=job.dossier_id,
        subject_id=job.subject_id,
        argument=job.argument,
        priority=15,
    )


def _previews(job: Job, kind: str, merged_id: str) -> NewJob:
    """About the file or the material: what happens to that ends it."""
    return NewJob(
        stage="previews",
        dedup_key=f"previews:{job.subject_id}:{merged_id}",
        organisation_path=job.organisation_path,
        dossier_id=job.dossier_id,
        subject_id=job.subject_id,
        argument=f"{kind}/{merged_id}",
        priority=60,
    )


def _removal(job: Job, merged_id: str, key: str) -> NewJob:
    """About the new merged PDF, not the material: what happens to that next must not cancel it."""
    return NewJob(
        stage="remove",
        dedup_key=f"remove:{merged_id}",
        organisation_path=job.organisation_path,
        dossier_id=job.dossier_id,
        subject_id=merged_id,
        argument=key,
        priority=90,
    )
