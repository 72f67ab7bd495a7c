"""Each process of a running platform tells its metrics and its health on an address of its own, and nowhere else."""

import time
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from services.cli.embedded.platform import free_ports
from services.kernel.db.roles import SERVICES
from services.kernel.events.port import PARTITIONS
from tests import small_dossier
from tests.e2e.conftest import WITHOUT_BACKGROUND, Platform, started

pytestmark = [pytest.mark.xdist_group("metrics"), pytest.mark.timeout(180)]
PORTS: dict[str, int] = {}
DEADLINE_S = 30.0
STORED, CHECKED = "shenbao.upload.file-stored.v1", "shenbao.pdfcheck.document-checked.v1"
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One whose every process listens for Prometheus; the setting for a single process is not taken for all five."""
    PORTS.update(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
    listening = {f"SHENBAO_{name.upper()}_METRICS_LISTEN": f"127.0.0.1:{port}" for name, port in PORTS.items()}
    folder = tmp_path_factory.mktemp("measured") / "data"
    with started(folder, **listening, SHENBAO_METRICS_LISTEN="127.0.0.1:1", **WITHOUT_BACKGROUND) as running:
        yield running


def ask(service: str, path: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{PORTS[service]}{path}", trust_env=False, timeout=10)


def scrape(service: str) -> Series:
    """(name, labels without `component`) → value."""
    found: Series = {}
    for family in text_string_to_metric_families(ask(service, "/metrics").text):
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("component") == service
            found[sample.name, frozenset(labels.items())] = sample.value
    return found


def value(series: Series, name: str, **labels: str) -> float:
    return series.get((name, frozenset(labels.items())), 0.0)


@pytest.fixture(scope="module")
def used(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Series]:
    """What each service tells after a document was uploaded and passed."""
    person = platform.client("applicant")
    made = person.send("POST", "/api/v1/dossiers", json={"profile": small_dossier.PROFILE})
    material = small_dossier.materials(made)["education"]["material_id"]
    page = small_dossier.page(tmp_path_factory.mktemp("page"), "education", seed=1)
    person.upload(made["dossier_id"], material, small_dossier.COMPONENTS["education"], page)

    def checked(dossier: dict[str, object]) -> bool:
        return bool(small_dossier.materials(dossier)["education"]["status"] == "passed")

    person.wait(made["dossier_id"], checked, deadline_s=60)
    ends = time.monotonic() + DEADLINE_S
    while not _counted() and time.monotonic() < ends:
        """What is counted is counted a moment after it is committed."""
    return {service: scrape(service) for service in SERVICES}


def _counted() -> bool:
    done = value(scrape("pdfcheck"), "shenbao_jobs_finished_total", stage="check", outcome="done")
    heard = value(scrape("review"), "shenbao_events_consumed_total", event=CHECKED)
    return done >= 1 and heard >= 1


@pytest.mark.parametrize("service", SERVICES)
def test_every_process_lives_and_is_ready(platform: Platform, service: str) -> None:
    alive, ready = ask(service, "/healthz"), ask(service, "/readyz")
    assert (alive.status_code, ready.status_code) == (200, 200), (alive.text, ready.text)
    loops = {"event-loop"} if service == "gateway" else {"event-loop", "relay", "consumer", "worker"}
    assert set(alive.json()["age_s"]) == loops
    parts = {"started", "database"} if service == "gateway" else {"started", "database", "events"}
    assert set(ready.json()["parts"]) == parts


def test_the_public_port_has_no_metrics(platform: Platform) -> None:
    assert httpx.get(f"{platform.url}/metrics", trust_env=False).status_code == 404


def test_a_file_is_counted_on_its_way(used: dict[str, Series]) -> None:
    upload, pdfcheck, review = used["upload"], used["pdfcheck"], used["review"]
    assert value(upload, "shenbao_upload_bytes_total") > 1000
    assert value(upload, "shenbao_events_published_total", event=STORED) == 1
    assert value(pdfcheck, "shenbao_events_consumed_total", event=STORED) == 1
    assert value(pdfcheck, "shenbao_event_delivery_seconds_count", event=STORED) == 1
    assert value(pdfcheck, "shenbao_verdict_latency_seconds_count", kind="document") == 1
    assert value(pdfcheck, "shenbao_jobs_finished_total", stage="check", outcome="done") == 1
    assert value(pdfcheck, "shenbao_jobs_finished_total", stage="pixels", outcome="done") == 1
    assert value(pdfcheck, "shenbao_sandbox_run_duration_seconds_count", profile="documents", outcome="ok") >= 1
    assert value(review, "shenbao_events_consumed_total", event=CHECKED) == 2, "its structure, and then its pictures"
    assert value(review, "shenbao_relay_leader") == 1
    assert value(review, "shenbao_consumer_partitions") == 3 * PARTITIONS
    assert value(review, "shenbao_database_connections", state="allowed") == 8
    method = "upload.v1.UploadService/CompleteUpload"
    assert value(used["gateway"], "shenbao_grpc_client_duration_seconds_count", method=method, code="OK") == 1
    assert value(upload, "shenbao_grpc_server_duration_seconds_count", method=method, code="OK") == 1
    route = "/api/v1/dossiers/{dossier_id}/uploads/{upload_id}/completion"
    labels = {"method": "POST", "route": route, "status": "2xx"}
    assert value(used["gateway"], "shenbao_http_request_duration_seconds_count", **labels) == 1


async def test_stages_that_are_held_wait(platform: Platform, used: dict[str, Series]) -> None:
    engine = create_async_engine(platform.superuser_url)
    async with engine.connect() as connection:
        asked = text("SELECT stage, state, attempts FROM pdfcheck.jobs WHERE stage IN ('check', 'quality')")
        rows = {row.stage: (row.state, row.attempts) for row in await connection.execute(asked)}
    await engine.dispose()
    assert rows == {"check": ("done", 1), "quality": ("queued", 0)}


@pytest.mark.parametrize("service", [service for service in SERVICES if service != "gateway"])
def test_what_stands_in_database_and_log_is_told(used: dict[str, Series], service: str) -> None:
    names = {name for name, _ in used[service]}
    assert {"shenbao_jobs", "shenbao_outbox_events", "shenbao_storage_bytes"} <= names
    assert value(used[service], "shenbao_state_refreshed_timestamp_seconds", source="lag") > 0
    assert value(used[service], "shenbao_state_refreshed_timestamp_seconds", source="letters") > 0


def test_no_label_holds_anything_personal(used: dict[str, Series]) -> None:
    person = small_dossier.PROFILE
    told = "".join(ask(service, "/metrics").text for service in SERVICES)
    for personal in (person["name"], person["id_number"], "education-1", "/sc/"):
        assert personal not in told
