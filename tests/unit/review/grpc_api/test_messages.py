"""What people are told of a file's verdict."""

import pytest

from services.catalogue.findings import Finding
from services.review.domain.projection import view
from services.review.domain.records import Report
from services.review.grpc_api import messages
from tests.unit.review.builders import CATALOGUE, dossier, file, material, profile, report

TOO_LARGE = (Finding(code="pdf.page-too-large", rule_id="G-07", measured=None),)


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        (None, ""),
        (report(), "pass"),
        (report("fail", findings=TOO_LARGE), "fail"),
        (report("fail", findings=TOO_LARGE, fetched=False), "fail"),
    ],
)
def test_a_file_that_failed_never_passes_for_a_moment(told: Report | None, verdict: str) -> None:
    """Also not before the texts of its findings are here."""
    made = material(file(report=told))
    of = dossier(made)
    shown = messages.material(view(CATALOGUE, profile(), of, made), of, {})
    assert [each.verdict for each in shown.files] == [verdict]
