"""Advice as a value: why a page is large, what is chosen, and what is kept of it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.pdfcheck.domain import coaching
from services.pdfcheck.domain.coaching import (
    Advice,
    Derivation,
    Method,
    Offer,
    PageAdvice,
    PictureFacts,
    Reason,
    Refusal,
    reasons_of,
)

MB = 2**20


def offer(method: Method, page_bytes: int, *, fits: bool = True, ssim: float = 0.99) -> Offer:
    return Offer(
        method=method, page_bytes=page_bytes, ssim=ssim, dpi=300, quality=90, pictures=1, fits=fits,
        keys={"file": f"k/{method}"}, paths=((("/Resources", "/XObject", "/Im0"),),),
    )  # fmt: skip


def page(number: int, size: int, *offers: Offer, file_id: str = "f1", refusal: Refusal | None = None) -> PageAdvice:
    return PageAdvice(file_id=file_id, page=number, size_bytes=size, offers=offers, refusal=refusal)


def picture(size_bytes: int = MB, **more: object) -> PictureFacts:
    given: dict[str, object] = {"kind": "jpeg", "dpi": 300.0, "quality": 85, **more}
    return PictureFacts(width_px=2480, height_px=3508, size_bytes=size_bytes, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pictures", "other", "reasons"),
    [
        ([picture()], 0, []),
        ([picture(dpi=coaching.USEFUL_DPI)], 0, []),
        ([picture(dpi=coaching.USEFUL_DPI + 1)], 0, [Reason.RESOLUTION]),
        ([picture(quality=coaching.USEFUL_QUALITY)], 0, []),
        ([picture(quality=coaching.USEFUL_QUALITY + 1)], 0, [Reason.QUALITY]),
        ([picture(kind="lossless", quality=0)], 0, [Reason.LOSSLESS]),
        ([picture(kind="bilevel", quality=0)], 0, [Reason.BILEVEL]),
        ([picture(), picture()], 0, [Reason.SEVERAL_PICTURES]),
        ([picture(), picture(MB // 20, quality=99)], 0, []),
        ([picture()], MB, [Reason.OTHER]),
        ([], MB, [Reason.OTHER]),
        ([], 0, []),
    ],
)
def test_reasons_name_what_weighs(pictures: list[PictureFacts], other: int, reasons: list[Reason]) -> None:
    assert list(reasons_of(pictures, other)) == reasons


def test_of_a_file_every_page_that_fits_then_is_taken() -> None:
    fits, does_not = offer(Method.VISUAL, 4 * MB), offer(Method.VISUAL, 6 * MB, fits=False)
    advice = Advice(advice_id="a", pages=(page(1, 7 * MB, fits), page(2, 9 * MB, does_not), page(3, 6 * MB)))
    assert [each.page for each in advice.chosen(Method.VISUAL)] == [1]
    assert advice.chosen(Method.LOSSLESS) == ()
    assert not advice.suffices(Method.VISUAL)
    assert replace(advice, pages=advice.pages[:1]).suffices(Method.VISUAL)
    assert not Advice(advice_id="a").suffices(Method.VISUAL)


def item(excess: int, over: int, *saved: int) -> Advice:
    pages = tuple(page(n, 3 * MB, offer(Method.VISUAL, 3 * MB - each)) for n, each in enumerate(saved, start=1))
    return Advice(advice_id="a", pages=pages, recipe_sha256="r", excess_bytes=excess, over_bytes=over)


@pytest.mark.parametrize(
    ("excess", "chosen"), [(1, [2]), (500, [2]), (501, [2, 3]), (900, [2, 3]), (901, [2, 3, 1]), (5000, [2, 3, 1])]
)
def test_of_an_item_the_largest_savings_and_no_more_than_are_needed(excess: int, chosen: list[int]) -> None:
    advice = item(excess, 1, 100, 500, 400, 0)
    assert [each.page for each in advice.chosen(Method.VISUAL)] == chosen


@pytest.mark.parametrize(("over", "suffices"), [(1000, True), (1001, False)])
def test_an_item_is_helped_once_it_is_within_its_limit(over: int, suffices: bool) -> None:
    advice = item(2000, over, 600, 400)
    assert advice.saved_bytes(Method.VISUAL) == 1000
    assert advice.suffices(Method.VISUAL) is suffices


@pytest.mark.parametrize(("limit", "target"), [(5 * MB, 5_000_000), (5_000_001, 5_000_000), (4_999_999, 4_999_999)])
def test_both_readings_of_five_megabytes_are_met(limit: int, target: int) -> None:
    assert coaching.page_target(limit) == target


def test_what_is_kept_comes_back() -> None:
    advised = replace(page(2, 7 * MB, offer(Method.VISUAL, MB)), pictures=(picture(),), reasons=(Reason.QUALITY,))
    advice = Advice(
        advice_id="a", pages=(advised, page(3, 6 * MB, refusal=Refusal.NOT_ENOUGH)), refusal=Refusal.SIGNED,
        recipe_sha256="r", excess_bytes=3, over_bytes=2, tools={"pikepdf": "10"},
    )  # fmt: skip
    assert coaching.from_json(coaching.to_json(advice)) == advice


@pytest.mark.parametrize(
    "wrong", [{"page": "x"}, {"reasons": ["because"]}, {"refusal": "no"}, {"offers": [{"method": "magic"}]}]
)
def test_what_a_sandbox_should_not_say_is_refused(wrong: dict[str, object]) -> None:
    told = {**coaching.page_to_json(page(1, MB)), **wrong}
    with pytest.raises((ValueError, KeyError, TypeError)):
        coaching.page_from_json(told)


def test_a_derivation_is_as_like_as_its_worst_page() -> None:
    pages = tuple(page(n, MB, offer(Method.VISUAL, 9, ssim=ssim)) for n, ssim in ((1, 0.995), (2, 0.987)))
    made = Derivation(
        file_id="n", from_file_id="f", advice_id="a", method=Method.VISUAL, pages=pages, asked_by="p",
        asked_at=datetime(2023, 6, 1, tzinfo=UTC),
    )  # fmt: skip
    assert made.least_ssim == 0.987
    assert replace(made, method=Method.LOSSLESS).least_ssim == 1
