"""What the facts of the other services change. Each runs in the transaction of its inbox row or its job."""

from collections.abc import Callable
from dataclasses import replace

from services.catalogue.pages.model import SeenFile
from services.kernel.errors import AppError, Kind
from services.kernel.events.consumer import InvariantBroken
from services.review.domain.arranging import instead, without
from services.review.domain.records import Disc, Dossier, File, FileState, Material, Merged, ReadOpening, Report
from services.review.ports import FetchedReport, Unit
from services.review.usecases.context import Context, refresh

ACTOR = "service:review"


def _with(dossier: Dossier, material_id: str, change: Callable[[Material], Material]) -> Dossier:
    materials = tuple(change(m) if m.material_id == material_id else m for m in dossier.materials)
    return replace(dossier, materials=materials)


def _with_file(dossier: Dossier, material_id: str, file: File) -> Dossier:
    def change(material: Material) -> Material:
        others = tuple(other for other in material.files if other.file_id != file.file_id)
        return replace(material, files=(*others, file))

    return _with(dossier, material_id, change)


def find_file(dossier: Dossier, file_id: str) -> tuple[Material, File] | None:
    """The file and its material, None when it is not (any more) part of the dossier."""
    for material in dossier.materials:
        for file in material.files:
            if file.file_id == file_id:
                return material, file
    return None


async def file_stored(
    context: Context, unit: Unit, dossier_id: str, material_id: str, file: File, replaces: str = "", version: int = 1
) -> None:
    """A new file of a material, at its end or in the place of the one that it `replaces`; its name is fetched by a job.
    One of a later `version` was taken back: it was here before.

    Raises `InvariantBroken` for an unknown material.
    """
    dossier = await _dossier(unit, dossier_id)
    material = dossier.material(material_id)
    if material is None:
        raise InvariantBroken(f"no material {material_id}")
    position = max((other.position for other in material.files), default=-1) + 1
    before = next((other for other in material.files if other.file_id == replaces), None)
    if before is not None:
        position = before.position
        await unit.take_out_file(replaces, keep=_was_seen(dossier, before))
        arranged = instead(material.arrangement, replaces, file.file_id)
        left = replace(_without(material, replaces), arrangement=arranged)
        dossier = _with(dossier, material_id, lambda _: left)
    known = next((other for other in material.replaced if other.file_id == file.file_id), None)
    file = replace(file, position=position, submitted=known.submitted if known is not None else 0)
    await unit.save_file(dossier, material_id, file)
    await unit.fetch_later(dossier, "fetch-name", file.file_id, version)
    details: dict[str, str | int | bool] = {"file": file.file_id, "material": material_id, "bytes": file.size_bytes}
    if replaces:
        details["replaces"] = replaces
    await unit.audit(dossier, "file-stored", ACTOR, details)
    unit.change(dossier, "material", material_id)
    await refresh(context, unit, _with_file(dossier, material_id, file))
    if version > 1:
        await unit.fetch_later(dossier, "fetch-seen-pages", file.file_id, version)
    early = await unit.take_early_report(file.file_id)
    if early is not None:
        stage, report = early
        await checked(context, unit, dossier_id, file.file_id, report, stage)
        # what told of its opening, or of its pages, was passed over
        behind = "fetch-opening" if context.catalogue.item(material.item_id).is_video else "fetch-seen-pages"
        await unit.fetch_later(dossier, behind, file.file_id, 0)


async def _dossier(unit: Unit, dossier_id: str) -> Dossier:
    dossier = await unit.dossier(dossier_id)
    if dossier is None:
        raise InvariantBroken(f"no dossier {dossier_id}")
    return dossier


async def _change_file(
    context: Context, unit: Unit, dossier_id: str, file_id: str, change: Callable[[File], File], action: str = ""
) -> None:
    """Change a file that is (still) there; a fact about one that is gone has no effect."""
    dossier = await _dossier(unit, dossier_id)
    found = find_file(dossier, file_id)
    if found is None:
        return
    material, file = found
    changed = change(file)
    await unit.save_file(dossier, material.material_id, changed)
    if action:
        await unit.audit(dossier, action, ACTOR, {"file": file_id, "sha256": changed.sha256})
    unit.change(dossier, "material", material.material_id)
    await refresh(context, unit, _with_file(dossier, material.material_id, changed))


