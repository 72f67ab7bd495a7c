"""Reports, recipes and merged PDFs in PostgreSQL, with their events in the same transaction."""

import json
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from google.protobuf.message import Message
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue.findings import Finding
from services.gen.events.v1 import events_pb2
from services.kernel.clock import Clock
from services.kernel.crypto import KeyRing
from services.kernel.db.engine import Database, Scope
from services.kernel.events.envelope import Event
from services.kernel.events.outbox import Outbox
from services.kernel.ids import Ids
from services.pdfcheck.domain import signatures
from services.pdfcheck.ports import DocumentReport, MergedFile, Recipe, RecipePart, Subject

SERVICE = "pdfcheck"
_REPORT = "pdfcheck.reports.body"
_MERGED = "pdfcheck.merged.body"
metadata = sa.MetaData()
_TURN = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:file, 0))")
_NEWEST = sa.text(
    "SELECT greatest((SELECT coalesce(max(version), 0) FROM reports WHERE file_id = :file),"
    " (SELECT coalesce(max(version), 0) FROM qualities WHERE file_id = :file))"
)
_MOMENT = sa.DateTime(timezone=True)


def texts(*names: str) -> list[sa.Column[str]]:
    """Columns of text that are never null."""
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


reports = sa.Table(
    "reports",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    *texts("dossier_id", "organisation_path", "report_id", "verdict"),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("checked_at", _MOMENT, nullable=False),
)
materials = sa.Table(
    "materials",
    metadata,
    sa.Column("material_id", sa.Text, primary_key=True),
    *texts("dossier_id", "organisation_path", "item_id", "recipe_sha256"),
    sa.Column("parts", pg.JSONB, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)
merged_files = sa.Table(
    "merged",
    metadata,
    sa.Column("material_id", sa.Text, primary_key=True),
    *texts("dossier_id", "organisation_path", "merged_id", "recipe_sha256", "object_key", "sha256", "verdict"),
    *[sa.Column(name, sa.BigInteger, nullable=False) for name in ("version", "size_bytes", "pages")],
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("merged_at", _MOMENT, nullable=False),
)


class PostgresReports:
    """See the ports."""

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

    async def report(self, dossier_id: str, organisation_path: str, file_id: str) -> DocumentReport | None:
        """See the port."""
        query = sa.select(reports).where(reports.c.file_id == file_id)
        row = await self._row(dossier_id, organisation_path, query)
        if row is None:
            return None
        body = json.loads(self._keys.open(row["body"], _REPORT))
        body["findings"] = tuple(Finding(**finding) for finding in body["findings"])
        body["page_bytes"] = tuple(body["page_bytes"])
        body["page_characters"] = tuple(body.get("page_characters", ()))
        body["signatures"] = tuple(signatures.from_json(each) for each in body.get("signatures", ()))
        return DocumentReport(**{name: row[name] for name in ("report_id", "version", "verdict", "checked_at")}, **body)

    async def merged(self, dossier_id: str, organisation_path: str, material_id: str) -> MergedFile | None:
        """See the port."""
        query = sa.select(merged_files).where(merged_files.c.material_id == material_id)
        row = await self._row(dossier_id, organisation_path, query)
        if row is None:
            return None
        body = json.loads(self._keys.open(row["body"], _MERGED))
        names = ("merged_id", "version", "recipe_sha256", "object_key", "sha256", "size_bytes", "pages", "verdict")
        return MergedFile(
            **{name: row[name] for name in (*names, "merged_at")},
            findings=tuple(Finding(**finding) for finding in body["findings"]),
            bookmarks=tuple((title, page, depth) for title, page, depth in body["bookmarks"]),
            page_map=tuple((file_id, page) for file_id, page in body["page_map"]),
        )

    async def recipe(self, dossier_id: str, organisation_path: str, material_id: str) -> Recipe | None:
        """See the port."""
        query = sa.select(materials).where(materials.c.material_id == material_id)
        row = await self._row(dossier_id, organisation_path, query)
        return None if row is None else _recipe(row)

    async def save_recipe(self, connection: AsyncConnection, recipe: Recipe) -> None:
        """What a material consists of now."""
        values = {**asdict(recipe), "parts": [asdict(part) for part in recipe.parts]}
        await upsert(connection, materials, values, "material_id")

    async def next_version(self, connection: AsyncConnection, file_id: str) -> int:
        """Versions of everything that is kept of a file grow together, so that its events are in order. Who asks has
        the file's numbers until the end of the transaction.
        """
        await connection.execute(_TURN, {"file": f"pdfcheck.versions:{file_id}"})
        known = _NEWEST.bindparams(file=file_id)
        return int((await connection.execute(known)).scalar_one()) + 1

    async def save_report(
        self, connection: AsyncConnection, outbox: Outbox, subject: Subject, report: DocumentReport
    ) -> None:
        """See the port."""
        body = asdict(report)
        head = {name: body.pop(name) for name in ("report_id", "version", "verdict", "checked_at")}
        owner = {name: getattr(subject, name) for name in ("file_id", "dossier_id", "organisation_path")}
        sealed = self._keys.seal(json.dumps(body, ensure_ascii=False, default=dict), _REPORT)
        await upsert(connection, reports, {**head, **owner, "body": sealed}, "file_id")
        told = events_pb2.DocumentChecked(
            file=events_pb2.FileRef(**asdict(subject)),
            report_id=report.report_id,
            report_version=report.version,
            verdict=report.verdict,
            codes=_codes(report.findings),
            pages=len(report.page_bytes),
            size_bytes=report.size_bytes,
        )
        self._announce(outbox, "document-checked", subject.file_id, report.version, told)

    async def save_merged(self, connection: AsyncConnection, outbox: Outbox, recipe: Recipe, merged: MergedFile) -> str:
        """See the port."""
        mine = materials.c.material_id == recipe.material_id
        row = (await connection.execute(sa.select(materials).where(mine).with_for_update())).mappings().first()
        if row is None or row["recipe_sha256"] != recipe.recipe_sha256:
            return merged.object_key
        old = merged_files.c.material_id == recipe.material_id
        before = (await connection.execute(sa.select(merged_files).where(old))).mappings().first()
        version = recipe.version  # grows with every recipe, also after a merged file was forgotten
        body = {
            "findings": [asdict(finding) for finding in merged.findings],
            "bookmarks": merged.bookmarks,
            "page_map": merged.page_map,
        }
        names = ("merged_id", "recipe_sha256", "object_key", "sha256", "size_bytes", "pages", "verdict", "merged_at")
        values = {
            **{name: getattr(merged, name) for name in names},
            "material_id": recipe.material_id,
            "dossier_id": recipe.dossier_id,
            "organisation_path": recipe.organisation_path,
            "version": version,
            "body": self._keys.seal(json.dumps(body, ensure_ascii=False, default=dict), _MERGED),
        }
        await upsert(connection, merged_files, values, "material_id")
        told = events_pb2.MaterialMerged(
            material_id=recipe.material_id,
            dossier_id=recipe.dossier_id,
            item_id=recipe.item_id,
            organisation_path=recipe.organisation_path,
            merged_id=merged.merged_id,
            merged_version=version,
            recipe_sha256=merged.recipe_sha256,
            object_key=merged.object_key,
            sha256=merged.sha256,
            size_bytes=merged.size_bytes,
            pages=merged.pages,
            verdict=merged.verdict,
            codes=_codes(merged.findings),
        )
        self._announce(outbox, "material-merged", recipe.material_id, version, told)
        gone = "" if before is None else str(before["object_key"])
        return "" if gone == merged.object_key else gone

    async def forget_report(self, connection: AsyncConnection, file_id: str) -> None:
        """See the port."""
        await connection.execute(sa.delete(reports).where(reports.c.file_id == file_id))

    async def forget_merged(self, connection: AsyncConnection, material_id: str, recipe_sha256: str) -> None:
        """See the port."""
        stale = (merged_files.c.material_id == material_id) & (merged_files.c.recipe_sha256 != recipe_sha256)
        await connection.execute(sa.delete(merged_files).where(stale))

    def _announce(self, outbox: Outbox, fact: str, key: str, version: int, body: Message) -> None:
        outbox.add(
            Event(
                id=self._ids.new(),
                type=f"shenbao.pdfcheck.{fact}.v1",
                source=SERVICE,
                aggregate_id=key,
                aggregate_version=version,
                time=self._clock.now(),
                payload=body.SerializeToString(deterministic=True),
            )
        )


def _recipe(row: Any) -> Recipe:
    names = ("material_id", "dossier_id", "organisation_path", "item_id", "recipe_sha256", "version")
    return Recipe(**{name: row[name] for name in names}, parts=tuple(map(_part, row["parts"])))


def _part(told: dict[str, Any]) -> RecipePart:
    pages = tuple((page, turn) for page, turn in told.get("pages", ()))
    return RecipePart(**{**told, "pages": pages})


def _codes(findings: tuple[Finding, ...]) -> list[events_pb2.FoundCode]:
    return [
        events_pb2.FoundCode(
            code=f.code, level=f.level, measured=float(f.measured) if isinstance(f.measured, int | float) else 0.0
        )
        for f in findings
    ]


async def upsert(connection: AsyncConnection, table: sa.Table, values: dict[str, Any], key: str) -> None:
    """Insert the row with that key, or replace all of it."""
    changing = {name: value for name, value in values.items() if name != key}
    statement = pg.insert(table).values(values)
    await connection.execute(statement.on_conflict_do_update(index_elements=[key], set_=changing))
