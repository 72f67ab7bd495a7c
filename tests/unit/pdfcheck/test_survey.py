"""What the library leaves out for want of memory is noticed."""

import io
import logging
import re
from pathlib import Path

import pikepdf
import pytest

from services.pdfcheck.tools import survey
from tests.assets import pdf_fixtures as made


def said(text: str) -> None:
    logging.getLogger("pikepdf._core").warning(text)


@pytest.mark.parametrize(
    "text",
    [
        "/proc/self/fd/7 (object 7 0): treating object as null because of error during parsing: std::bad_alloc",
        "object 3/0: error reading object: std::bad_alloc",
    ],
)
def test_a_job_that_left_something_out_has_run_out_of_memory(text: str) -> None:
    with pytest.raises(MemoryError), survey.nothing_lost():  # noqa: PT012 - it is raised at the end
        said(text)
        said("object 4/0: something that came after it")


@pytest.mark.parametrize(
    "text",
    [
        "object 7/0: parse error while reading object",
        "object 7/0: treating object as null because of error during parsing: unexpected EOF",
        "error decoding stream data for object 4 0: std::bad_alloc",  # it is written as it stands
        "a name with 100 % in it: %s",
    ],
)
def test_what_the_file_itself_lacks_is_not_a_matter_of_memory(
    text: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with survey.nothing_lost():
        said(text)
    assert caplog.messages == []
    assert capfd.readouterr() == ("", "")
    said("heard again")
    assert caplog.messages == ["heard again"]


def test_another_error_is_not_covered() -> None:
    with pytest.raises(KeyError), survey.nothing_lost():  # noqa: PT012 - both happen within
        said("object 3/0: error reading object: std::bad_alloc")
        raise KeyError


def taken_over(path: Path) -> None:
    with survey.nothing_lost():
        job = pikepdf.Job(["qpdf", "--empty", "--warning-exit-0", "--pages", str(path), "1-z", "--", "unused.pdf"])
        with job.create_pdf() as pdf:
            pdf.save(io.BytesIO())


def test_jobs_tell_of_the_files_that_they_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Running out of memory at one object cannot be arranged: here one that cannot be read counts as that."""
    monkeypatch.setattr(survey, "_NO_MEMORY", re.compile("too many errors"))
    monkeypatch.setattr(survey, "_OBJECT_LOST", re.compile("giving up on reading object"))
    whole = made.pdf_of([made.scan_jpeg(1)])
    path = tmp_path / "document.pdf"
    path.write_bytes(whole)
    taken_over(path)
    path.write_bytes(whole.replace(b"/Subtype /Image", b"/Subtype (Imag("))
    with pytest.raises(MemoryError):
        taken_over(path)