async def file_verified(context: Context, unit: Unit, dossier_id: str, file_id: str, sha256: str) -> None:
    """The whole file's hash is known."""

    def change(file: File) -> File:
        return replace(file, sha256=sha256, state=FileState.VERIFIED)

    await _change_file(context, unit, dossier_id, file_id, change, "file-verified")


async def file_rejected(context: Context, unit: Unit, dossier_id: str, file_id: str, code: str) -> None:
    """The bytes are not what was declared."""

    def change(file: File) -> File:
        return replace(file, state=FileState.REJECTED, rejection_code=code)

    await _change_file(context, unit, dossier_id, file_id, change, "file-rejected")


async def file_renamed(context: Context, unit: Unit, dossier_id: str, file_id: str, version: int) -> None:
    """The applicant gave it another name, fetched by a job; nothing is settled until the new report is here.

    The report may be here already: it comes from another service, and only the facts of one service are in order.
    """
    dossier = await _dossier(unit, dossier_id)
    found = find_file(dossier, file_id)
    if found is None:
        return
    material, file = found
    await unit.fetch_later(dossier, "fetch-name", file_id, version)

    waiting = replace(file, named_version=version)
    if context.catalogue.item(material.item_id).is_video and _is_stale(waiting, file.report):
        waiting = replace(waiting, report=None)
    await unit.save_file(dossier, material.material_id, waiting)
    await unit.audit(dossier, "file-renamed", dossier.applicant_id, {"file": file_id, "material": material.material_id})
    unit.change(dossier, "material", material.material_id)
    await refresh(context, unit, _with_file(dossier, material.material_id, waiting))


async def file_deleted(context: Context, unit: Unit, dossier_id: str, file_id: str) -> None:
    """The applicant removed it."""
    dossier = await _dossier(unit, dossier_id)
    found = find_file(dossier, file_id)
    if found is None:
        await unit.take_out_file(file_id, keep=False)
        await unit.take_early_report(file_id)
        return
    material, file = found
    await unit.take_out_file(file_id, keep=_was_seen(dossier, file))
    await unit.audit(dossier, "file-deleted", dossier.applicant_id, {"file": file_id, "material": material.material_id})
    unit.change(dossier, "material", material.material_id)
    await refresh(context, unit, _with(dossier, material.material_id, lambda changing: _without(changing, file_id)))


def _was_seen(dossier: Dossier, file: File) -> bool:
    """Whether reviewers had it before them in the last submission."""
    return bool(file.submitted) and file.submitted == dossier.submission


def _without(material: Material, file_id: str) -> Material:
    left = tuple(file for file in material.files if file.file_id != file_id)
    disc = None if material.disc is not None and material.disc.file_id == file_id else material.disc
    return replace(material, files=left, disc=disc, arrangement=without(material.arrangement, file_id))


async def checked(context: Context, unit: Unit, dossier_id: str, file_id: str, report: Report, stage: str) -> None:
    """A file has a new report; its texts are fetched by a job of `stage`.

    Reports come from another service than files: one on a file that is not here is kept until the file comes. One on
    a file that is gone for good is kept as well, and pruned.
    """
    dossier = await _dossier(unit, dossier_id)
    found = find_file(dossier, file_id)
    if found is None:
        return await unit.keep_early_report(dossier, file_id, stage, report)
    if report.file_version and _is_stale(found[1], report):
        return None
    await unit.fetch_later(dossier, stage, file_id, report.version)

    def change(file: File) -> File:
        return replace(file, report=_announced(file.report, report))

    await _change_file(context, unit, dossier_id, file_id, change)
    return None


def _announced(known: Report | None, report: Report) -> Report:
    """A report without its texts. Until they are here, those of the one before stand, if that was on the same version
    of the file: nobody sees findings go and come back. Nothing is settled by them.
    """
    if known is None or not known.fetched or known.file_version != report.file_version:
        return report
    return replace(
        known,
        report_id=report.report_id,
        version=report.version,
        verdict=report.verdict,
        pages=report.pages,
        duration_s=report.duration_s,
        pending=True,
    )


def _is_stale(file: File, report: Report | None) -> bool:
    """Whether the report is on a version of the file before it got its present name."""
    return report is None or report.file_version < file.named_version


