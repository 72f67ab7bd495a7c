"""One file, one trace: from the browser's request through every process to the report that the reviewer reads.

`test_given_servers` has the same tests for real servers.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.text_format import MessageToString

from services.kernel.tracing import Attribute
from tests import otlp, small_dossier
from tests.e2e.conftest import WITHOUT_BACKGROUND, Platform, started
from tests.otlp import Collector, Told

pytestmark = [pytest.mark.xdist_group("tracing"), pytest.mark.timeout(180)]
FILE_NAME = "何药师学历证明"
COMPLETION = "POST /api/v1/dossiers/{dossier_id}/uploads/{upload_id}/completion"
#: Who does what for one document, in the order in which it first begins.
JOURNEY = [
    ("gateway", COMPLETION),
    ("gateway", "upload.v1.UploadService/CompleteUpload"),
    ("upload", "upload.v1.UploadService/CompleteUpload"),
    ("upload", "storage complete_upload"),
    ("upload", "publish shenbao.upload.file-stored.v1"),
    ("pdfcheck", "pdfcheck hears shenbao.upload.file-stored.v1"),
    ("pdfcheck", "job pdfcheck check"),
    ("pdfcheck", "upload.v1.UploadService/DescribeFile"),
    ("upload", "upload.v1.UploadService/DescribeFile"),
    ("pdfcheck", "sandbox documents"),
    ("pdfcheck", "publish shenbao.pdfcheck.document-checked.v1"),
    ("review", "review hears shenbao.pdfcheck.document-checked.v1"),
    ("review", "job review fetch-document-report"),
    ("pdfcheck", "pdfcheck.v1.PdfcheckService/GetReport"),
]
#: `review` asks for the file's name as well, perhaps before `pdfcheck` asks for the file.
ASKED_BY_TWO = ("upload", "upload.v1.UploadService/DescribeFile")


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """Of this platform's spans."""
    with otlp.collecting() as running:
        yield running


@pytest.fixture(scope="module")
def platform(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One whose every process sends spans."""
    with started(
        tmp_path_factory.mktemp("traced") / "data", SHENBAO_OTLP=collector.address, **WITHOUT_BACKGROUND
    ) as running:
        yield running


@pytest.fixture(scope="module")
def journey(platform: Platform, collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> list[Told]:
    """The spans of the trace in which a file of a named person was completed."""
    person = platform.client("applicant")
    made = person.send("POST", "/api/v1/dossiers", json={"profile": small_dossier.PROFILE})
    material = small_dossier.materials(made)["education"]["material_id"]
    page = small_dossier.page(tmp_path_factory.mktemp("page"), "education", seed=1)
    page = page.rename(page.with_name(f"{FILE_NAME}{small_dossier.PROFILE['id_number']}.pdf"))
    person.upload(made["dossier_id"], material, small_dossier.COMPONENTS["education"], page)

    def checked(dossier: dict[str, object]) -> bool:
        return bool(small_dossier.materials(dossier)["education"]["status"] == "passed")

    person.wait(made["dossier_id"], checked, deadline_s=60)
    return _trace(collector.wait(lambda spans: _whole(_trace(spans))))


def _trace(spans: list[Told]) -> list[Told]:
    found = {told.trace_id for told in spans if told.span.name == COMPLETION}
    return [told for told in spans if told.trace_id in found]


def _whole(trace: list[Told]) -> bool:
    """Every process sends in batches of its own, and the merge goes on: a part may arrive before its parent."""
    return {(told.service, told.span.name) for told in trace} >= set(JOURNEY) and not _orphans(trace)


def _orphans(trace: list[Told]) -> list[str]:
    known = {told.span.span_id for told in trace}
    return [told.span.name for told in trace if told.span.parent_span_id not in {b"", *known}]


def test_one_trace_holds_the_whole_journey(journey: list[Told]) -> None:
    assert {(told.service, told.span.name) for told in journey} >= set(JOURNEY)


def test_it_begins_in_the_order_of_the_journey(journey: list[Told]) -> None:
    began: dict[tuple[str, str], int] = {}
    for told in sorted(journey, key=lambda told: told.span.start_time_unix_nano):
        began.setdefault((told.service, told.span.name), told.span.start_time_unix_nano)
    order = [began[step] for step in JOURNEY if "publish" not in step[1] and step != ASKED_BY_TWO]
    assert order == sorted(order)


def test_every_parent_is_in_the_trace_and_one_span_has_none(journey: list[Told]) -> None:
    assert [told.span.name for told in journey if not told.span.parent_span_id] == [COMPLETION]
    assert _orphans(journey) == []
    assert len({told.trace_id for told in journey}) == 1


def test_a_job_says_which_it_is_and_how_it_ended(journey: list[Told]) -> None:
    [job] = [told.attributes for told in journey if told.span.name == "job pdfcheck check"]
    assert (job[Attribute.JOB_STAGE], job[Attribute.JOB_OUTCOME], job[Attribute.JOB_ATTEMPT]) == ("check", "done", "1")


def test_nothing_personal_leaves(journey: list[Told], collector: Collector) -> None:
    assert journey
    sent = "\n".join(MessageToString(request, as_utf8=True) for request in collector.requests)
    escaped = "\n".join(MessageToString(request) for request in collector.requests)
    for personal in (small_dossier.PROFILE["name"], small_dossier.PROFILE["id_number"], FILE_NAME, "李川明"):
        assert personal not in sent
    for word in ("shenbao=", "traceparent", "X-Key", "SELECT "):
        assert word not in escaped
    allowed = {str(key) for key in Attribute}
    assert {key for told in collector.spans for key in told.attributes} <= allowed


def test_a_stranger_cannot_join_a_trace(platform: Platform, collector: Collector, journey: list[Told]) -> None:
    person = platform.client("unit")
    foreign = "0af7651916cd43dd8448eb211c80319c"
    before = sum(told.span.name.startswith("GET /api/v1/session") for told in collector.spans)
    person._http.get("/api/v1/session", headers={"traceparent": f"00-{foreign}-b7ad6b7169203331-01"})

    def arrived(spans: list[Told]) -> bool:
        return sum(told.span.name.startswith("GET /api/v1/session") for told in spans) > before

    spans = collector.wait(arrived)
    assert foreign not in {told.trace_id for told in spans}


def test_log_lines_of_a_trace_name_it(platform: Platform, collector: Collector, journey: list[Told]) -> None:
    person = platform.client("applicant-other")
    answer = person._http.get(f"/api/v1/dossiers/{'0' * 8}-0000-0000-0000-{'0' * 12}")
    request_id = answer.headers["x-request-id"]

    def arrived(spans: list[Told]) -> bool:
        return any(told.attributes.get(Attribute.REQUEST_ID) == request_id for told in spans)

    spans = collector.wait(arrived)
    [trace_id] = {told.trace_id for told in spans if told.attributes.get(Attribute.REQUEST_ID) == request_id}
    lines = [json.loads(line) for line in _log(platform.folder.logs / "review.log") if line.startswith("{")]
    assert [line["code"] for line in lines if line.get("trace_id") == trace_id] == ["request.not-found"]


def _log(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()
