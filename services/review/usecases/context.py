"""What every use case is given, and how a dossier is found for somebody."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from services.catalogue.model import Catalogue
from services.kernel.clock import Clock
from services.kernel.errors import AppError, Kind, not_found
from services.kernel.ids import Ids
from services.review.domain.projection import MaterialView, views, worst
from services.review.domain.records import Actor, Dossier, Office
from services.review.ports import Facts, Scope, Unit, Work


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The ports and values of the service."""

    work: Work
    facts: Facts
    catalogue: Catalogue
    clock: Clock
    ids: Ids
    audit_key: bytes


@asynccontextmanager
async def opened(context: Context, account_id: str, dossier_id: str) -> AsyncIterator[tuple[Unit, Dossier, Actor]]:
    """A transaction over a dossier that the account may see, scoped to the account's organisation.

    Raises `AppError` request.not-found for every other dossier, there or not.
    """
    actor = await context.work.actor(account_id)
    for path in sorted({office.organisation.path for office in actor.offices}):
        async with context.work.begin(Scope(organisation_path=path)) as unit:
            dossier = await unit.dossier(dossier_id)
            if dossier is not None and actor.may_see(dossier):
                yield unit, dossier, actor
                return
    raise not_found("dossier")


def own(dossier: Dossier, actor: Actor) -> None:
    """Only the applicant may change a dossier. Raises `AppError` dossier.not-applicant."""
    if dossier.applicant_id != actor.account_id:
        raise AppError("dossier.not-applicant", Kind.FORBIDDEN)


def reviewing(dossier: Dossier, actor: Actor) -> Office:
    """The office in which the actor reviews it. Raises `AppError` review.not-reviewer."""
    office = actor.reviews(dossier)
    if office is None:
        raise AppError("review.not-reviewer", Kind.FORBIDDEN)
    return office


async def refresh(context: Context, unit: Unit, dossier: Dossier) -> tuple[MaterialView, ...]:
    """Work out every status anew, ask for the merges and discs that are missing, write what changed.

    The one place where a dossier is written; called last in every transaction that changed something.
    """
    profile = await unit.profile(dossier.dossier_id)
    seen = views(context.catalogue, profile, dossier)
    for view in seen:
        material = view.material
        if view.recipe_sha256 != material.announced_recipe:
            material = replace(material, announced_recipe=view.recipe_sha256, version=material.version + 1)
            unit.announce_material_changed(dossier, material, view.parts, view.recipe_sha256)
        if view.wants_merge and material.requested_recipe != view.recipe_sha256:
            material = replace(material, requested_recipe=view.recipe_sha256)
            unit.announce_merge_requested(dossier, material, view.parts, view.recipe_sha256)
        if view.wants_disc and material.requested_disc != view.wants_disc:
            material = replace(material, requested_disc=view.wants_disc)
            unit.announce_disc_requested(dossier, material, view.files[0])
        await unit.save_material(dossier, material, view.status)
    await unit.save_dossier(dossier, worst([view.status for view in seen]))
    return seen
