"""Status of materials and dossier as a pure function of the last reports: rebuilding needs no event twice.

The same function says what has to be asked of the other services next (a merge, a disc), so that no order of
arriving facts can forget it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from services.catalogue import rules
from services.catalogue.checklist import Entry, entry_of, missing, surplus
from services.catalogue.findings import Finding
from services.catalogue.model import Catalogue
from services.catalogue.opening.compare import read_opening
from services.catalogue.opening.model import Declared, Opening, Shot
from services.catalogue.pages import rules as page_rules
from services.catalogue.profile import Profile
from services.review.domain.arranging import Part, ordered, parts_of
from services.review.domain.manifest import manifest_sha256, recipe_sha256
from services.review.domain.records import Disc, Dossier, DossierState, File, FileState, Material, MaterialStatus

Findings = Mapping[str, tuple[Finding, ...]]
WORST_FIRST: tuple[MaterialStatus, ...] = tuple(MaterialStatus)


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedOpening:
    """What an opening says, beside what was declared (M15-2b, C-17)."""

    fields: Opening
    declared: Declared
    shots: tuple[Shot, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class MaterialView:
    """A material with what follows from its reports."""

    material: Material
    entry: Entry
    status: MaterialStatus
    manifest_sha256: str
    recipe_sha256: str
    files: tuple[File, ...]
    #: What is merged, in order.
    parts: tuple[Part, ...]
    #: Findings of each file, those of comparisons with the profile among them.
    file_findings: Findings
    #: What a video's opening should say; nothing for what is no video.
    declared_opening: Declared
    #: Of each video whose opening was read.
    openings: Mapping[str, ComparedOpening]
    #: Findings of the material as a whole.
    findings: tuple[Finding, ...]
    #: Whether a merge of this recipe, or a disc of this file, is what is missing now; the disc's order, "" for none.
    wants_merge: bool
    wants_disc: str


def worst(statuses: Sequence[MaterialStatus]) -> MaterialStatus:
    """The worst of several; of none, PASSED."""
    return min(statuses, key=WORST_FIRST.index, default=MaterialStatus.PASSED)


def views(catalogue: Catalogue, profile: Profile, dossier: Dossier) -> tuple[MaterialView, ...]:
    """Every material of the dossier, in the catalogue's order."""
    order = {item.id: place for place, item in enumerate(catalogue.items)}
    materials = sorted(dossier.materials, key=lambda m: (order[m.item_id], m.ordinal, m.material_id))
    return _with_repeats([view(catalogue, profile, dossier, material) for material in materials])


def _with_repeats(found: Sequence[MaterialView]) -> tuple[MaterialView, ...]:
    """Pages that are twice in the dossier are told of the later one; not of those that were left out."""
    used = _pages_used(found)

    def counts(file_id: str, page: int) -> bool:
        pages = used.get(file_id, frozenset())
        return pages is None or page in pages

    seen = {
        file.file_id: replace(
            file.seen,
            repeats=tuple(
                each
                for each in file.seen.repeats
                if counts(file.file_id, each.page) and counts(each.other_file_id, each.other_page)
            ),
        )
        for each in found
        for file in each.files
        if file.seen is not None
    }
    hints = list(page_rules.repeated(seen))
    return tuple(replace(each, file_findings=_and(each.file_findings, hints)) if hints else each for each in found)


def _pages_used(found: Sequence[MaterialView]) -> Mapping[str, frozenset[int] | None]:
    """File → its pages that are part of a material; None for all of them."""
    used: dict[str, frozenset[int] | None] = {}
    for part in (part for each in found for part in each.parts):
        before, file_id = used.get(part.file.file_id, frozenset()), part.file.file_id
        pages = frozenset(page for page, _ in part.pages)
        used[file_id] = before | pages if before is not None and pages else None
    return used


def _and(findings: Findings, hints: Sequence[page_rules.Found]) -> Findings:
    """The findings of each file, then its hints."""
    return {
        file_id: (*told, *(hint for owner, hint in hints if owner == file_id)) for file_id, told in findings.items()
    }  # fmt: skip


