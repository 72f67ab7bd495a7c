"""What a reviewer does: confirm materials, forward, return."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.kernel.errors import AppError, Kind, not_found
from services.review.domain import signoff
from services.review.domain.projection import views
from services.review.domain.records import Confirmation, Decision, Defect, Dossier, DossierState
from services.review.ports import Unit
from services.review.usecases.context import Context, opened, refresh, reviewing
from services.review.usecases.dossiers import DossierView, get_dossier


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirming:
    """The three confirmations of G-13, and the manifest that the reviewer looked at."""

    material_id: str
    manifest_sha256: str
    compared_with_original: bool
    legible: bool
    authentic: bool


async def confirm_material(context: Context, account_id: str, dossier_id: str, given: Confirming) -> DossierView:
    """Record the confirmations for exactly these files. The same again changes nothing.

    Raises `AppError` request.not-found, review.not-reviewer, dossier.not-at-level, review.own-dossier,
    review.material-changed (other files than were looked at), review.not-ready (missing, failed or in progress).
    """
    async with opened(context, account_id, dossier_id) as (unit, dossier, actor):
        office = reviewing(dossier, actor)
        level = office.organisation.level
        signoff.check_holds(dossier, level, account_id)
        seen = {v.material.material_id: v for v in views(context.catalogue, await unit.profile(dossier_id), dossier)}
        view = seen.get(given.material_id)
        if view is None:
            raise not_found("material")
        if view.manifest_sha256 != given.manifest_sha256:
            raise AppError("review.material-changed", Kind.STALE, item=view.material.item_id)
        confirmation = Confirmation(
            level=level,
            compared_with_original=given.compared_with_original,
            legible=given.legible,
            authentic=given.authentic,
            manifest_sha256=given.manifest_sha256,
            catalogue_version=dossier.catalogue_version,
            confirmed_by=account_id,
            confirmed_at=context.clock.now(),
        )
        if not any(_same(confirmation, given_before) for given_before in view.material.confirmations):
            await _confirm(context, unit, dossier, given.material_id, confirmation)
    return await get_dossier(context, account_id, dossier_id)


def _same(confirmation: Confirmation, other: Confirmation) -> bool:
    """Whether both say the same of the same files, whenever that was."""
    return replace(other, confirmed_at=confirmation.confirmed_at) == confirmation


async def _confirm(
    context: Context, unit: Unit, dossier: Dossier, material_id: str, confirmation: Confirmation
) -> None:
    await unit.save_confirmation(dossier, material_id, confirmation)
    details: dict[str, str | int | bool] = {
        "material": material_id,
        "level": confirmation.level,
        "manifest": confirmation.manifest_sha256,
        "compared": confirmation.compared_with_original,
        "legible": confirmation.legible,
        "authentic": confirmation.authentic,
    }
    await unit.audit(dossier, "confirmed", confirmation.confirmed_by, details)
    unit.change(dossier, "confirmation", material_id)
    await _refresh_with(context, unit, dossier, material_id, confirmation)


async def _refresh_with(
    context: Context, unit: Unit, dossier: Dossier, material_id: str, confirmation: Confirmation
) -> None:
    materials = tuple(
        replace(
            material,
            confirmations=(*(c for c in material.confirmations if c.level != confirmation.level), confirmation),
        )
        if material.material_id == material_id
        else material
        for material in dossier.materials
    )
    await refresh(context, unit, replace(dossier, materials=materials))


async def put_draft_defect(context: Context, account_id: str, dossier_id: str, defect: Defect) -> None:
    """Collect a defect for the return, or drop it (empty reason). Nobody but the level sees it before it decides.

    Raises `AppError` request.not-found, review.not-reviewer, dossier.not-at-level, review.own-dossier,
    review.bad-reason.
    """
    async with opened(context, account_id, dossier_id) as (unit, dossier, actor):
        level = reviewing(dossier, actor).organisation.level
        signoff.check_holds(dossier, level, account_id)
        if dossier.material(defect.material_id) is None:
            raise not_found("material")
        given = replace(defect, reason=defect.reason.strip())
        if given.reason:
            signoff.check_reason(given)
        await unit.save_draft_defect(dossier, level, given, account_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Deciding:
    """A decision as it is asked for; `decision_id` makes a repeat the same decision."""

    decision_id: str
    version: int
    comment: str = ""
    #: For forwarding: the applicant meets the policy's conditions (G-12).
    eligible: bool = False
    #: For returning: everything that must be put right.
    defects: Sequence[Defect] = ()


async def forward_dossier(context: Context, account_id: str, dossier_id: str, deciding: Deciding) -> DossierView:
    """Sign the actor's level and pass on, or accept at the last one.

    Raises `AppError` as `signoff.check_holds`, `signoff.forward`, `signoff.check_version`, `signoff.check_comment`.
    """
    async with opened(context, account_id, dossier_id) as (unit, dossier, actor):
        if signoff.same_decision(dossier, deciding.decision_id) is None:
            level = reviewing(dossier, actor).organisation.level
            signoff.check_holds(dossier, level, account_id)
            signoff.check_version(dossier, deciding.version)
            signoff.check_comment(deciding.comment)
            seen = views(context.catalogue, await unit.profile(dossier_id), dossier)
            now = context.clock.now()
            after = signoff.forward(dossier, seen, now, eligible=deciding.eligible)
            kind = "accepted" if after.state is DossierState.ACCEPTED else "forwarded"
            decision = Decision(
                decision_id=deciding.decision_id,
                submission=dossier.submission,
                level=level,
                decision=kind,
                by=account_id,
                at=now,
                comment=deciding.comment,
                manifests=signoff.manifests_of(seen),
            )
            await _decide(context, unit, after, decision)
    return await get_dossier(context, account_id, dossier_id)


async def return_dossier(context: Context, account_id: str, dossier_id: str, deciding: Deciding) -> DossierView:
    """Send the dossier back to the applicant with the complete list.

    Raises `AppError` as `signoff.check_holds`, `signoff.give_back`, `signoff.check_version`,
    `signoff.check_comment`.
    """
    async with opened(context, account_id, dossier_id) as (unit, dossier, actor):
        if signoff.same_decision(dossier, deciding.decision_id) is None:
            level = reviewing(dossier, actor).organisation.level
            signoff.check_holds(dossier, level, account_id)
            signoff.check_version(dossier, deciding.version)
            signoff.check_comment(deciding.comment)
            seen = views(context.catalogue, await unit.profile(dossier_id), dossier)
            now = context.clock.now()
            after = signoff.give_back(dossier, seen, deciding.defects, now)
            decision = Decision(
                decision_id=deciding.decision_id,
                submission=dossier.submission,
                level=level,
                decision="returned",
                by=account_id,
                at=now,
                comment=deciding.comment,
                defects=tuple(deciding.defects),
                manifests=signoff.manifests_of(seen),
            )
            await _decide(context, unit, after, decision)
    return await get_dossier(context, account_id, dossier_id)


async def _decide(context: Context, unit: Unit, after: Dossier, decision: Decision) -> None:
    await unit.add_decision(after, decision)
    await unit.clear_draft_defects(after, decision.level)
    details: dict[str, str | int | bool] = {
        "decision": decision.decision_id,
        "level": decision.level,
        "kind": decision.decision,
        "submission": decision.submission,
        "defects": len(decision.defects),
    }
    await unit.audit(after, decision.decision, decision.by, details)
    unit.change(after, "decision")
    unit.announce_decision(after, decision)
    await refresh(context, unit, replace(after, decisions=(*after.decisions, decision)))
