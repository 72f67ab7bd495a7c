"""The table of metrics keeps its own rules, and the page tells it with the service on every series."""

import re
from datetime import timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.kernel import metrics
from services.kernel.health import Liveness, Readiness
from services.kernel.metrics_page import MetricsPage, OfComponent

#: Label → why it has few values.
BOUNDED = {
    "version": "one per release", "roles": "one per kind of process", "part": "constants", "loop": "constants",
    "state": "constants", "outcome": "constants, classes of errors of a port", "method": "HTTP's, the contracts'",
    "route": "templates of routes", "status": "five classes", "code": "gRPC's", "stage": "tables of jobs",
    "event": "tables of handlers", "topic": "topics", "source": "constants", "operation": "methods of a port",
    "profile": "constants", "kind": "constants",
}  # fmt: skip
_UNITS = {
    "histogram": ("_seconds", "_bytes"),
    "counter": ("_total",),
}


@pytest.mark.parametrize("name", metrics.TABLE)
def test_a_metric_is_named_by_the_rules(name: str) -> None:
    row = metrics.TABLE[name]
    assert re.fullmatch(r"shenbao_[a-z]+(_[a-z]+)*", name)
    assert name.endswith(_UNITS.get(row.kind, ("",)))
    assert not (row.kind == "gauge" and name.endswith("_total"))
    assert set(row.labels) <= set(BOUNDED)


def test_every_bounded_label_is_used() -> None:
    assert {label for row in metrics.TABLE.values() for label in row.labels} == set(BOUNDED)


def test_nobody_makes_a_metric_beside_the_table() -> None:
    told = {family.name for family in metrics.REGISTRY.collect() if not family.name.startswith(("process_",))}
    assert told == {name.removesuffix("_total") for name in metrics.TABLE}


def test_the_page_names_the_service_on_every_series_and_parses() -> None:
    metrics.JOBS.labels(stage="test-page", state="queued").set(3)
    metrics.JOBS_FINISHED.labels(stage="test-page", outcome="done").inc()
    page = MetricsPage("127.0.0.1:0", OfComponent(metrics.REGISTRY, "video"), Liveness(1), Readiness())
    try:
        answer = httpx.get(f"http://127.0.0.1:{page.port}/metrics", trust_env=False)
    finally:
        page.close()
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    assert {sample.labels["component"] for sample in samples} == {"video"}
    assert not [sample.name for sample in samples if sample.name.endswith("_created")]
    [queued] = [s.value for s in samples if s.name == "shenbao_jobs" and s.labels["stage"] == "test-page"]
    assert queued == 3
    assert metrics.REGISTRY.get_sample_value("shenbao_jobs", {"stage": "test-page", "state": "queued"}) == 3


@pytest.mark.parametrize(("version", "observed"), [(1, 1), (2, 0)])
def test_only_a_first_verdict_answers_to_an_upload(version: int, observed: int) -> None:
    def count() -> float:
        return metrics.REGISTRY.get_sample_value("shenbao_verdict_latency_seconds_count", {"kind": "document"}) or 0

    before = count()
    metrics.about_verdict("document", version, timedelta(seconds=-1))  # clocks of two machines
    assert count() - before == observed


def test_what_is_timed_says_how_it_ended() -> None:
    def count(outcome: str) -> float:
        labels = {"operation": "test-timed", "outcome": outcome}
        return metrics.REGISTRY.get_sample_value("shenbao_storage_call_duration_seconds_count", labels) or 0

    with metrics.timed(metrics.STORAGE_DURATION, "test-timed", outcome="ok"):
        pass
    with metrics.timed(metrics.STORAGE_DURATION, "test-timed", outcome="ok") as watch:
        watch.outcome = "broke"
    assert (count("ok"), count("broke")) == (1, 1)
