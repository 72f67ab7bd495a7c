"""`kill -9` of everything at one point of a journey, start again, go on as a browser would: nothing that was
acknowledged is lost, nothing is done twice."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from services.cli.demo.client import Client, DemoFailed
from services.cli.embedded.folder import DataFolder
from services.cli.embedded.platform import DATABASE, free_ports
from services.kernel.db.embedded import EmbeddedPostgres
from tests.chaos.points import REST, SMOKE, Point
from tests.small_dossier import PROFILE, confirm, fill, forward, owed, submit

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(240)]
SEEN_DEADLINE_S = 60.0


class Platform:
    """Starts the platform, notices that it was killed, starts it again without a point."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        [self.port] = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths = 0

    def start(self, point: Point | None = None) -> None:
        environment = {**os.environ, "CHAOS_KILL": str(point) if point else ""}
        command = [sys.executable, "-m", "tests.chaos.serve", str(self.folder), str(self.port)]
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def died(self) -> bool:
        """Whether it was killed; then it runs again."""
        assert self.process is not None
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            return False
        self.close()
        self.deaths += 1
        self.start()
        return True

    def close(self) -> None:
        assert self.process is not None
        self.process.communicate(timeout=60)

    @property
    def superuser_url(self) -> str:
        postgres = EmbeddedPostgres(self.folder, DataFolder(self.folder).secrets().superuser)
        return postgres.superuser_url.replace("/postgres?", f"/{DATABASE}?")


def journey(platform: Platform, files: dict[str, Path]) -> dict[str, Any]:
    """Everything up to the unit's signature; what is done already is passed over, as a browser would see it."""
    accounts = json.loads((platform.folder / "accounts.json").read_text("utf-8"))["accounts"]
    passwords = {account["login"]: account["password"] for account in accounts}
    person, unit = (Client(platform.url, login, passwords[login]) for login in ("applicant", "unit"))
    try:
        made = person.send("POST", "/api/v1/dossiers", json={"profile": PROFILE}, key="dossier")
        dossier_id = str(made["dossier_id"])
        now = person.dossier(dossier_id)
        if now["state"] == "draft":
            fill(person, now, files)
            submit(person, dossier_id)
        now = unit.dossier(dossier_id)
        if now["level"] == "unit":
            for material in now["materials"]:
                confirm(unit, dossier_id, material)
            forward(unit, dossier_id, key="sign")
        return person.dossier(dossier_id)
    finally:
        person.close()
        unit.close()


@pytest.mark.parametrize("point", [*SMOKE, *(pytest.param(p, marks=pytest.mark.chaos) for p in REST)], ids=str)
async def test_killed_at(point: Point, tmp_path: Path) -> None:
    files = owed(tmp_path)
    platform = Platform(tmp_path / "data")
    platform.start(point)
    try:
        while True:
            try:
                final = journey(platform, files)
            except (httpx.TransportError, DemoFailed):
                assert platform.died()
                await _seen(platform)
                continue
            if platform.deaths or not platform.died():
                break
        assert platform.deaths == 1, "the point was never reached"
        assert (final["state"], final["level"]) == ("in-review", "county")
        _nothing_lost(final, files)
        await _nothing_twice(platform, final)
    finally:
        platform.close()


async def _seen(platform: Platform) -> None:
    """Return once the applicant's page shows whatever was stored: events that were not sent yet go on after a start."""
    engine = create_async_engine(platform.superuser_url)
    unseen = "SELECT 1 FROM upload.files f WHERE NOT EXISTS (SELECT 1 FROM review.files r WHERE r.file_id = f.file_id)"
    try:
        async with asyncio.timeout(SEEN_DEADLINE_S), engine.connect() as connection:
            while (await connection.execute(sa.text(unseen))).first() is not None:
                await connection.rollback()
                await asyncio.sleep(0.1)
    finally:
        await engine.dispose()


def _nothing_lost(final: dict[str, Any], files: dict[str, Path]) -> None:
    stored = {m["item_id"]: [f["sha256"] for f in m["files"]] for m in final["materials"]}
    assert stored == {item: [hashlib.sha256(path.read_bytes()).hexdigest()] for item, path in files.items()}


async def _nothing_twice(platform: Platform, final: dict[str, Any]) -> None:
    materials = len(final["materials"])
    engine = create_async_engine(platform.superuser_url)
    async with engine.connect() as connection:

        async def rows(query: str) -> list[Any]:
            return list((await connection.execute(sa.text(query))).all())

        actions = Counter(json.loads(body)["action"] for (body,) in await rows("SELECT body FROM review.audit"))
        once = dict.fromkeys(("created", "submitted", "forwarded"), 1)
        each = dict.fromkeys(("file-stored", "file-verified", "merged", "confirmed"), materials)
        assert {action: actions[action] for action in (*once, *each)} == {**once, **each}
        assert len(await rows("SELECT 1 FROM review.decisions")) == 1
        assert len(await rows("SELECT 1 FROM upload.files WHERE state = 'verified'")) == materials
        assert len(await rows("SELECT 1 FROM upload.files")) == materials
        for service in ("upload", "video", "pdfcheck", "review"):
            assert await rows(f"SELECT stage, last_error FROM {service}.jobs WHERE state = 'dead'") == []
    await engine.dispose()
