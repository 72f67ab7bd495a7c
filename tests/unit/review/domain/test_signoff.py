"""Who may submit, forward and return when."""

from dataclasses import replace

import pytest

from services.kernel.errors import AppError
from services.review.domain import signoff
from services.review.domain.manifest import manifest_sha256
from services.review.domain.projection import MaterialView, views
from services.review.domain.records import (
    Actor,
    Decision,
    Defect,
    Dossier,
    DossierState,
    Material,
    Office,
    Organisation,
    Role,
)
from tests.unit.review.builders import CATALOGUE, NOW, assembled, confirmation, dossier, file, material, profile


def look(of: Dossier) -> tuple[MaterialView, ...]:
    return views(CATALOGUE, profile(), of)


def good(material_id: str = "m1") -> Material:
    return assembled(material(file(f"f-{material_id}"), material_id=material_id))


def confirmed_at(level: str, made: Material) -> Material:
    return replace(made, confirmations=(confirmation(level, manifest_sha256(CATALOGUE, made)),))


def code_of(failed: pytest.ExceptionInfo[AppError]) -> str:
    return failed.value.code


def test_submitting_goes_to_the_first_level_of_the_route() -> None:
    draft = dossier(good())
    after = signoff.submit(draft, look(draft), NOW, declared=True)
    assert (after.state, after.level, after.submission, after.reached) == (DossierState.IN_REVIEW, "unit", 1, ("unit",))
    assert after.version == draft.version + 1


def test_submitting_needs_the_declaration() -> None:
    draft = dossier(good())
    with pytest.raises(AppError) as failed:
        signoff.submit(draft, look(draft), NOW, declared=False)
    assert code_of(failed) == "dossier.declaration-missing"


def test_submitting_names_everything_that_is_missing() -> None:
    draft = dossier(good(), material(material_id="m2"), material(material_id="m3", item_id="appointment"))
    with pytest.raises(AppError) as failed:
        signoff.submit(draft, look(draft), NOW, declared=True)
    assert code_of(failed) == "dossier.incomplete"
    assert failed.value.params["materials"] == 2
    assert "appointment#1:missing" in str(failed.value.params["what"])


def test_an_empty_dossier_cannot_be_submitted() -> None:
    with pytest.raises(AppError):
        signoff.submit(dossier(), (), NOW, declared=True)


@pytest.mark.parametrize("state", [DossierState.IN_REVIEW, DossierState.ACCEPTED])
def test_only_drafts_and_returned_dossiers_can_be_submitted(state: DossierState) -> None:
    held = dossier(good(), state=state)
    with pytest.raises(AppError) as failed:
        signoff.submit(held, look(held), NOW, declared=True)
    assert code_of(failed) == "dossier.not-editable"


def at_unit(*materials: Material, **changes: object) -> Dossier:
    return dossier(*materials, state=DossierState.IN_REVIEW, level="unit", reached=("unit",), submission=1, **changes)


def test_forwarding_passes_every_level_in_order_and_the_last_accepts() -> None:
    held = at_unit(good())
    for level, following in (("unit", "county"), ("county", "city"), ("city", "province"), ("province", "")):
        assert held.level == level
        held = replace(held, materials=(confirmed_at(level, held.materials[0]),))
        held = signoff.forward(held, look(held), NOW, eligible=True)
        assert held.level == following
    assert held.state is DossierState.ACCEPTED


@pytest.mark.parametrize("route", [("unit", "city", "province"), ("unit", "province")])
def test_city_and_provincial_units_skip_levels(route: tuple[str, ...]) -> None:
    held = at_unit(confirmed_at("unit", good()), route=route)
    assert signoff.forward(held, look(held), NOW, eligible=True).level == route[1]


def test_forwarding_needs_every_confirmation_and_eligibility() -> None:
    held = at_unit(confirmed_at("unit", good()), good("m2"))
    with pytest.raises(AppError) as failed:
        signoff.forward(held, look(held), NOW, eligible=True)
    assert code_of(failed) == "review.not-confirmed"
    with pytest.raises(AppError) as failed:
        signoff.forward(held, look(held), NOW, eligible=False)
    assert code_of(failed) == "review.not-eligible"


