"""Every metric of the platform: the one table. Names begin with `shenbao_`, units are seconds, bytes and records.

Labels take few values, all known beforehand: a stage, a route's template, a method of a contract, a constant. No id, no
name, no address, no text of an error ever is one. `component` is on every series and says which service it is
(`metrics_page`; Prometheus has a `service` of its own in Kubernetes). Every replica tells the same of the database and
the log: take `max by`.

Tests hold the dashboard and the alerts of `deploy/grafana` to this table.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

#: From a call on loopback to a long merge.
_CALLS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_WORK = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_LOOP = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table, as tests read it."""

    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]


#: Name → line. Counters end in `_total`; a histogram adds `_bucket`, `_sum` and `_count`.
TABLE: dict[str, Row] = {}


class JobOutcome(StrEnum):
    """How one run of a job ended."""

    DONE = "done"
    #: It failed and will run again.
    RETRIED = "retried"
    #: It failed for good.
    DEAD = "dead"
    CANCELLED = "cancelled"
    #: Given back by a worker that stops.
    RELEASED = "released"
    #: Another worker has it now, or how it ended could not be written down.
    LOST = "lost"


def _counter(name: str, text: str, *labels: str) -> Counter:
    TABLE[name] = Row("counter", labels)
    return Counter(name, text, labels, registry=REGISTRY)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    TABLE[name] = Row("gauge", labels)
    return Gauge(name, text, labels, registry=REGISTRY)


def _histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    TABLE[name] = Row("histogram", labels)
    return Histogram(name, text, labels, registry=REGISTRY, buckets=buckets)


# The process.
BUILD_INFO = _gauge("shenbao_build_info", "Always 1; what runs", "version", "roles")
READY = _gauge("shenbao_ready", "1 while a part is there: started, database, events", "part")
LOOP_AGE = _gauge("shenbao_loop_age_seconds", "Since a long-running loop last ticked", "loop")
EVENT_LOOP_LAG = _histogram("shenbao_event_loop_lag_seconds", "How late a timer of the event loop is", _LOOP)
DATABASE_CONNECTIONS = _gauge("shenbao_database_connections", "Connections of the pool: used, allowed", "state")
LOG_LINES_REDACTED = _counter("shenbao_log_lines_redacted_total", "Log lines that held what they must not")
SPANS_EXPORTED = _counter("shenbao_spans_exported_total", "Spans sent to the collector or lost", "outcome")

# Calls.
HTTP_DURATION = _histogram(
    "shenbao_http_request_duration_seconds", "Requests until the last byte", _CALLS, "method", "route", "status"
)
GRPC_SERVER_DURATION = _histogram("shenbao_grpc_server_duration_seconds", "Calls answered", _CALLS, "method", "code")
GRPC_CLIENT_DURATION = _histogram(
    "shenbao_grpc_client_duration_seconds", "Calls made, with their repeats", _CALLS, "method", "code"
)

# Work: what is written in the database is told by processes with the role `relay`, every `state_metrics.EVERY_S`.
JOBS = _gauge("shenbao_jobs", "Jobs queued, leased, dead", "stage", "state")
JOBS_OLDEST_WAITING = _gauge("shenbao_jobs_oldest_waiting_seconds", "Age of the oldest job that waits", "stage")
JOBS_FINISHED = _counter("shenbao_jobs_finished_total", "Runs of jobs by how they ended", "stage", "outcome")
JOB_DURATION = _histogram("shenbao_job_duration_seconds", "One run of a job", _WORK, "stage")
VERDICT_LATENCY = _histogram(
    "shenbao_verdict_latency_seconds", "From a file being stored to its verdict being committed", _WORK, "kind"
)
SANDBOX_DURATION = _histogram(
    "shenbao_sandbox_run_duration_seconds",
    "Runs in the sandbox; killed ones by which limit",
    _WORK,
    "profile",
    "outcome",
)

# Events: an event's type is its label; a group is named like its service.
OUTBOX_EVENTS = _gauge("shenbao_outbox_events", "Events committed and not yet sent")
OUTBOX_OLDEST = _gauge("shenbao_outbox_oldest_seconds", "Age of the oldest of them; 0 when there is none")
RELAY_LEADER = _gauge("shenbao_relay_leader", "1 while this process sends the service's events")
EVENTS_PUBLISHED = _counter("shenbao_events_published_total", "Events sent to the log", "event")
EVENTS_CONSUMED = _counter("shenbao_events_consumed_total", "Events handled, also without effect", "event")
EVENTS_DEAD_LETTERED = _counter("shenbao_events_dead_lettered_total", "Records set aside", "topic")
EVENT_DELIVERY = _histogram(
    "shenbao_event_delivery_seconds", "From an event's making to its handler's begin", _WORK, "event"
)
CONSUMER_LAG = _gauge("shenbao_consumer_lag_records", "Records that the group has yet to read", "topic")
CONSUMER_PARTITIONS = _gauge("shenbao_consumer_partitions", "Partitions that this member owns")
DEAD_LETTERS = _gauge("shenbao_dead_letters", "Dead letters that nobody has settled", "topic")
STATE_REFRESHED = _gauge(
    "shenbao_state_refreshed_timestamp_seconds", "When what is told of the database or the log was read", "source"
)

# Files.
STORAGE_DURATION = _histogram(
    "shenbao_storage_call_duration_seconds", "Calls of the object store", _CALLS, "operation", "outcome"
)
STORAGE_BYTES = _gauge("shenbao_storage_bytes", "Bytes of the disk that holds the objects: free, total", "state")
UPLOAD_BYTES = _counter("shenbao_upload_bytes_total", "Bytes of completed uploads")


def about_verdict(kind: str, version: int, since_stored: timedelta) -> None:
    """A file was judged; only the first judgement is an answer to its being stored, a later one to its renaming."""
    if version == 1:
        VERDICT_LATENCY.labels(kind=kind).observe(max(0.0, since_stored.total_seconds()))


@dataclass(slots=True)
class Watch:
    """What one measured thing came to; `outcome` is set by whoever knows."""

    outcome: str


@contextmanager
def timed(histogram: Histogram, *labels: str, outcome: str) -> Iterator[Watch]:
    """Observe how long the block takes; the last label is the outcome, `outcome` unless the block sets another."""
    watch = Watch(outcome)
    began = time.perf_counter()
    try:
        yield watch
    finally:
        histogram.labels(*labels, watch.outcome).observe(time.perf_counter() - began)
