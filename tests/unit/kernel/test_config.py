"""Settings of what a process tells of itself: an address, or a clear word about it."""

import pytest
from pydantic import ValidationError

from services.kernel.config import ServiceSettings, explain


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


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_between_nothing_and_all(share: float) -> None:
    with pytest.raises(ValidationError):
        ServiceSettings(trace_share=share)
