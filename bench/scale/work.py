"""The stack with real videos in it, and verdict jobs about them that are asked for again."""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import yaml

from bench.scale.history import History
from services.cli.demo.client import Client
from services.cli.embedded.folder import DataFolder
from services.cli.embedded.platform import Address, free_ports
from services.kernel.db.embedded import SUPERUSER
from services.kernel.db.engine import Database
from services.kernel.events.embedded_rows import dsn_of
from services.kernel.ids import TimeOrderedIds
from services.kernel.jobs.queue import NewJob, enqueue
from tests.assets import video_fixtures
from tests.small_dossier import materials
from tools.stack.platform import Running, running
from tools.stack.processes import processes

URGENT, PATIENT = 10, 20
_PROFILE = Path(__file__).parents[2] / "tests" / "assets" / "profile-surgeon.yaml"
_IDLE_DEADLINE_S, _LOOK_S = 120.0, 0.2
#: What a verdict sets off, and no part of what is compared here. A worker that is made to stand still while it writes a
#: disc would keep the dossier locked until PostgreSQL ends its transaction (a minute).
_HELD = "opening,look,proxy,disc"
_UNFINISHED = "SELECT count(*) FROM video.jobs WHERE stage = 'verdict' AND state IN ('queued', 'leased')"
_KNOWN = "SELECT organisation_path, dossier_id, subject_id, argument FROM video.jobs WHERE stage = 'verdict' LIMIT 1"


@dataclass(kw_only=True)
class Work:
    """The running stack, what is to be done there, and who does it."""

    platform: Running
    history: History
    database: Database
    known: asyncpg.Record
    ids: TimeOrderedIds

    @property
    def workers(self) -> Sequence[int]:
        """Process ids of the video workers."""
        pids = self.platform.supervisor.pids
        return [pids[name] for name in sorted(pids) if name.startswith("video-worker-")]

    @property
    def upload(self) -> int:
        """The process that tells workers about files."""
        return self.platform.supervisor.pids["upload"]

    def only(self, active: Sequence[int]) -> None:
        """Let these workers run; the others that are still there stand still, idle as they are."""
        for pid in self.workers:
            tell(pid, signal.SIGCONT if pid in active else signal.SIGSTOP)

    async def ask(self, part: str, jobs: int) -> None:
        """Ask in one transaction for so many verdicts, patient and urgent ones in turn."""
        priorities = itertools.cycle((PATIENT, URGENT))
        async with self.database.transaction() as connection:
            for number, priority in zip(range(jobs), priorities, strict=False):
                job = NewJob(stage="verdict", dedup_key=f"{part}:{number}", priority=priority, **self.known)
                await enqueue(connection, "video", self.ids, job)


def tell(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process of ours."""
    os.kill(pid, number)


@asynccontextmanager
async def working(folder: Path, workers: int) -> AsyncIterator[Work]:
    """Everything runs, with so many video workers; one video was sent through the gateway and judged."""
    [port] = free_ports(1)
    data = DataFolder(folder)
    async with running(
        data, Address(port=port), wanted=processes(video_workers=workers, pdfcheck_workers=1),
        extra={"SHENBAO_STAGES_HELD": _HELD},
    ) as platform:  # fmt: skip
        await asyncio.to_thread(_send_video, platform, folder)
        assert platform.servers.postgres is not None
        url = platform.servers.postgres.url(SUPERUSER, data.secrets().superuser, "shenbao")
        looking = await asyncpg.connect(dsn_of(url))
        database = Database(platform.servers.database("video"), schema="video")
        history = History(looking)
        await _until_idle(looking)
        await history.install()
        known = await looking.fetchrow(_KNOWN)
        work = Work(platform=platform, history=history, database=database, known=dict(known), ids=TimeOrderedIds())
        try:
            yield work
        finally:
            for pid in (*work.workers, work.upload):
                tell(pid, signal.SIGCONT)
            await database.close()
            await looking.close()


async def _until_idle(looking: asyncpg.Connection) -> None:
    """Until the first verdict's row says so too."""
    async with asyncio.timeout(_IDLE_DEADLINE_S):
        while await looking.fetchval(_UNFINISHED):
            await asyncio.sleep(_LOOK_S)


def _send_video(platform: Running, folder: Path) -> None:
    """As the applicant, over HTTP, until its verdict is there."""
    file = video_fixtures.real_mp4(folder / "张三510199197802141016.mp4")
    profile = yaml.safe_load(_PROFILE.read_text("utf-8"))
    profile["appointed_on"] = str(profile["appointed_on"])
    profile["answers"]["surgery_video"]["operation_date"] = str(profile["answers"]["surgery_video"]["operation_date"])
    [account] = [each for each in platform.seed.accounts if each.login == "applicant"]
    client = Client(platform.address.url, account.login, account.password)
    dossier = client.send("POST", "/api/v1/dossiers", json={"profile": profile})
    material = materials(dossier)["surgery_video"]["material_id"]
    client.upload(dossier["dossier_id"], material, "video", file)
    client.wait(dossier["dossier_id"], _judged, deadline_s=60)


def _judged(dossier: dict[str, Any]) -> bool:
    return any(file["verdict"] for file in materials(dossier)["surgery_video"]["files"])
