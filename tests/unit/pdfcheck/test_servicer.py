"""The servicer has whatever its parts say that they work with; mypy does not see an attribute that nobody sets."""

import inspect
from typing import Any, cast

import pytest

from services.pdfcheck.grpc_api.servicer import PdfcheckApi

ANYTHING = cast("Any", object())
PARTS = [part for part in PdfcheckApi.__mro__ if inspect.get_annotations(part) and part is not PdfcheckApi]


def test_there_are_parts() -> None:
    assert len(PARTS) >= 4


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_a_part_has_what_it_works_with(part: type) -> None:
    names = ("reports", "store", "queue", "previews", "qualities", "suggestions", "catalogue", "twins", "coach", "desk")
    made = PdfcheckApi(**dict.fromkeys(names, ANYTHING), expires_s=60)
    assert [name for name in inspect.get_annotations(part) if not hasattr(made, name)] == []
