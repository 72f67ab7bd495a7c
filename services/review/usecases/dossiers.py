"""What an applicant does: open a dossier, fill it, see it, hand it in."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from services.catalogue.checklist import Checklist, checklist
from services.catalogue.profile import Profile
from services.catalogue.rules import expected_video_name, may_apply
from services.kernel.errors import AppError, Kind, not_found, stale
from services.review.domain import signoff
from services.review.domain.arranging import arranged
from services.review.domain.manifest import dossier_manifest_sha256
from services.review.domain.projection import MaterialView, views, worst
from services.review.domain.records import Actor, Defect, Dossier, DossierState, Leaf, Material, Organisation, Role
from services.review.ports import Scope
from services.review.usecases.context import Context, opened, own, refresh


@dataclass(frozen=True, kw_only=True, slots=True)
class DossierView:
    """A dossier as its people see it."""

    dossier: Dossier
    materials: tuple[MaterialView, ...]
    #: Account id to name, for the applicant and everybody who decided or confirmed.
    names: Mapping[str, str]
    organisation_name: str = ""
    #: What the level that holds it has collected, for its own reviewers only.
    drafts: Sequence[Defect] = ()
    #: The name that a video must have (M15-2f).
    video_name: str = ""

    @property
    def status(self) -> str:
        """The worst status of its materials."""
        return worst([view.status for view in self.materials])


def _unit_of(actor: Actor) -> Organisation:
    for office in actor.offices:
        if office.role is Role.APPLICANT:
            return office.organisation
    raise AppError("dossier.no-applicant", Kind.FORBIDDEN)


async def create_dossier(context: Context, account_id: str, dossier_id: str, profile: Profile) -> DossierView:
    """Open the dossier of an account; repeating it with the same id answers with the dossier that is there.

    Raises `AppError` dossier.no-applicant, dossier.may-not-apply (G-01), dossier.exists (one per cycle).
    """
    organisation = _unit_of(await context.work.actor(account_id))
    if not may_apply(profile):
        raise AppError(
            "dossier.may-not-apply", Kind.UNPROCESSABLE, level=profile.target_level, affiliation=profile.affiliation
        )
    dossier = Dossier(
        dossier_id=dossier_id,
        applicant_id=account_id,
        organisation_id=organisation.organisation_id,
        organisation_path=organisation.path,
        cycle=context.catalogue.cycle.year,
        catalogue_version=context.catalogue.version,
        state=DossierState.DRAFT,
        level="",
        route=context.catalogue.sign_off.route(organisation.kind).levels,
        submission=0,
        version=1,
        event_number=0,
        updated_at=context.clock.now(),
        submitted_at=None,
    )
    async with context.work.begin(_scope(organisation)) as unit:
        if await unit.create_dossier(dossier, profile):
            dossier = replace(dossier, materials=_owed(context, dossier, profile))
            await unit.audit(dossier, "created", account_id, {"catalogue": context.catalogue.version})
            unit.change(dossier, "created")
            await refresh(context, unit, dossier)
            made = True
        else:
            there = await unit.dossier(dossier_id)
            made = there is not None and there.applicant_id == account_id
    if not made:
        raise AppError("dossier.exists", Kind.CONFLICT, cycle=dossier.cycle)
    return await get_dossier(context, account_id, dossier_id)


def _scope(organisation: Organisation) -> Scope:
    return Scope(organisation_path=organisation.path)


def _owed(context: Context, dossier: Dossier, profile: Profile) -> tuple[Material, ...]:
    """The materials that the profile demands now, those that are there kept, and added ones that hold files."""
    there = {(material.item_id, material.ordinal): material for material in dossier.materials}
    wanted: list[Material] = []
    for entry in checklist(context.catalogue, profile).entries:
        known = there.pop((entry.item.id, entry.ordinal), None)
        wanted.append(
            replace(known, required=True)
            if known is not None
            else Material(
                material_id=context.ids.new(), item_id=entry.item.id, ordinal=entry.ordinal, required=True, version=1
            )
        )
    kept = [replace(material, required=False) for material in there.values() if material.files]
    return (*wanted, *kept)


async def get_dossier(context: Context, account_id: str, dossier_id: str) -> DossierView:
    """The dossier with everything that follows from its reports. Raises `AppError` request.not-found."""
    async with opened(context, account_id, dossier_id) as (unit, dossier, actor):
        profile = await unit.profile(dossier_id)
        office = actor.reviews(dossier)
        holds = office is not None and office.organisation.level == dossier.level
        drafts = await unit.draft_defects(dossier, dossier.level) if holds else ()
    seen = views(context.catalogue, profile, dossier)
    people = {dossier.applicant_id, *(decision.by for decision in dossier.decisions)}
    people |= {c.confirmed_by for material in dossier.materials for c in material.confirmations}
    organisation = await context.work.organisation(dossier.organisation_id)
    return DossierView(
        dossier=dossier,
        materials=seen,
        names=await context.work.names(sorted(people)),
        organisation_name="" if organisation is None else organisation.name,
        drafts=drafts,
        video_name=expected_video_name(profile.name, profile.id_number),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A dossier in a list: without its materials."""

    dossier: Dossier
    status: str
    applicant_name: str
    organisation_name: str


