"""Fixtures that every kind of test may use."""

import gc
from collections.abc import Iterator

import pytest

from services.cli.embedded.platform import free_ports
from tests import cluster as clusters
from tests import object_server as object_servers
from tests import servers
from tools.stack.kafka import Broker

gc.disable()  # until everything is collected


def pytest_collection_finish() -> None:
    """Seven thousand tests stay to the end: nobody need look whether they are garbage."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[clusters.Cluster]:
    """One PostgreSQL server for the worker process."""
    server, prepared = clusters.start(tmp_path_factory.mktemp("pg"))
    yield prepared
    server.stop()


@pytest.fixture
async def database_name(cluster: clusters.Cluster) -> str:
    """A fresh, migrated database."""
    return await cluster.fresh()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One Kafka broker for the worker process."""
    port, controller_port = free_ports(2)
    folder = tmp_path_factory.mktemp("kafka")
    with Broker(folder=folder, port=port, controller_port=controller_port, jars=servers.needed("kafka")) as running:
        yield running


@pytest.fixture(scope="session")
def object_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object_servers.ObjectServer]:
    """One S3 server for the worker process."""
    with object_servers.running(tmp_path_factory.mktemp("versitygw")) as server:
        yield server


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What could not be tested is said in one line each."""
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", ())]
    for line in servers.summary(reasons):
        terminalreporter.write_line(line, red=True, bold=True)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A test is named for its argument where the value is bytes: files made by code differ from worker to worker."""
    return argname if isinstance(val, bytes) else None
