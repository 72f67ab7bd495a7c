"""Facts of different services come in any order; what the dossier says in the end does not depend on it."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from services.catalogue.findings import Finding
from services.kernel.db.engine import Database
from services.kernel.db.engine import Scope as DatabaseScope
from services.kernel.errors import AppError
from services.kernel.jobs.tables import jobs
from services.review.domain.records import Dossier, File, FileState, Merged, ReadOpening, Report, Role
from services.review.ports import FetchedReport, Scope, Unit
from services.review.usecases import hearing
from services.review.usecases.context import Context
from services.review.usecases.dossiers import create_dossier
from tests.integration.review.conftest import office
from tests.unit.catalogue.opening.writing import rows
from tests.unit.review.builders import profile

_NUMBERS = itertools.count(1)
BLANK = Finding(code="pdf.blank-page", rule_id="G-03")


async def opened(context: Context) -> Dossier:
    """A new draft of a surgeon."""
    number = f"{next(_NUMBERS):04d}"
    await office(context, f"h{number}", Role.APPLICANT, "h1")
    return (await create_dossier(context, f"h{number}", f"h{number}", profile())).dossier


def material_of(dossier: Dossier, item_id: str) -> str:
    return next(m.material_id for m in dossier.materials if m.item_id == item_id)


def stored(file_id: str) -> File:
    return File(
        file_id=file_id, component_id="", position=0, file_name="", size_bytes=10, media_type="", sha256="",
        state=FileState.STORED,
    )  # fmt: skip


def report(version: int, file_version: int = 0) -> Report:
    return Report(report_id=f"r{version}", version=version, verdict="pass", fetched=False, file_version=file_version)


class Heard:
    """One dossier and what it hears, each in a transaction of its own."""

    def __init__(self, context: Context, dossier: Dossier, item_id: str) -> None:
        self._context = context
        self._scope = Scope(organisation_path=dossier.organisation_path)
        self._dossier_id = dossier.dossier_id
        self._material_id = material_of(dossier, item_id)

    async def stored(self, file_id: str, replaces: str = "", version: int = 1) -> None:
        where = (self._dossier_id, self._material_id)
        async with self._context.work.begin(self._scope) as unit:
            await hearing.file_stored(self._context, unit, *where, stored(file_id), replaces, version)

    async def submitted_and_returned(self) -> None:
        """What it holds was seen by reviewers."""
        async with self._context.work.begin(self._scope) as unit:
            dossier = replace(await self._found(unit), submission=1)
            await unit.save_dossier(dossier, "missing")
            await unit.mark_submitted(dossier)

    async def replaced(self) -> list[str]:
        """What reviewers saw and is not part of it any more."""
        async with self._context.work.begin(self._scope) as unit:
            material = (await self._found(unit)).material(self._material_id)
        return [] if material is None else [file.file_id for file in material.replaced]

    async def checked(self, file_id: str, known: Report, stage: str = "fetch-video-report") -> None:
        async with self._context.work.begin(self._scope) as unit:
            await hearing.checked(self._context, unit, self._dossier_id, file_id, known, stage)

    async def renamed(self, file_id: str, version: int) -> None:
        async with self._context.work.begin(self._scope) as unit:
            await hearing.file_renamed(self._context, unit, self._dossier_id, file_id, version)

    async def deleted(self, file_id: str) -> None:
        async with self._context.work.begin(self._scope) as unit:
            await hearing.file_deleted(self._context, unit, self._dossier_id, file_id)

    async def opening_read(self, file_id: str, version: int) -> None:
        async with self._context.work.begin(self._scope) as unit:
            await hearing.opening_read(unit, self._dossier_id, file_id, version)

    async def opening_fetched(self, file_id: str, version: int, *texts: str) -> None:
        got = ReadOpening(version=version, shots=(rows(*texts),))
        async with self._context.work.begin(self._scope) as unit:
            await hearing.opening_fetched(self._context, unit, self._dossier_id, file_id, got)

    async def fetches(self, database: Database) -> list[str]:
        async with database.transaction() as connection:
            query = sa.select(jobs.c.stage).where(jobs.c.dossier_id == self._dossier_id).order_by(jobs.c.job_id)
            return list((await connection.execute(query)).scalars())

    async def fetched(self, file_id: str, version: int, file_version: int, *findings: Finding) -> None:
        got = FetchedReport(
            report_id=f"r{version}", version=version, verdict="pass", findings=findings, file_version=file_version
        )
        async with self._context.work.begin(self._scope) as unit:
            await hearing.report_fetched(self._context, unit, self._dossier_id, file_id, got)

    async def file(self, file_id: str) -> File | None:
        async with self._context.work.begin(self._scope) as unit:
            found = hearing.find_file(await self._found(unit), file_id)
        return None if found is None else found[1]

    async def _found(self, unit: Unit) -> Dossier:
        dossier = await unit.dossier(self._dossier_id)
        assert dossier is not None
        return dossier

    async def waits(self, file_id: str) -> bool:
        """Whether a report on it is kept; it is not afterwards."""
        async with self._context.work.begin(self._scope) as unit:
            return await unit.take_early_report(file_id) is not None


@pytest.fixture
async def video(context: Context) -> Heard:
    return Heard(context, await opened(context), "surgery_video")


async def test_a_report_may_come_before_its_file(video: Heard) -> None:
    await video.checked("early", report(1))
    await video.stored("early")
    file = await video.file("early")
    assert file is not None
    assert file.report == report(1)
    assert not await video.waits("early")


async def test_of_two_early_reports_the_newer_one_counts(video: Heard) -> None:
    await video.checked("early", report(1))
    await video.checked("early", report(2))
    await video.stored("early")
    file = await video.file("early")
    assert file is not None
    assert file.report == report(2)


async def test_an_early_report_does_not_wait_for_a_file_that_is_deleted(video: Heard) -> None:
    await video.checked("early", report(1))
    await video.deleted("early")
    assert not await video.waits("early")


async def test_a_report_whose_file_never_comes_is_pruned_in_time(context: Context, video: Heard) -> None:
    await video.checked("never", report(1))
    await context.work.prune_early_reports(context.clock.now() - timedelta(days=1))
    await video.checked("other", report(1))
    assert await video.waits("other")
    await context.work.prune_early_reports(context.clock.now() + timedelta(seconds=1))
    assert not await video.waits("never")


async def test_the_report_on_the_new_name_may_come_before_the_new_name(video: Heard) -> None:
    await video.stored("f1-new")
    await video.checked("f1-new", report(1, file_version=1))
    await video.checked("f1-new", report(2, file_version=3))
    await video.renamed("f1-new", 3)
    file = await video.file("f1-new")
    assert file is not None
    assert file.report == report(2, file_version=3)


async def test_the_report_on_the_old_name_counts_no_more_once_the_new_one_is_known(video: Heard) -> None:
    await video.stored("f1-old")
    await video.checked("f1-old", report(1, file_version=1))
    await video.renamed("f1-old", 3)
    for late in (
        video.checked("f1-old", report(1, file_version=2)),
        video.fetched("f1-old", 1, file_version=2),
    ):
        await late
        file = await video.file("f1-old")
        assert file is not None
        assert file.report is None
    await video.checked("f1-old", report(2, file_version=3))
    await video.fetched("f1-old", 2, file_version=3)
    file = await video.file("f1-old")
    assert file is not None
    assert file.report is not None
    assert (file.report.version, file.report.fetched) == (2, True)


async def test_findings_stand_until_those_of_the_next_report_are_here(context: Context) -> None:
    document = Heard(context, await opened(context), "education")
    await document.stored("doc-kept")
    await document.checked("doc-kept", report(1), "fetch-document-report")
    await document.fetched("doc-kept", 1, 0, BLANK)
    await document.checked("doc-kept", replace(report(2), verdict="fail", pages=7), "fetch-document-report")
    kept = await document.file("doc-kept")
    assert kept is not None
    assert kept.report is not None
    assert (kept.report.findings, kept.report.pending) == ((BLANK,), True)
    assert (kept.report.version, kept.report.verdict, kept.report.pages) == (2, "fail", 7)
    with pytest.raises(AppError, match=r"review\.report-behind"):  # a replica that lags behind
        await document.fetched("doc-kept", 1, 0, BLANK)
    await document.fetched("doc-kept", 2, 0)
    new = await document.file("doc-kept")
    assert new is not None
    assert new.report is not None
    assert (new.report.findings, new.report.pending) == ((), False)


async def test_findings_of_another_version_of_the_file_do_not_stand(video: Heard) -> None:
    await video.stored("v-renamed")
    await video.checked("v-renamed", report(1, file_version=1))
    await video.fetched("v-renamed", 1, 1, BLANK)
    await video.checked("v-renamed", report(2, file_version=2))
    file = await video.file("v-renamed")
    assert file is not None
    assert file.report == report(2, file_version=2)


async def test_a_document_keeps_its_report_under_another_name(context: Context) -> None:
    document = Heard(context, await opened(context), "education")
    await document.stored("doc")
    await document.checked("doc", report(1), "fetch-document-report")
    await document.renamed("doc", 3)
    await document.checked("doc", report(2), "fetch-document-report")
    file = await document.file("doc")
    assert file is not None
    assert file.report == report(2)


async def test_what_is_read_from_an_opening_is_kept_with_its_file(video: Heard) -> None:
    await video.stored("v7")
    await video.opening_fetched("v7", 4, "主刀：张三")
    await video.opening_fetched("v7", 3, "主刀：李四")
    await video.checked("v7", report(5))  # anything else that changes the file leaves it alone
    file = await video.file("v7")
    assert file is not None
    kept = file.opening
    assert kept is not None
    assert (kept.version, kept.shots[0].lines[0].text) == (4, "主刀：张三")


async def test_an_opening_may_be_read_before_its_file_is_known(video: Heard, database: Database) -> None:
    await video.opening_read("v8", 2)
    assert await video.fetches(database) == []
    await video.checked("v8", report(1))
    await video.stored("v8")
    assert await video.fetches(database) == ["fetch-name", "fetch-video-report", "fetch-opening"]


async def test_an_opening_of_a_known_file_is_fetched_once(video: Heard, database: Database) -> None:
    await video.stored("v9")
    await video.opening_read("v9", 2)
    await video.opening_read("v9", 2)
    assert await video.fetches(database) == ["fetch-name", "fetch-opening"]


async def test_an_event_writes_the_one_material_that_it_is_about(context: Context, database: Database) -> None:
    """PostgreSQL's own version of each row tells who was written."""
    dossier = await opened(context)
    heard = Heard(context, dossier, "surgery_video")

    async def versions() -> dict[str, str]:
        async with database.transaction(DatabaseScope(organisation_path=dossier.organisation_path)) as connection:
            query = sa.text("SELECT item_id, xmin::text FROM materials WHERE dossier_id = :it")
            return {row.item_id: row.xmin for row in await connection.execute(query, {"it": dossier.dossier_id})}

    merged = Merged(
        merged_id="m", version=1, sha256="0" * 64, size_bytes=9, pages=2, verdict="fail", recipe_sha256="1" * 64,
        codes=("pdf.item-too-large",),
    )  # fmt: skip
    async with context.work.begin(Scope(organisation_path=dossier.organisation_path)) as unit:
        case = next(m for m in dossier.materials if m.item_id != "surgery_video")
        await unit.save_material(dossier, replace(case, merged=merged), "missing")
    before = await versions()
    await heard.stored("written")
    after = await versions()
    assert len(before) > 10
    assert {item for item in after if after[item] != before[item]} == {"surgery_video"}


