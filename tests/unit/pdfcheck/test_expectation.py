"""What a name promises; one that is unknown promises nothing."""

import pytest

from services.catalogue.sniff import MediaType
from services.pdfcheck.usecases.expectation import expected_type


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("学历.pdf", MediaType.PDF),
        ("A.PDF", MediaType.PDF),
        ("照片.JPEG", MediaType.JPEG),
        ("x.jpg", MediaType.JPEG),
        ("x.png", MediaType.PNG),
        ("x.pdf.mp4", MediaType.MP4),
        ("x.tiff", MediaType.TIFF),
        ("x.docx", MediaType.OFFICE_OPEN),
        ("x.unknown", None),
        ("pdf", None),
        (".pdf", None),
        ("", None),
    ],
)
def test_promise(name: str, expected: MediaType | None) -> None:
    assert expected_type(name) is expected
