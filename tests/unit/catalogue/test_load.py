"""The catalogue that comes along is sound; changed for the worse, the complaint says where."""

from collections.abc import Callable

import pytest

from services.catalogue import load
from services.catalogue.lint import coverage
from services.catalogue.model import Catalogue
from services.catalogue.rule_ids import RULES
from services.catalogue.source import SourceError
from services.kernel.errors import AppError

MB = 2**20


def problems(change: Callable[[str], str], levels: Callable[[str], str] = str) -> tuple[str, ...]:
    with pytest.raises(SourceError) as caught:
        load.from_text(change(load.packaged(load.DATA)), levels(load.packaged(load.LEVELS)), name="c.yaml")
    return caught.value.problems


def swap(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load.default()


def test_it_has_every_entry_of_the_notice(catalogue: Catalogue) -> None:
    assert len(catalogue.items) == 50
    assert catalogue.version == "sichuan-2023.1"
    assert len(catalogue.sha256) == 64


def test_the_hash_is_of_the_data(catalogue: Catalogue) -> None:
    texts = load.packaged(load.DATA), load.packaged(load.LEVELS)
    assert load.from_text(*texts).sha256 == catalogue.sha256
    assert load.from_text(texts[0] + "\n", texts[1]).sha256 != catalogue.sha256
    assert load.from_text(texts[0], texts[1] + "\n").sha256 != catalogue.sha256


def test_items_are_found_by_id_and_by_number(catalogue: Catalogue) -> None:
    for item in catalogue.items:
        assert catalogue.item(item.id) is catalogue.item(item.number) is item


def test_an_item_that_is_not_there_is_a_clear_error(catalogue: Catalogue) -> None:
    with pytest.raises(AppError) as caught:
        catalogue.item("15.2")
    assert caught.value.code == "catalogue.no-such-item"
    assert caught.value.params["given"] == "15.2"


def test_limits(catalogue: Catalogue) -> None:
    education = catalogue.item("1")
    assert catalogue.page_bytes(education) == 5 * MB == 5242880
    assert catalogue.item_bytes(education) == 40 * MB == 41943040
    assert catalogue.duration_limit_s(education) is None
    video = catalogue.item("15.2a")
    assert (catalogue.page_bytes(video), catalogue.item_bytes(video)) == (None, None)
    assert catalogue.duration_limit_s(video) == 1200.5
    assert video.disc is not None
    assert video.disc.capacity_bytes == 4700372992


def test_medical_records_alone_are_exempt_and_only_from_the_total(catalogue: Catalogue) -> None:
    documents = [item for item in catalogue.items if not item.is_video]
    exempt = {item.number for item in documents if catalogue.item_bytes(item) is None}
    assert exempt == {item.number for item in documents if item.medical_record} == {"15.1", "15.2b"}
    assert {catalogue.page_bytes(item) for item in documents} == {5 * MB}


def test_final_media_and_parts(catalogue: Catalogue) -> None:
    assert [item.number for item in catalogue.items if item.is_video] == ["15.2a"]
    for item in catalogue.items:
        expected = ("mp4",) if item.is_video else ("pdf", "jpeg", "png", "tiff", "heic")
        assert item.part_media == expected
    assert catalogue.mergeable == ("pdf", "jpeg", "png", "tiff", "heic")


def test_lengths_of_texts(catalogue: Catalogue) -> None:
    limited = {
        (item.number, part.id): part.text_max_chars
        for item in catalogue.items
        for part in item.components
        if part.text_max_chars is not None
    }
    assert limited == {("15.2b", "intro"): 2000, ("15.10", "intro"): 2000}


def test_every_rule_is_known_and_carried_out(catalogue: Catalogue) -> None:
    assert len(RULES) == 173
    assert [rule for rule, carrier in coverage(catalogue).items() if not carrier] == []


@pytest.mark.parametrize(
    ("kind", "levels"),
    [
        ("county_unit", ("unit", "county", "city", "province")),
        ("city_unit", ("unit", "city", "province")),
        ("provincial_unit", ("unit", "province")),
        ("private_county_unit", ("unit", "county", "city", "province")),
        ("private_city_unit", ("unit", "city", "province")),
    ],
)
def test_routes(catalogue: Catalogue, kind: str, levels: tuple[str, ...]) -> None:
    assert catalogue.sign_off.route(kind).levels == levels


def test_a_kind_of_unit_without_a_route_is_a_clear_error(catalogue: Catalogue) -> None:
    with pytest.raises(AppError) as caught:
        catalogue.sign_off.route("central_unit")
    assert caught.value.code == "catalogue.no-such-route"


def test_three_confirmations(catalogue: Catalogue) -> None:
    kinds = [confirmation.id for confirmation in catalogue.sign_off.confirmations]
    assert kinds == ["compared_with_original", "legible", "authentic"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (swap("title_zh: 学历材料", "titel_zh: 学历材料"), "items[0].titel_zh: unknown key"),
        (swap("page_mb: 5", "page_mb: five"), "items[0].limits.page_mb: "),
        (swap("  - id: degree\n", "  - id: education\n"), "'education' is used 2 times"),
        (swap("number: '2'", "number: '1'"), "'1' is used 2 times"),
        (swap("applies_when: has_degree", "applies_when: has_a_degree"), "unknown name 'has_a_degree'"),
        (
            swap("applies_when: has_degree", "applies_when: has_degree and"),
            "expected a name, a text or a number at column",
        ),
        (swap("rules: [M01-01", "rules: [M01-99"), "there is no rule 'M01-99'"),
        (swap("of: [chsi_report,", "of: [chsi_reports,"), "there is no component 'chsi_reports'"),
        (swap("follows: surgery_video", "follows: surgery_film"), "there is no item 'surgery_film'"),
        (swap("choose: exactly_one", "choose: whichever"), "alternatives[0].choose: "),
        (swap("id: moe_register_form", "id: chsi_report"), "'chsi_report' is used 2 times"),
        (
            swap("    reason: {zh: 有本专业学位", "    notes: [x]\n    reason: {zh: 有本专业学位"),
            "notes stands here twice",
        ),
        (swap("id: paper_disc", "id: paper_study"), "'paper_study' is used 2 times"),
        (
            swap("checklist_when: path ==", "checklist_when: way =="),
            "items[10].paper.checklist_when: unknown name 'way'",
        ),
        (swap("required: always}", "required: when}"), "`required: when` needs `when`"),
    ],
)
def test_a_wrong_catalogue_is_refused_with_file_line_and_path(change: Callable[[str], str], expected: str) -> None:
    found = problems(change)
    assert any(expected in problem for problem in found), found
    assert all(problem.startswith("c.yaml:") for problem in found)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (swap("[unit, province]", "[unit, moon]"), "routes[2].levels[1]: there is no level 'moon'"),
        (swap("[unit, province]", "[province, unit]"), "routes[2].levels: levels are not in order"),
        (swap("[unit, province]", "[unit, unit]"), "routes[2].levels: levels are not in order, or one"),
        (swap("kind: city_unit", "kind: county_unit"), "routes[1]: 'county_unit' stands here twice"),
        (swap("id: legible", "ids: legible"), "confirmations[1].ids: unknown key"),
    ],
)
def test_wrong_levels_are_refused(change: Callable[[str], str], expected: str) -> None:
    found = problems(str, change)
    assert any(expected in problem for problem in found), found
    assert all(problem.startswith("levels.yaml:") for problem in found)