def view(catalogue: Catalogue, profile: Profile, dossier: Dossier, material: Material) -> MaterialView:
    """One material."""
    item = catalogue.item(material.item_id)
    entry = entry_of(catalogue, profile, item, material.ordinal)
    files = ordered(catalogue, material)
    manifest, recipe = manifest_sha256(catalogue, material), recipe_sha256(catalogue, material)
    declared = rules.declared_opening(profile, entry.answer) if item.is_video else {}
    openings = {file.file_id: _compared(file.opening.shots, declared) for file in files if file.opening is not None}
    file_findings: Findings = {
        file.file_id: _findings_of(profile, file, openings.get(file.file_id), video=item.is_video) for file in files
    }
    parts = parts_of(catalogue, material)
    present = [part.component_id for part in parts if part.file.state is not FileState.REJECTED]
    lacking, findings = missing(entry, present), (*surplus(entry, present), *_lengths(entry, parts))
    file_findings = _with_hints(entry, profile, files, parts, file_findings, complete=not lacking)
    failed = any(_failed(file, file_findings[file.file_id]) for file in files) or any(f.blocks for f in findings)
    settled = all(_settled(file) for file in files)
    complete = not lacking and bool(files)
    good = settled and complete and not failed
    merged = material.merged if material.merged and material.merged.recipe_sha256 == recipe else None
    disc_file = files[0] if item.is_video and files else None
    has_disc = disc_file is not None and is_current(material.disc, disc_file)
    assembled = has_disc if item.is_video else merged is not None
    spoiled = merged is not None and merged.verdict != "pass"
    status = _status(
        dossier, material, manifest, failed=failed or spoiled, settled=settled, complete=complete,
        empty=not files, optional=entry.upload_optional, assembled=assembled,
    )  # fmt: skip
    return MaterialView(
        material=material,
        entry=entry,
        status=status,
        manifest_sha256=manifest,
        recipe_sha256=recipe,
        files=files,
        parts=parts,
        file_findings=file_findings,
        declared_opening=declared,
        openings=openings,
        findings=(*lacking, *findings),
        wants_merge=good and not item.is_video and merged is None,
        wants_disc=_disc_order(disc_file) if good and disc_file is not None and not has_disc else "",
    )


def _with_hints(
    entry: Entry, profile: Profile, files: Sequence[File], parts: Sequence[Part], told: Findings, *, complete: bool
) -> Findings:  # fmt: skip
    """What was seen on pages, of those that are still part of the material and as they stand in it now."""
    hints = [
        (file.file_id, hint)
        for file in files
        if file.seen is not None
        for hint in page_rules.of_file(entry, profile, file.seen)
        if _still_holds(hint, [part for part in parts if part.file is file])
    ]
    seen = [_seen(part) for part in parts if part.file.state is not FileState.REJECTED]
    return _and(told, [*hints, *page_rules.of_material(entry, profile, seen, complete=complete)])


def _still_holds(hint: Finding, parts: Sequence[Part]) -> bool:
    """A page that was left out has no hint, and one that was turned does not stand on its head any more."""
    if any(not part.pages for part in parts):
        return True
    turns = [turn for part in parts for page, turn in part.pages if page == hint.params.get("page")]
    return bool(turns) and (hint.code != "pdf.upside-down" or 0 in turns)


def _seen(part: Part) -> page_rules.SeenPart:
    file, pages = part.file, {page for page, _ in part.pages}
    seen = file.seen
    if seen is not None and pages:
        seen = replace(seen, pages=tuple(page for page in seen.pages if page.page in pages))
    count = len(pages) or (file.report.pages if file.report is not None else 0)
    return page_rules.SeenPart(file_id=file.file_id, component_id=part.component_id, pages=count, seen=seen)


