"""What arrives on the log's stream: one JSON object a line, correlated, and nothing personal."""

import io
import json
import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog

from services.kernel import telemetry
from services.kernel.redaction import REDACTED
from tests.samples import sample

ID_NUMBER = "510123197803150026"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
log = structlog.get_logger()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def restored() -> Iterator[None]:
    """Logging as it was, afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def stream(restored: None) -> io.StringIO:
    target = io.StringIO()
    telemetry.configure(service="upload", level="info", stream=target)
    return target


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def line(stream: io.StringIO) -> dict[str, object]:
    [only] = lines(stream)
    return only


def test_a_line_is_message_action_and_ids(stream: io.StringIO) -> None:
    log.info("file stored", action="upload.stored", file_id="f-1", size_bytes=3)
    written = line(stream)
    assert str(written.pop("timestamp")).endswith("Z")
    assert written == {
        "event": "file stored", "action": "upload.stored", "file_id": "f-1", "size_bytes": 3,
        "level": "info", "service": "upload",
    }  # fmt: skip


def test_personal_data_is_taken_out_and_counted(stream: io.StringIO) -> None:
    log.info(f"stored {ID_NUMBER}", action="x", file_name="张三.mp4", where=[f"张三{ID_NUMBER}.mp4"])
    assert "张三" not in stream.getvalue()
    assert ID_NUMBER not in stream.getvalue()
    assert line(stream)["redacted"] == 3


def test_an_exception_is_told_without_what_it_quotes(stream: io.StringIO) -> None:
    try:
        raise ValueError(f"Key (id)=({ID_NUMBER})\nDETAIL:  Key (name)=(张三) already exists.")
    except ValueError:
        log.exception("failed", action="x")
    told = str(line(stream)["exception"])
    assert "ValueError" in told
    assert REDACTED in told
    assert "张三" not in told
    assert ID_NUMBER not in told


def test_levels_are_kept(stream: io.StringIO) -> None:
    log.debug("too much", action="x")
    log.warning("enough", action="x")
    assert line(stream)["event"] == "enough"


def test_libraries_go_the_same_way(stream: io.StringIO) -> None:
    access = logging.getLogger("uvicorn.access")
    access.warning(
        '%s - "%s %s HTTP/%s" %d', "127.0.0.1", "GET", "/objects/files/k?filename=%E7%8E%8B&X-Key=a", "1.1", 200
    )
    logging.getLogger("grpc._cython.cygrpc").error("lost %s", ID_NUMBER)
    first, second = lines(stream)
    assert first["event"] == '127.0.0.1 - "GET /objects/files/k?… HTTP/1.1" 200'
    assert (first["logger"], first["service"]) == ("uvicorn.access", "upload")
    assert second["event"] == f"lost {REDACTED}"


def test_handlers_that_libraries_brought_are_taken_away(restored: None) -> None:
    logger, theirs = logging.getLogger("uvicorn.error"), io.StringIO()
    logger.addHandler(logging.StreamHandler(theirs))
    logger.propagate = False
    ours = io.StringIO()
    telemetry.configure(service="gateway", level="info", stream=ours)
    logger.info("started")
    assert theirs.getvalue() == ""
    assert line(ours)["event"] == "started"


def test_configuring_again_moves_every_logger(stream: io.StringIO) -> None:
    log.info("first", action="x")
    other = io.StringIO()
    telemetry.configure(service="video", level="info", stream=other)
    log.info("second", action="x")
    assert line(stream)["event"] == "first"
    assert (line(other)["event"], line(other)["service"]) == ("second", "video")


def test_a_python_warning_becomes_a_line(stream: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn(f"old {ID_NUMBER}", DeprecationWarning, stacklevel=1)
    assert ID_NUMBER not in stream.getvalue()
    assert line(stream)["logger"] == "py.warnings"


def test_a_terminal_gets_text_as_clean_as_the_json(restored: None) -> None:
    target = Terminal()
    telemetry.configure(service="upload", level="info", stream=target)
    try:
        raise ValueError(ID_NUMBER)
    except ValueError:
        log.exception("failed", action="x", file_name="张三.mp4")
    assert "failed" in target.getvalue()
    assert "ValueError" in target.getvalue()
    assert ID_NUMBER not in target.getvalue()
    assert "张三" not in target.getvalue()


def test_lines_inside_carry_trace_and_request(stream: io.StringIO) -> None:
    with telemetry.correlated(traceparent=TRACE, request_id="r-1"):
        assert telemetry.traceparent() == TRACE
        log.info("inside", action="x")
    log.info("outside", action="x")
    inside, outside = lines(stream)
    _, trace_id, span_id, _ = TRACE.split("-")
    assert (inside["trace_id"], inside["span_id"], inside["request_id"]) == (trace_id, span_id, "r-1")
    assert not {"trace_id", "span_id", "request_id"} & set(outside)
    assert telemetry.traceparent() == ""


def test_a_trace_whose_number_looks_like_a_person_is_none(stream: io.StringIO) -> None:
    with telemetry.correlated(traceparent=f"00-abcdefabcdef{ID_NUMBER}ab-b7ad6b7169203331-01"):
        log.info("inside", action="x")
    written = line(stream)
    assert written["trace_id"] == f"abcdefabcdef{ID_NUMBER}ab"
    assert "redacted" not in written


def test_lines_that_held_what_they_must_not_are_counted(stream: io.StringIO) -> None:
    before = sample("shenbao_log_lines_redacted_total")
    log.info("one", action="x", file_name="a", number=ID_NUMBER)
    log.info("two", action="x", file_id="f-1")
    assert sample("shenbao_log_lines_redacted_total") == before + 1


@pytest.mark.parametrize(
    "given", ["", "x", TRACE + "\n", TRACE.upper(), TRACE.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32)]
)
def test_a_trace_that_is_none_is_replaced(given: str, stream: io.StringIO) -> None:
    with telemetry.correlated(traceparent=given, request_id='a\n{"event":"forged"}'):
        fresh = telemetry.traceparent()
        log.info("inside", action="x")
    assert fresh != given
    assert len(fresh) == len(TRACE)
    assert "request_id" not in line(stream)


def test_a_repetitive_library_is_heard_once_in_a_while() -> None:
    now = 100.0
    spared = telemetry.Sparing(lambda: now)

    def told(name: str, message: str, *arguments: object) -> bool:
        return spared.filter(logging.LogRecord(name, logging.ERROR, "", 0, message, arguments, None))

    assert told("aiokafka.conn", "cannot connect to %s", "a")
    assert not told("aiokafka.conn", "cannot connect to %s", "b")
    assert told("aiokafka.conn", "another sentence")
    assert told("services", "cannot connect")
    assert told("services", "cannot connect")
    now += 30
    assert told("aiokafka.conn", "cannot connect to %s", "a")
