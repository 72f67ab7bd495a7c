"""Settings that are no address, and those that contradict each other, are refused by name."""

import pytest
from pydantic import ValidationError

from services.kernel.config import ServiceSettings, explain
from services.kernel.jobs.worker import HEARTBEAT_S


@pytest.mark.parametrize("value", ["", "http://127.0.0.1:4317", "https://collector.observability.svc:4317"])
def test_a_collector_is_an_address(value: str) -> None:
    assert ServiceSettings(otlp=value).otlp == value


@pytest.mark.parametrize(
    "value", ["127.0.0.1:4317", "http://collector", "http://u:secret@c:4317", "http://c:4317/v1/traces", "grpc://c:1"]
)
def test_anything_else_is_refused_by_name_and_never_repeated(value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ServiceSettings(otlp=value)
    told = explain(caught.value)
    assert told.startswith("SHENBAO_OTLP: ")
    assert "http://host:port" in told
    assert value not in told


@pytest.mark.parametrize("value", ["", "127.0.0.1:9100", "[::1]:9100", "0.0.0.0:65535", "localhost:0"])
def test_metrics_listen_on_host_and_port(value: str) -> None:
    assert ServiceSettings(metrics_listen=value).metrics_listen == value


@pytest.mark.parametrize("value", ["9100", ":9100", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:x"])
def test_anything_else_is_no_address(value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ServiceSettings(metrics_listen=value)
    assert explain(caught.value).startswith("SHENBAO_METRICS_LISTEN: ")


def test_a_lease_lasts_some_heartbeats() -> None:
    assert ServiceSettings(job_lease_s=5 * HEARTBEAT_S).job_lease_s == 10
    with pytest.raises(ValidationError) as refused:
        ServiceSettings(job_lease_s=9.9)
    assert "SHENBAO_JOB_LEASE_S" in explain(refused.value)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_between_nothing_and_all(share: float) -> None:
    with pytest.raises(ValidationError):
        ServiceSettings(trace_share=share)


@pytest.mark.parametrize(("log", "inbox", "jobs"), [(60, 60, 90), (7, 90, 90), (7, 90, 60), (61, 60, 90)])
def test_a_memory_outlives_the_one_whose_repeats_it_absorbs(log: int, inbox: int, jobs: int) -> None:
    with pytest.raises(ValidationError) as refused:
        ServiceSettings(keep_log_days=log, keep_inbox_days=inbox, keep_jobs_days=jobs)
    told = explain(refused.value)
    for name in ("SHENBAO_KEEP_LOG_DAYS", "SHENBAO_KEEP_INBOX_DAYS", "SHENBAO_KEEP_JOBS_DAYS"):
        assert name in told


def test_an_inbox_outlives_what_kafka_keeps() -> None:
    with pytest.raises(ValidationError) as refused:
        ServiceSettings(events="kafka://a:9092", keep_inbox_days=30)
    assert "SHENBAO_KEEP_INBOX_DAYS (30)" in explain(refused.value)
    assert ServiceSettings(events="kafka://a:9092", keep_inbox_days=31).keep_inbox_days == 31


def test_one_day_apart_is_enough() -> None:
    assert ServiceSettings(keep_log_days=1, keep_inbox_days=2, keep_jobs_days=3).keep_jobs_days == 3
