"""A running process opens the connections that docs/settings.md counts, and no others."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import text

from services.kernel.db.owner import connected
from services.kernel.db.roles import role_of
from tests.cluster import Cluster

POOL, OVERFLOW, EVENTS, DEADLINE_S = 2, 1, 3, 60.0
#: Opened once and kept, by role.
FIXED = {
    "relay": ["shenbao-listen-shenbao_upload_outbox", "shenbao-upload-leader"],
    "consumer": ["shenbao-events-upload"],
    "worker": ["shenbao-listen-shenbao_upload_jobs"],
}
_OPEN = text("SELECT application_name FROM pg_stat_activity WHERE datname = current_database() AND usename = :role")


async def opened(cluster: Cluster, database: str) -> Counter[str]:
    async with connected(cluster.superuser_url(database)) as connection:
        return Counter((await connection.execute(_OPEN, {"role": role_of("upload")})).scalars())


@pytest.mark.parametrize("roles", ["api", "relay", "consumer", "worker", "api,consumer,relay,worker"])
async def test_what_a_process_opens(cluster: Cluster, database_name: str, tmp_path: Path, roles: str) -> None:
    url = cluster.url(role_of("upload"), database_name)
    environment = {
        **os.environ,
        "SHENBAO_UPLOAD_DATABASE": url,
        "SHENBAO_EVENTS": url.replace("postgresql+asyncpg", "embedded+postgresql"),
        "SHENBAO_OBJECTS": (tmp_path / "objects").as_uri(),
        "SHENBAO_ROLES": roles,
        "SHENBAO_POOL_SIZE": str(POOL),
        "SHENBAO_POOL_OVERFLOW": str(OVERFLOW),
    }
    expected = Counter(name for role in roles.split(",") for name in FIXED.get(role, []))
    command = [sys.executable, "-m", "services.upload"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:  # noqa: ASYNC220 - nothing else runs in this loop
        try:
            ends = time.monotonic() + DEADLINE_S
            found = Counter[str]()
            while not (expected <= found and found["shenbao-upload"]) and time.monotonic() < ends:
                assert process.poll() is None
                found = await opened(cluster, database_name)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
    pools = {"shenbao-upload": POOL + OVERFLOW, "shenbao-events": EVENTS}
    assert found - Counter(pools) == expected
    assert sum(found.values()) <= sum(expected.values()) + sum(pools.values())
