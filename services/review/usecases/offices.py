"""Organisations, offices, and what an actor may have done by the other services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.kernel.errors import AppError, Kind, not_found
from services.kernel.tokens import Claims, Tokens
from services.review.domain import signoff
from services.review.domain.records import Actor, Dossier, Organisation, Role
from services.review.usecases.context import Context, opened, own

#: Characters of a name in a token, which has to fit into a call's head.
_LONGEST_NAME = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """What an actor may do now: tokens by audience, and where."""

    organisation_path: str
    item_id: str
    tokens: Mapping[str, str]


async def authorise(
    context: Context, tokens: Tokens, account_id: str, dossier_id: str, action: str, material_id: str, component_id: str
) -> Grant:
    """Tokens for `upload`, `video` and `pdfcheck`, each naming actor, dossier, organisation and action.

    Raises `AppError` request.not-found, dossier.not-applicant, dossier.not-editable, catalogue.no-such-component.
    """
    async with opened(context, account_id, dossier_id) as (_, dossier, actor):
        item_id = ""
        if action in ("upload", "delete"):
            own(dossier, actor)
            signoff.check_editable(dossier)
        if action == "upload" and material_id:
            material = dossier.material(material_id)
            if material is None:
                raise not_found("material")
            item_id = material.item_id
            context.catalogue.item(item_id).component(component_id)
    viewer = await _viewer(context, dossier, actor)
    minted = {
        audience: tokens.mint(
            Claims(
                actor=account_id,
                audience=audience,
                organisation_path=dossier.organisation_path,
                dossier_id=dossier_id,
                action=action,
                viewer=viewer if audience == "pdfcheck" else "",
            )
        )
        for audience in ("upload", "video", "pdfcheck")
    }
    return Grant(organisation_path=dossier.organisation_path, item_id=item_id, tokens=minted)


async def _viewer(context: Context, dossier: Dossier, actor: Actor) -> str:
    """Who looks at somebody else's dossier, and for which organisation: what the pictures that they get say."""
    if actor.account_id == dossier.applicant_id:
        return ""
    office = actor.reviews(dossier)
    name = (await context.work.names([actor.account_id])).get(actor.account_id, "") or actor.account_id
    told = [name, office.organisation.name if office is not None else ""]
    return " · ".join(each[:_LONGEST_NAME] for each in told if each)


async def operator(context: Context, claims: Claims) -> None:
    """Raises `AppError` review.not-operator unless an operator, or the gateway setting up, asks."""
    if claims.is_service and claims.action == "operate":
        return
    if not (await context.work.actor(claims.actor)).is_operator:
        raise AppError("review.not-operator", Kind.FORBIDDEN)


async def put_organisation(context: Context, organisation: Organisation, parent_id: str) -> Organisation:
    """Create below its parent, or rename. Raises `AppError` organisation.no-parent, catalogue.no-such-route,
    organisation.bad-level, organisation.bad-identifier."""
    identifier = organisation.organisation_id
    if not identifier or not all(c.isascii() and (c.isalnum() or c == "-") for c in identifier):
        raise AppError("organisation.bad-identifier", Kind.INVALID)
    levels = [level.id for level in context.catalogue.sign_off.levels]
    if organisation.level not in levels:
        raise AppError("organisation.bad-level", Kind.INVALID, allowed=", ".join(levels))
    if organisation.level == "unit":
        context.catalogue.sign_off.route(organisation.kind)
    path = "/"
    if parent_id:
        parent = await context.work.organisation(parent_id)
        if parent is None:
            raise AppError("organisation.no-parent", Kind.INVALID)
        path = parent.path
    placed = Organisation(
        organisation_id=identifier,
        path=f"{path}{identifier}/",
        name=organisation.name,
        level=organisation.level,
        kind=organisation.kind,
    )
    await context.work.save_organisation(placed)
    return placed


async def list_organisations(context: Context, claims: Claims, after: str, size: int) -> Sequence[Organisation]:
    """Organisations at or below those of the actor; for an operator, all."""
    actor: Actor = await context.work.actor(claims.actor)
    if claims.is_service or actor.is_operator:
        return await context.work.organisations("/", after, size)
    found = {
        o.path: o for x in actor.offices for o in await context.work.organisations(x.organisation.path, after, size)
    }
    return [found[path] for path in sorted(found)][:size]


async def assign(context: Context, account_id: str, role: Role, organisation_id: str, name: str) -> None:
    """Give an office. Raises `AppError` organisation.unknown."""
    if await context.work.organisation(organisation_id) is None:
        raise AppError("organisation.unknown", Kind.INVALID)
    await context.work.assign(account_id, role, organisation_id, name)
