"""Who is told of a page in another dossier: its reviewers, of dossiers that they may review, and nobody else."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from services.kernel.clock import SystemClock
from services.kernel.errors import AppError
from services.kernel.tokens import Claims, TokenKey, Tokens
from services.review.domain.records import Dossier, DossierState, Role
from services.review.ports import Facts, Scope, TwinPage
from services.review.usecases import comparing
from services.review.usecases.comparing import SharedPage, list_twins
from services.review.usecases.context import Context, refresh
from services.review.usecases.dossiers import get_dossier
from tests.integration.review.conftest import office
from tests.integration.review.test_watching import opened
from tests.unit.review.builders import file

TOKENS = Tokens([TokenKey(key_id="a", secret="s" * 32)], SystemClock())


@dataclass(slots=True)
class Found:
    """What `pdfcheck` knows, and with which tokens it was asked."""

    twins: Sequence[TwinPage]
    tokens: list[Claims] = field(default_factory=list)
    file_ids: Sequence[str] = ()

    async def twins_of(self, token: str, dossier_id: str, file_ids: Sequence[str]) -> Sequence[TwinPage]:
        self.tokens.append(TOKENS.verify(token, audience="pdfcheck"))
        self.file_ids = file_ids
        return self.twins


class Asked:
    """The one question of the port that is asked here."""

    def __init__(self, found: Found) -> None:
        self.twins = found.twins_of


def asking(context: Context, *twins: TwinPage) -> tuple[Context, Found]:
    found = Found(twins)
    return replace(context, facts=cast("Facts", Asked(found))), found


def twin(other: Dossier, file_id: str = "f", page: int = 1) -> TwinPage:
    return TwinPage(
        file_id=file_id, page=page, other_dossier_id=other.dossier_id, other_file_id=f"file-{other.dossier_id}",
        other_page=2, likeness=0.9,
    )  # fmt: skip


async def holding(context: Context, dossier: Dossier, file_id: str = "", *reached: str) -> Dossier:
    """With one file, at the last of these levels."""
    material = next(each for each in dossier.materials if each.item_id == "education")
    async with context.work.begin(Scope(organisation_path=dossier.organisation_path)) as unit:
        found = await unit.dossier(dossier.dossier_id)
        assert found is not None
        held = file(file_id or f"file-{dossier.dossier_id}", "chsi_report")
        await unit.save_file(found, material.material_id, held)
        at = {"state": DossierState.IN_REVIEW, "level": reached[-1], "submission": 1} if reached else {}
        await refresh(context, unit, replace(found, **at, reached=reached))  # type: ignore[arg-type]
    return (await get_dossier(context, dossier.applicant_id, dossier.dossier_id)).dossier


async def told(context: Context, account_id: str, dossier: Dossier, material_id: str = "") -> list[str]:
    found = await list_twins(context, TOKENS, account_id, dossier.dossier_id, material_id)
    return [each.other.dossier.dossier_id for each in found]


async def refused(context: Context, account_id: str, dossier: Dossier) -> str:
    with pytest.raises(AppError) as caught:
        await told(context, account_id, dossier)
    return caught.value.code


async def test_a_reviewer_is_told_with_names_and_asks_for_the_own_office(context: Context) -> None:
    mine = await holding(context, await opened(context, "a"), "f", "unit", "county")
    other = await holding(context, await opened(context, "b", "h2"), "", "unit", "county")
    county = await office(context, "county", Role.REVIEWER, "jc")
    context, found = asking(context, twin(other))
    [shared] = await list_twins(context, TOKENS, county, mine.dossier_id, "")
    assert isinstance(shared, SharedPage)
    assert (shared.other.applicant_name, shared.other.organisation_name) == ("李川明", "机构h2")
    assert shared.other.material.item_id == "education"
    assert shared.material_id == next(each.material_id for each in mine.materials if each.files)
    [claims] = found.tokens
    assert (claims.action, claims.organisation_path, claims.dossier_id) == ("compare", "/sc/cd/jc/", mine.dossier_id)
    assert list(found.file_ids) == ["f"]


async def test_an_applicant_is_not_told_and_nothing_is_asked_for_him(context: Context) -> None:
    mine = await holding(context, await opened(context, "a"), "f", "unit")
    other = await holding(context, await opened(context, "b"), "", "unit")
    context, found = asking(context, twin(other))
    assert await refused(context, "a", mine) == "review.own-dossier"
    await office(context, "a", Role.REVIEWER, "h1")
    assert await refused(context, "a", mine) == "review.own-dossier"
    assert await refused(context, "b", mine) == "request.not-found"
    assert found.tokens == []


async def test_an_applicant_who_reviews_others_is_not_told_of_the_own_dossier(context: Context) -> None:
    mine = await holding(context, await opened(context, "a"), "f", "unit")
    own = await holding(context, await opened(context, "b"), "", "unit")
    await office(context, "b", Role.REVIEWER, "h1")
    context, _ = asking(context, twin(own))
    assert await told(context, "b", mine) == []


async def test_a_dossier_that_has_not_reached_the_level_is_not_told(context: Context) -> None:
    mine = await holding(context, await opened(context, "a"), "f", "unit", "county")
    draft = await holding(context, await opened(context, "b"))
    at_the_unit = await holding(context, await opened(context, "c"), "", "unit")
    here = await holding(context, await opened(context, "e", "h2"), "", "unit", "county")
    county = await office(context, "county", Role.REVIEWER, "jc")
    unit = await office(context, "unit", Role.REVIEWER, "h1")
    context, _ = asking(context, twin(draft), twin(at_the_unit), twin(here))
    assert await told(context, county, mine) == [here.dossier_id]
    assert await told(context, unit, mine) == [at_the_unit.dossier_id]


async def test_reviewers_elsewhere_find_nothing(context: Context) -> None:
    mine = await holding(context, await opened(context, "a"), "f", "unit")
    stranger = await office(context, "stranger", Role.REVIEWER, "h2")
    county = await office(context, "county", Role.REVIEWER, "jc")
    operator = await office(context, "operator", Role.OPERATOR, "sc")
    context, found = asking(context, twin(mine))
    for account_id in (stranger, county, operator):
        assert await refused(context, account_id, mine) == "request.not-found"
    assert found.tokens == []


async def test_of_several_offices_the_widest_that_was_reached_asks(context: Context) -> None:
    mine = await holding(context, await opened(context, "a"), "f", "unit", "county")
    other = await holding(context, await opened(context, "b", "h2"), "", "unit", "county")
    for organisation_id in ("h1", "jc", "cd"):
        await office(context, "r", Role.REVIEWER, organisation_id)
    context, found = asking(context, twin(other))
    assert await told(context, "r", mine) == [other.dossier_id]
    assert found.tokens[0].organisation_path == "/sc/cd/jc/"


async def test_files_that_are_not_in_use_any_more_are_passed_over(context: Context) -> None:
    mine = await holding(context, await opened(context, "a"), "f", "unit")
    other = await holding(context, await opened(context, "b"), "", "unit")
    unit = await office(context, "unit", Role.REVIEWER, "h1")
    context, _ = asking(context, twin(other, file_id="gone"), replace(twin(other), other_file_id="gone"))
    assert await told(context, unit, mine) == []


async def test_the_same_persons_dossier_of_another_cycle_is_nobody_elses(context: Context) -> None:
    mine = await holding(context, await opened(context, "a"), "f", "unit")
    earlier = replace(mine, dossier_id="earlier", cycle=mine.cycle - 1, materials=())
    async with context.work.begin(Scope(organisation_path=mine.organisation_path)) as unit_of_work:
        profile = await unit_of_work.profile(mine.dossier_id)
        assert await unit_of_work.create_dossier(earlier, profile)
        material = replace(mine.materials[0], material_id="earlier", files=())
        await refresh(context, unit_of_work, replace(earlier, materials=(material,)))
        await unit_of_work.save_file(earlier, "earlier", file("file-earlier", "chsi_report"))
    unit = await office(context, "unit", Role.REVIEWER, "h1")
    context, found = asking(context, twin(earlier))
    assert await told(context, unit, mine) == []
    assert len(found.tokens) == 1


async def test_of_one_material_only_and_a_few_of_one_page(context: Context) -> None:
    mine = await holding(context, await opened(context, "a"), "f", "unit")
    unit = await office(context, "unit", Role.REVIEWER, "h1")
    others = [
        await holding(context, await opened(context, f"b{number}"), "", "unit")
        for number in range(comparing.MOST_OF_A_PAGE + 1)
    ]
    context, found = asking(context, *(twin(each) for each in others), twin(others[0], page=2))
    held = next(each.material_id for each in mine.materials if each.files)
    empty = next(each.material_id for each in mine.materials if not each.files)
    assert await told(context, unit, mine, empty) == []
    assert found.tokens == []
    assert len(await told(context, unit, mine, held)) == comparing.MOST_OF_A_PAGE + 1