def test_a_return_is_a_complete_list() -> None:
    held = at_unit(confirmed_at("unit", good()), good("m2"), good("m3"))
    with pytest.raises(AppError) as failed:
        signoff.give_back(held, look(held), [Defect(material_id="m2", reason="模糊")], NOW)
    assert code_of(failed) == "review.not-all-judged"
    both = [Defect(material_id="m2", reason="模糊"), Defect(material_id="m3", reason="缺章")]
    after = signoff.give_back(held, look(held), both, NOW)
    assert (after.state, after.level) == (DossierState.RETURNED, "")


@pytest.mark.parametrize(
    ("defects", "code"),
    [
        ([], "review.no-defects"),
        ([Defect(material_id="nowhere", reason="x")], "review.unknown-material"),
        ([Defect(material_id="m1", reason=" ")], "review.bad-reason"),
        ([Defect(material_id="m1", reason="x" * 1001)], "review.bad-reason"),
    ],
)
def test_a_return_needs_defects_of_known_materials_with_reasons(defects: list[Defect], code: str) -> None:
    held = at_unit(good())
    with pytest.raises(AppError) as failed:
        signoff.give_back(held, look(held), defects, NOW)
    assert code_of(failed) == code


def test_a_level_returns_the_same_material_unchanged_only_if_it_named_it() -> None:
    one, two = good("m1"), good("m2")
    before = Decision(
        decision_id="x",
        submission=1,
        level="unit",
        decision="returned",
        by="r",
        at=NOW,
        defects=(Defect(material_id="m1", reason="模糊"),),
        manifests={m.material_id: manifest_sha256(CATALOGUE, m) for m in (one, two)},
    )
    held = at_unit(confirmed_at("unit", one), two, decisions=(before,))
    with pytest.raises(AppError) as failed:
        signoff.give_back(held, look(held), [Defect(material_id="m2", reason="新问题")], NOW)
    assert code_of(failed) == "review.return-once"
    again = at_unit(one, confirmed_at("unit", two), decisions=(before,))
    assert signoff.give_back(again, look(again), [Defect(material_id="m1", reason="仍模糊")], NOW).state


def office(path: str, level: str, role: Role = Role.REVIEWER) -> Office:
    return Office(role=role, organisation=Organisation(organisation_id="o", path=path, name="o", level=level))


@pytest.mark.parametrize(
    ("account", "offices", "sees"),
    [
        ("applicant", (), True),
        ("other", (), False),
        ("r", (office("/sc/cd/jc/h1/", "unit"),), True),
        ("r", (office("/sc/cd/jc/", "county"),), False),  # it has not come that far
        ("r", (office("/sc/cd/jc/h2/", "unit"),), False),
        ("r", (office("/sc/cd/j/", "unit"),), False),
        ("r", (office("/sc/", "province", Role.OPERATOR),), False),
    ],
)
def test_who_sees_a_dossier_at_the_unit(account: str, offices: tuple[Office, ...], sees: bool) -> None:
    assert Actor(account_id=account, offices=offices).may_see(at_unit(good())) is sees


def test_nobody_reviews_his_own_dossier_and_only_the_level_that_holds_it_decides() -> None:
    held = at_unit(good())
    with pytest.raises(AppError) as failed:
        signoff.check_holds(held, "unit", "applicant")
    assert code_of(failed) == "review.own-dossier"
    with pytest.raises(AppError) as failed:
        signoff.check_holds(held, "county", "r")
    assert code_of(failed) == "dossier.not-at-level"


def test_acting_on_an_old_version_is_refused() -> None:
    with pytest.raises(AppError) as failed:
        signoff.check_version(dossier(), 0)
    assert (code_of(failed), failed.value.params["current"]) == ("request.stale-version", 1)
