"""Facts survive the way through the sandbox, and what is not facts is refused there."""

import pytest

from services.pdfcheck.domain.facts import DocumentFacts, Health, Json, PageSize, from_json

FACTS = DocumentFacts(
    size_bytes=10,
    media_type="application/pdf",
    health=Health.REPAIRED,
    pages=(PageSize(size_bytes=4, exact=False), PageSize(size_bytes=5, shared_font_bytes=2)),
    encrypted=True,
    owner_restricted=True,
    signed=True,
    active=("launch",),
    embedded_files=1,
    width_px=3,
    height_px=2,
)


def test_there_and_back() -> None:
    assert from_json(FACTS.to_json()) == FACTS


def test_what_is_shown() -> None:
    shown = FACTS.shown()
    assert shown["page_bytes"] == [4, 5]
    assert shown["largest_page_bytes"] == 5
    assert (shown["pages"], shown["encrypted"], shown["signed"], shown["images_only"]) == (2, True, True, False)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size_bytes", -1),
        ("size_bytes", True),
        ("size_bytes", "10"),
        ("health", "fine"),
        ("pages", "1"),
        ("pages", [[1]]),
        ("active", None),
    ],
)
def test_another_shape_is_refused(key: str, value: Json) -> None:
    with pytest.raises(ValueError):
        from_json({**FACTS.to_json(), key: value})


def test_a_missing_field_is_refused() -> None:
    told = FACTS.to_json()
    del told["health"]
    with pytest.raises(KeyError):
        from_json(told)