def _looks(actor: Actor) -> Iterator[tuple[Scope, str, str]]:
    """Scope, applicant and level of everything that an account may list."""
    for office in actor.offices:
        if office.role is Role.APPLICANT:
            yield _scope(office.organisation), actor.account_id, ""
        elif office.role is Role.REVIEWER:
            yield _scope(office.organisation), "", office.organisation.level


async def list_dossiers(
    context: Context, account_id: str, *, state: str, waiting: bool, organisation_id: str, before: str, size: int
) -> Sequence[Listed]:
    """Dossiers that the account may see, newest first; of an organisation and those below it when one is named."""
    within = "/"
    if organisation_id:
        organisation = await context.work.organisation(organisation_id)
        if organisation is None:
            return []
        within = organisation.path
    found: dict[str, tuple[Dossier, str]] = {}
    for scope, applicant, level in _looks(await context.work.actor(account_id)):
        if applicant and waiting:
            continue
        for dossier, status in await context.work.dossiers(
            scope, applicant_id=applicant, level=level, state=state, waiting=waiting, within=within, before=before,
            size=size,
        ):  # fmt: skip
            found[dossier.dossier_id] = (dossier, status)
    newest = sorted(found.values(), key=lambda pair: pair[0].dossier_id, reverse=True)[:size]
    names = await context.work.names(sorted({dossier.applicant_id for dossier, _ in newest}))
    organisations = await context.work.organisation_names(sorted({dossier.organisation_id for dossier, _ in newest}))
    return [
        Listed(
            dossier=dossier,
            status=status,
            applicant_name=names.get(dossier.applicant_id, ""),
            organisation_name=organisations.get(dossier.organisation_id, ""),
        )
        for dossier, status in newest
    ]


async def count_dossiers(context: Context, account_id: str) -> tuple[Mapping[str, int], int]:
    """How many the account may see by state, and how many wait at its level."""
    by_state: Counter[str] = Counter()
    waiting = 0
    for scope, applicant, level in _looks(await context.work.actor(account_id)):
        found, held = await context.work.count_dossiers(scope, applicant_id=applicant, level=level)
        by_state.update(found)
        waiting += 0 if applicant else held
    return by_state, waiting


async def get_profile(context: Context, account_id: str, dossier_id: str) -> tuple[Profile, int]:
    """The profile and the dossier's version."""
    async with opened(context, account_id, dossier_id) as (unit, dossier, _):
        return await unit.profile(dossier_id), dossier.version


async def get_checklist(context: Context, account_id: str, dossier_id: str) -> Checklist:
    """What this applicant owes."""
    profile, _ = await get_profile(context, account_id, dossier_id)
    return checklist(context.catalogue, profile)


async def put_profile(
    context: Context, account_id: str, dossier_id: str, profile: Profile, version: int
) -> DossierView:
    """Replace the profile; what is owed and every comparison follow, nothing is measured again.

    Raises `AppError` dossier.not-applicant, dossier.not-editable, dossier.may-not-apply, request.stale-version.
    """
    if not may_apply(profile):
        raise AppError(
            "dossier.may-not-apply", Kind.UNPROCESSABLE, level=profile.target_level, affiliation=profile.affiliation
        )
    async with opened(context, account_id, dossier_id) as (unit, dossier, actor):
        own(dossier, actor)
        signoff.check_editable(dossier)
        signoff.check_version(dossier, version)
        await unit.save_profile(dossier, profile)
        wanted = _owed(context, dossier, profile)
        keeping = {material.material_id for material in wanted}
        for material in dossier.materials:
            if material.material_id not in keeping:
                await unit.delete_material(material.material_id)
        dossier = replace(dossier, materials=wanted, version=version + 1, updated_at=context.clock.now())
        await unit.audit(dossier, "profile-changed", account_id, {"version": dossier.version})
        unit.change(dossier, "profile")
        await refresh(context, unit, dossier)
    return await get_dossier(context, account_id, dossier_id)


async def add_material(
    context: Context, account_id: str, dossier_id: str, item_id: str, material_id: str, version: int
) -> DossierView:
    """Add an entry of an item; repeating it with the same id changes nothing.

    Raises `AppError` catalogue.no-such-item, dossier.one-entry-only, and as `put_profile`.
    """
    item = context.catalogue.item(item_id)
    async with opened(context, account_id, dossier_id) as (unit, dossier, actor):
        own(dossier, actor)
        if dossier.material(material_id) is None:
            signoff.check_editable(dossier)
            signoff.check_version(dossier, version)
            ordinals = [material.ordinal for material in dossier.materials if material.item_id == item.id]
            if ordinals and item.entries == "single":
                raise AppError("dossier.one-entry-only", Kind.CONFLICT, item=item.id)
            added = Material(
                material_id=material_id,
                item_id=item.id,
                ordinal=max(ordinals, default=0) + 1,
                required=False,
                version=1,
            )
            dossier = replace(dossier, materials=(*dossier.materials, added), version=version + 1)
            await unit.audit(dossier, "material-added", account_id, {"material": material_id, "item": item.id})
            unit.change(dossier, "material", material_id)
            await refresh(context, unit, dossier)
    return await get_dossier(context, account_id, dossier_id)