async def opening_read(unit: Unit, dossier_id: str, file_id: str, version: int) -> None:
    """What is written in a video's opening is fetched by a job; of a file that is not here (yet) there is none."""
    dossier = await _dossier(unit, dossier_id)
    if find_file(dossier, file_id) is not None:
        await unit.fetch_later(dossier, "fetch-opening", file_id, version)


async def opening_fetched(context: Context, unit: Unit, dossier_id: str, file_id: str, fetched: ReadOpening) -> None:
    """The lines of an opening are here; an older reading changes nothing."""

    def change(file: File) -> File:
        newer = file.opening is None or file.opening.version < fetched.version
        return replace(file, opening=fetched) if newer else file

    await _change_file(context, unit, dossier_id, file_id, change)


async def pages_seen(unit: Unit, dossier_id: str, file_id: str, version: int) -> None:
    """What was seen on a document's pages is fetched by a job; of a file that is not here (yet) there is none."""
    dossier = await _dossier(unit, dossier_id)
    if find_file(dossier, file_id) is not None:
        await unit.fetch_later(dossier, "fetch-seen-pages", file_id, version)


async def seen_pages_fetched(context: Context, unit: Unit, dossier_id: str, file_id: str, fetched: SeenFile) -> None:
    """What was seen is here; an older look changes nothing."""

    def change(file: File) -> File:
        newer = file.seen is None or file.seen.version < fetched.version
        return replace(file, seen=fetched) if newer else file

    await _change_file(context, unit, dossier_id, file_id, change)


async def merged(context: Context, unit: Unit, dossier_id: str, material_id: str, result: Merged) -> None:
    """A material's parts were merged; a merge of an older recipe is kept but does not count."""
    dossier = await _dossier(unit, dossier_id)
    material = dossier.material(material_id)
    if material is None:
        return
    details: dict[str, str | int | bool] = {"material": material_id, "sha256": result.sha256, "pages": result.pages}
    await unit.audit(dossier, "merged", ACTOR, details)
    unit.change(dossier, "material", material_id)
    await refresh(context, unit, _with(dossier, material_id, lambda m: replace(m, merged=result)))


async def disc_built(context: Context, unit: Unit, dossier_id: str, material_id: str, disc: Disc) -> None:
    """A disc image was built and read back."""
    dossier = await _dossier(unit, dossier_id)
    if find_file(dossier, disc.file_id) is None:
        return
    details: dict[str, str | int | bool] = {
        "disc": disc.disc_id,
        "sha256": disc.sha256,
        "file": disc.file_id,
        "file_sha256": disc.file_sha256,
    }
    await unit.audit(dossier, "disc-built", ACTOR, details)
    unit.change(dossier, "material", material_id)
    await refresh(context, unit, _with(dossier, material_id, lambda m: replace(m, disc=disc)))


async def name_fetched(context: Context, unit: Unit, dossier_id: str, file_id: str, name: str) -> None:
    """Upload has told a file's name."""
    await _change_file(context, unit, dossier_id, file_id, lambda file: replace(file, file_name=name))


async def report_fetched(context: Context, unit: Unit, dossier_id: str, file_id: str, fetched: FetchedReport) -> None:
    """A report's texts are here. One older than what is known is not written.

    Raises `AppError` review.report-behind (retryable) when the other service answers with an older one.
    """
    dossier = await _dossier(unit, dossier_id)
    found = find_file(dossier, file_id)
    if found is None:
        return
    known = found[1].report
    if known is not None and fetched.version < known.version:
        raise AppError("review.report-behind", Kind.UNAVAILABLE, retryable=True)
    if 0 < fetched.file_version < found[1].named_version:
        return
    report = Report(
        report_id=fetched.report_id,
        version=fetched.version,
        verdict=fetched.verdict,
        fetched=True,
        findings=fetched.findings,
        pages=fetched.pages,
        duration_s=fetched.duration_s,
        parsed_name=fetched.parsed_name,
        parsed_id_number=fetched.parsed_id_number,
        file_version=fetched.file_version,
        pending=fetched.pending,
        page_characters=fetched.page_characters,
    )
    await _change_file(context, unit, dossier_id, file_id, lambda file: replace(file, report=report))
