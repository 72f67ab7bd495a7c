"""Pages that are in several dossiers, for whoever reviews them; an applicant never learns of another dossier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.kernel.errors import AppError, Kind
from services.kernel.tokens import Claims, Tokens
from services.review.domain.records import Actor, Dossier, Material
from services.review.ports import TwinPage
from services.review.usecases.context import Context, opened

#: What the token for `pdfcheck` is minted for; no grant that leaves this service is for that.
ACTION = "compare"
#: Told of one page, and other dossiers that are opened for one answer.
MOST_OF_A_PAGE, MOST_DOSSIERS = 5, 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Other:
    """A material of another dossier, as its reviewer knows it."""

    dossier: Dossier
    material: Material
    applicant_name: str
    organisation_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedPage:
    """A page of a material, and where it is as well."""

    material_id: str
    twin: TwinPage
    other: Other


async def list_twins(
    context: Context, tokens: Tokens, account_id: str, dossier_id: str, material_id: str
) -> Sequence[SharedPage]:
    """Pages of the files in use that are in somebody else's dossier too, in files in use there; of one material, or of
    all. Dossiers that the actor may not review, or is the applicant of, are not among them.

    Raises `AppError` request.not-found, review.own-dossier, review.not-reviewer.
    """
    dossier, actor = await _seen(context, account_id, dossier_id)
    token = _token(tokens, dossier, actor)
    wanted = [each for each in dossier.materials if material_id in ("", each.material_id)]
    holding = {file.file_id: each.material_id for each in wanted for file in each.files}
    if not holding:
        return []
    told = await context.facts.twins(token, dossier_id, sorted(holding))
    found: dict[tuple[str, int], list[SharedPage]] = {}
    others: dict[str, Mapping[str, Other]] = {}
    for twin in told:
        shown = found.setdefault((twin.file_id, twin.page), [])
        if twin.file_id not in holding or len(shown) == MOST_OF_A_PAGE:
            continue
        if twin.other_dossier_id not in others and len(others) < MOST_DOSSIERS:
            others[twin.other_dossier_id] = await _others(context, actor, dossier, twin.other_dossier_id)
        other = others.get(twin.other_dossier_id, {}).get(twin.other_file_id)
        if other is not None:
            shown.append(SharedPage(material_id=holding[twin.file_id], twin=twin, other=other))
    return [each for shown in found.values() for each in shown]


async def _seen(context: Context, account_id: str, dossier_id: str) -> tuple[Dossier, Actor]:
    async with opened(context, account_id, dossier_id) as (_, dossier, actor):
        return dossier, actor


async def _others(context: Context, actor: Actor, dossier: Dossier, other_id: str) -> Mapping[str, Other]:
    """The materials of a dossier by the files that they hold; none of one that the actor is not to be told of."""
    try:
        other, _ = await _seen(context, actor.account_id, other_id)
    except AppError as error:
        if error.kind is Kind.NOT_FOUND:
            return {}
        raise
    if other.applicant_id in (dossier.applicant_id, actor.account_id) or actor.reviews(other) is None:
        return {}
    organisation = await context.work.organisation(other.organisation_id)
    name = (await context.work.names([other.applicant_id])).get(other.applicant_id, "")
    return {
        file.file_id: Other(
            dossier=other, material=each, applicant_name=name,
            organisation_name="" if organisation is None else organisation.name,
        )
        for each in other.materials
        for file in each.files
    }  # fmt: skip


def _token(tokens: Tokens, dossier: Dossier, actor: Actor) -> str:
    """Names the dossier, and the office below which both have to lie. Raises `AppError`."""
    if dossier.applicant_id == actor.account_id:
        raise AppError("review.own-dossier", Kind.FORBIDDEN)
    office = actor.compares(dossier)
    if office is None:
        raise AppError("review.not-reviewer", Kind.FORBIDDEN)
    return tokens.mint(
        Claims(
            actor=actor.account_id, audience="pdfcheck", organisation_path=office.organisation.path,
            dossier_id=dossier.dossier_id, action=ACTION,
        )
    )  # fmt: skip