async def remove_material(context: Context, account_id: str, dossier_id: str, material_id: str, version: int) -> None:
    """Remove an entry that the profile does not demand and that holds no file; repeating it changes nothing.

    Raises `AppError` dossier.material-required, dossier.material-not-empty, and as `put_profile`.
    """
    async with opened(context, account_id, dossier_id) as (unit, dossier, actor):
        own(dossier, actor)
        material = dossier.material(material_id)
        if material is None:
            return
        signoff.check_editable(dossier)
        signoff.check_version(dossier, version)
        if material.required:
            raise AppError("dossier.material-required", Kind.PRECONDITION, item=material.item_id)
        if material.files:
            raise AppError("dossier.material-not-empty", Kind.PRECONDITION, files=len(material.files))
        await unit.delete_material(material_id)
        left = tuple(m for m in dossier.materials if m.material_id != material_id)
        dossier = replace(dossier, materials=left, version=version + 1)
        await unit.audit(dossier, "material-removed", account_id, {"material": material_id, "item": material.item_id})
        unit.change(dossier, "material", material_id)
        await refresh(context, unit, dossier)


async def arrange_material(
    context: Context, account_id: str, dossier_id: str, material_id: str, file_ids: Sequence[str], version: int
) -> DossierView:
    """Set the order of a material's files (within each component); the merge follows.

    Raises `AppError` dossier.wrong-files unless every file is named once, and as `put_profile`.
    """
    async with opened(context, account_id, dossier_id) as (unit, dossier, actor):
        own(dossier, actor)
        signoff.check_editable(dossier)
        material = dossier.material(material_id)
        if material is None:
            raise not_found("material")
        if version != material.version:
            raise stale(current=material.version, given=version)
        if sorted(file_ids) != sorted(file.file_id for file in material.files):
            raise AppError("dossier.wrong-files", Kind.INVALID, files=len(material.files), given=len(file_ids))
        files = tuple(replace(file, position=file_ids.index(file.file_id)) for file in material.files)
        for file in files:
            await unit.save_file(dossier, material_id, file)
        arranged = replace(material, files=files)
        others = tuple(arranged if m.material_id == material_id else m for m in dossier.materials)
        dossier = replace(dossier, materials=others, updated_at=context.clock.now())
        await unit.audit(dossier, "material-arranged", account_id, {"material": material_id})
        unit.change(dossier, "material", material_id)
        await refresh(context, unit, dossier)
    return await get_dossier(context, account_id, dossier_id)


async def arrange_pages(
    context: Context, account_id: str, dossier_id: str, material_id: str, leaves: Sequence[Leaf], version: int
) -> DossierView:
    """Set which pages are merged, and how; no leaves take the files whole again. No file is changed.

    Raises `AppError` as `arranging.arranged` and `put_profile`.
    """
    async with opened(context, account_id, dossier_id) as (unit, dossier, actor):
        own(dossier, actor)
        signoff.check_editable(dossier)
        material = dossier.material(material_id)
        if material is None:
            raise not_found("material")
        if version != material.version:
            raise stale(current=material.version, given=version)
        changed = replace(material, arrangement=arranged(context.catalogue, material, leaves))
        others = tuple(changed if m.material_id == material_id else m for m in dossier.materials)
        dossier = replace(dossier, materials=others, updated_at=context.clock.now())
        await unit.audit(dossier, "pages-arranged", account_id, {"material": material_id, "pages": len(leaves)})
        unit.change(dossier, "material", material_id)
        await refresh(context, unit, dossier)
    return await get_dossier(context, account_id, dossier_id)


async def submit_dossier(
    context: Context, account_id: str, dossier_id: str, version: int, *, declared: bool
) -> DossierView:
    """Hand in, with the declaration of G-09 bound to the hash of everything.

    Raises `AppError` as `signoff.submit`, request.stale-version, dossier.not-applicant.
    """
    async with opened(context, account_id, dossier_id) as (unit, dossier, actor):
        own(dossier, actor)
        signoff.check_version(dossier, version)
        profile = await unit.profile(dossier_id)
        seen = views(context.catalogue, profile, dossier)
        dossier = signoff.submit(dossier, seen, context.clock.now(), declared=declared)
        manifest = dossier_manifest_sha256(context.catalogue, dossier)
        details: dict[str, str | int | bool] = {
            "submission": dossier.submission,
            "manifest": manifest,
            "catalogue": context.catalogue.version,
            "declared": True,
        }
        await unit.audit(dossier, "submitted", account_id, details)
        unit.change(dossier, "submitted")
        unit.announce_submitted(dossier)
        await unit.mark_submitted(dossier)
        await refresh(context, unit, dossier)
    return await get_dossier(context, account_id, dossier_id)