def is_current(disc: Disc | None, file: File) -> bool:
    """Whether the disc is of this file and not older than its report."""
    newest = file.report.version if file.report is not None else 0
    return disc is not None and disc.file_id == file.file_id and disc.version > newest


def _disc_order(file: File) -> str:
    """What is asked for: a disc of this file after this report."""
    return f"{file.file_id}:{file.report.version if file.report is not None else 0}"


def _compared(shots: tuple[Shot, ...], declared: Declared) -> ComparedOpening:
    return ComparedOpening(fields=read_opening(shots, declared), declared=declared, shots=shots)


def _findings_of(profile: Profile, file: File, read: ComparedOpening | None, *, video: bool) -> tuple[Finding, ...]:
    if file.state is FileState.REJECTED:
        return (Finding(code=file.rejection_code or "file.hash-mismatch", rule_id="G-03"),)
    about_opening = rules.opening(read.fields, read.declared) if read is not None else ()
    if file.report is None:
        return about_opening
    told = file.report.findings if file.report.fetched else ()  # codes alone have no words yet
    found = (*told, *about_opening)
    if video and file.report.fetched:
        compared = rules.video_name(
            file.report.parsed_name,
            file.report.parsed_id_number,
            name=profile.name,
            id_number=profile.id_number,
        )
        return (*found, *compared)
    return found


def _lengths(entry: Entry, parts: Sequence[Part]) -> Iterator[Finding]:
    """Texts that are too long, or that a person has to count (M15-2h, M15-10), wherever their pages came from."""
    for owed in entry.components:
        counts = [count for part in parts if part.component_id == owed.component.id for count in _counts(part)]
        yield from rules.text_length(owed.component, entry.item.rules[0], counts)


def _counts(part: Part) -> Sequence[int]:
    told = part.file.report.page_characters if part.file.report is not None else ()
    return [told[page - 1] for page, _ in part.pages if page <= len(told)] if part.pages else told


def _failed(file: File, findings: Sequence[Finding]) -> bool:
    by_report = file.report is not None and file.report.verdict == "fail"
    return file.state is FileState.REJECTED or by_report or any(finding.blocks for finding in findings)


def _settled(file: File) -> bool:
    """Whether everything that can be said of the file has been said."""
    if file.state is FileState.REJECTED:
        return True
    told = file.report is not None and file.report.fetched and not file.report.pending
    return file.state is FileState.VERIFIED and told and bool(file.file_name)


def _status(
    dossier: Dossier,
    material: Material,
    manifest: str,
    *,
    failed: bool,
    settled: bool,
    complete: bool,
    empty: bool,
    optional: bool,
    assembled: bool,
) -> MaterialStatus:
    if dossier.state is DossierState.ACCEPTED:
        return MaterialStatus.ACCEPTED
    if failed:
        return MaterialStatus.FAILED
    if not complete and not (empty and optional):
        return MaterialStatus.MISSING
    if not empty and not (settled and assembled):
        return MaterialStatus.PROCESSING
    if dossier.state is DossierState.RETURNED and _still_defective(dossier, material, manifest):
        return MaterialStatus.RETURNED
    if dossier.state is not DossierState.IN_REVIEW:
        return MaterialStatus.PASSED
    if confirmed(material, dossier.level, manifest, dossier.catalogue_version):
        return MaterialStatus.CONFIRMED
    return MaterialStatus.AWAITING_CONFIRMATION


def _still_defective(dossier: Dossier, material: Material, manifest: str) -> bool:
    """Whether the last return named it and it has not changed since."""
    last = dossier.last_return
    if last is None or all(defect.material_id != material.material_id for defect in last.defects):
        return False
    return last.manifests.get(material.material_id) == manifest


def confirmed(material: Material, level: str, manifest: str, catalogue_version: str) -> bool:
    """Whether `level` has given all three confirmations for exactly these files under this catalogue (G-13)."""
    return any(
        c.level == level and c.complete and c.manifest_sha256 == manifest and c.catalogue_version == catalogue_version
        for c in material.confirmations
    )
