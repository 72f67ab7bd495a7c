"""What is kept of videos in PostgreSQL, sealed where they hold a name; their events in the same transaction."""

import json
from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa
from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue.findings import Finding
from services.catalogue.opening import plain
from services.gen.events.v1 import events_pb2
from services.kernel.clock import Clock
from services.kernel.crypto import KeyRing
from services.kernel.db.engine import Database, Scope
from services.kernel.events.envelope import Event
from services.kernel.events.outbox import Outbox
from services.kernel.ids import Ids
from services.video.domain.look import Sample
from services.video.ports import Disc, KeptShot, Subject, VideoLook, VideoOpening, VideoProxy, VideoReport
from services.video.repository.tables import discs, looks, openings, owner, proxies, reports, upsert

SERVICE = "video"
_REPORT = "video.reports.body"
_OPENING = "video.openings.body"
_NAME = "video.discs.file_name"
_TURN = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:file, 0))")
#: What carries versions.
_ALL = (reports, openings, looks, proxies, discs)


class PostgresReports:
    """See the port."""

    def __init__(self, database: Database, keys: KeyRing, clock: Clock, ids: Ids) -> None:
        """`database` is the service's own."""
        self._database = database
        self._keys = keys
        self._clock = clock
        self._ids = ids

    async def _row(self, dossier_id: str, organisation_path: str, query: Any) -> Any:
        scope = Scope(organisation_path=organisation_path, dossier_id=dossier_id)
        async with self._database.transaction(scope) as connection:
            return (await connection.execute(query)).mappings().first()

    async def report(self, dossier_id: str, organisation_path: str, file_id: str) -> VideoReport | None:
        """See the port."""
        query = sa.select(reports).where(reports.c.file_id == file_id)
        row = await self._row(dossier_id, organisation_path, query)
        if row is None:
            return None
        body = json.loads(self._keys.open(row["body"], _REPORT))
        findings = tuple(Finding(**finding) for finding in body.pop("findings"))
        head = {name: row[name] for name in ("report_id", "version", "verdict", "checked_at")}
        still, stutter = (tuple(map(tuple, body.pop(name, ()))) for name in ("still", "stutter"))
        return VideoReport(**head, **body, findings=findings, still=still, stutter=stutter)

    async def opening(self, dossier_id: str, organisation_path: str, file_id: str) -> VideoOpening | None:
        """See the port."""
        row = await self._row(dossier_id, organisation_path, sa.select(openings).where(openings.c.file_id == file_id))
        if row is None:
            return None
        body = json.loads(self._keys.open(row["body"], _OPENING))
        shots = tuple(
            KeptShot(shot=shot, object_key=key)
            for shot, key in zip(plain.shots(body["shots"]), body["object_keys"], strict=True)
        )
        head = {name: row[name] for name in ("opening_id", "version", "read_at")}
        return VideoOpening(**head, seconds=body["seconds"], shots=shots)

    async def look(self, dossier_id: str, organisation_path: str, file_id: str) -> VideoLook | None:
        """See the port."""
        row = await self._row(dossier_id, organisation_path, sa.select(looks).where(looks.c.file_id == file_id))
        if row is None:
            return None
        head = {name: row[name] for name in ("look_id", "version", "object_key", "looked_at")}
        width, height = row["body"]["cell_px"]
        return VideoLook(
            **head,
            samples=tuple(Sample(**each) for each in row["body"]["samples"]),
            findings=tuple(Finding(**each) for each in row["body"]["findings"]),
            cell_px=(width, height),
        )

    async def disc(self, dossier_id: str, organisation_path: str, file_id: str) -> Disc | None:
        """See the port."""
        row = await self._row(dossier_id, organisation_path, sa.select(discs).where(discs.c.file_id == file_id))
        if row is None:
            return None
        names = ("disc_id", "version", "object_key", "size_bytes", "sha256", "file_sha256", "label", "built_at")
        return Disc(**{name: row[name] for name in names}, file_name=self._keys.open(row["file_name"], _NAME))

    async def proxy(self, dossier_id: str, organisation_path: str, file_id: str) -> VideoProxy | None:
        """See the port."""
        row = await self._row(dossier_id, organisation_path, sa.select(proxies).where(proxies.c.file_id == file_id))
        return None if row is None else VideoProxy(**{each.name: row[each.name] for each in fields(VideoProxy)})

    async def next_version(self, connection: AsyncConnection, file_id: str) -> int:
        """Versions of everything that is kept of a file grow together, so that its events are in order.

        Who asks has the file's numbers until the end of the transaction: two stages that end at once would else give
        the same one, and whoever hears of both takes the second for an old one.
        """
        await connection.execute(_TURN, {"file": f"video.versions:{file_id}"})
        newest = [
            sa.select(sa.func.coalesce(sa.func.max(table.c.version), 0)).where(table.c.file_id == file_id)
            for table in _ALL
        ]
        greatest = sa.select(sa.func.greatest(*(each.scalar_subquery() for each in newest)))
        return int((await connection.execute(greatest)).scalar_one()) + 1

    async def save_report(
        self, connection: AsyncConnection, outbox: Outbox, subject: Subject, report: VideoReport
    ) -> None:
        """Replace the report and announce it."""
        body = asdict(report)
        head = {name: body.pop(name) for name in ("report_id", "version", "verdict", "checked_at")}
        sealed = self._keys.seal(json.dumps(body, ensure_ascii=False, default=dict), _REPORT)
        values = {**head, **owner(subject), "body": sealed}
        await upsert(connection, reports, values)
        codes = [
            events_pb2.FoundCode(code=f.code, level=f.level, measured=_number(f.measured)) for f in report.findings
        ]
        told = events_pb2.VideoChecked(
            file=_reference(subject),
            report_id=report.report_id,
            report_version=report.version,
            stage="verdict",
            verdict=report.verdict,
            codes=codes,
            duration_s=report.duration_s,
            file_version=report.file_version,
        )
        self._announce(outbox, "video-checked", subject, report.version, told)

    async def save_opening(
        self, connection: AsyncConnection, outbox: Outbox, subject: Subject, opening: VideoOpening
    ) -> None:
        """Replace the opening and announce it."""
        body = {
            "seconds": opening.seconds,
            "shots": plain.plain_shots([each.shot for each in opening.shots]),
            "object_keys": [each.object_key for each in opening.shots],
        }
        values = {
            **owner(subject),
            "opening_id": opening.opening_id,
            "version": opening.version,
            "body": self._keys.seal(json.dumps(body, ensure_ascii=False), _OPENING),
            "read_at": opening.read_at,
        }
        await upsert(connection, openings, values)
        told = events_pb2.OpeningRead(
            file=_reference(subject), opening_id=opening.opening_id, opening_version=opening.version
        )
        self._announce(outbox, "opening-read", subject, opening.version, told)

    async def save_look(self, connection: AsyncConnection, subject: Subject, look: VideoLook) -> None:
        """Replace the look. Its body holds numbers and codes, nothing that was read."""
        body = {
            "samples": [asdict(each) for each in look.samples],
            "findings": json.loads(json.dumps([asdict(each) for each in look.findings], default=dict)),
            "cell_px": list(look.cell_px),
        }
        head = {name: getattr(look, name) for name in ("look_id", "version", "object_key", "looked_at")}
        await upsert(connection, looks, {**head, **owner(subject), "body": body})

    async def save_proxy(self, connection: AsyncConnection, subject: Subject, proxy: VideoProxy) -> None:
        """Replace the copy for browsers."""
        await upsert(connection, proxies, {**asdict(proxy), **owner(subject)})

    async def save_disc(self, connection: AsyncConnection, outbox: Outbox, subject: Subject, disc: Disc) -> None:
        """Replace the disc and announce it."""
        values = {**asdict(disc), **owner(subject), "file_name": self._keys.seal(disc.file_name, _NAME)}
        await upsert(connection, discs, values)
        told = events_pb2.DiscBuilt(
            file=_reference(subject),
            disc_id=disc.disc_id,
            object_key=disc.object_key,
            size_bytes=disc.size_bytes,
            sha256=disc.sha256,
            file_sha256=disc.file_sha256,
        )
        self._announce(outbox, "disc-built", subject, disc.version, told)

    async def forget(self, connection: AsyncConnection, file_id: str) -> None:
        """See the port."""
        for table in _ALL:
            await connection.execute(sa.delete(table).where(table.c.file_id == file_id))

    def _announce(self, outbox: Outbox, fact: str, subject: Subject, version: int, body: Message) -> None:
        outbox.add(
            Event(
                id=self._ids.new(),
                type=f"shenbao.video.{fact}.v1",
                source=SERVICE,
                aggregate_id=subject.file_id,
                aggregate_version=version,
                time=self._clock.now(),
                payload=body.SerializeToString(deterministic=True),
            )
        )


def _reference(subject: Subject) -> events_pb2.FileRef:
    return events_pb2.FileRef(**asdict(subject))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