async def test_what_was_made_from_a_file_stands_in_its_place(video: Heard) -> None:
    for name in ("first", "second", "third"):
        await video.stored(f"place-{name}")
    await video.stored("place-smaller", "place-second")
    assert await video.file("place-second") is None
    places = [file.position for name in ("first", "smaller", "third") if (file := await video.file(f"place-{name}"))]
    assert places == [0, 1, 2]
    await video.stored("place-last", "place-second")  # it is gone: one more, at the end
    last = await video.file("place-last")
    assert last is not None
    assert last.position == 3


async def test_an_original_that_is_taken_back_stands_in_its_place_again(context: Context, database: Database) -> None:
    document = Heard(context, await opened(context), "education")
    for name in ("back-first", "back-second"):
        await document.stored(name)
    await document.stored("back-smaller", "back-first")
    before = await document.fetches(database)
    await document.stored("back-first", "back-smaller", version=4)
    assert await document.file("back-smaller") is None
    original = await document.file("back-first")
    assert original is not None
    assert original.position == 0
    assert (await document.fetches(database))[len(before) :] == ["fetch-name", "fetch-seen-pages"]


async def test_what_reviewers_saw_comes_back_as_seen(context: Context) -> None:
    document = Heard(context, await opened(context), "education")
    await document.stored("seen-first")
    await document.submitted_and_returned()
    await document.stored("seen-smaller", "seen-first")
    assert await document.replaced() == ["seen-first"]
    await document.stored("seen-first", "seen-smaller", version=4)
    original = await document.file("seen-first")
    assert original is not None
    assert original.submitted == 1
    assert await document.replaced() == []
