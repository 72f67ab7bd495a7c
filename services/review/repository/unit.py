"""One transaction over dossiers; see the port."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue.profile import Profile
from services.gen.events.v1 import events_pb2
from services.kernel.clock import Clock
from services.kernel.crypto import KeyRing
from services.kernel.db.locking import lock_in_transaction
from services.kernel.events.envelope import Event
from services.kernel.events.outbox import Outbox
from services.kernel.ids import Ids
from services.kernel.jobs.queue import NewJob, cancel_of, enqueue
from services.review.domain import audit as chains
from services.review.domain.arranging import Part
from services.review.domain.records import Confirmation, Decision, Defect, Dossier, File, Material, Report
from services.review.repository import mapping, statements, tables

SERVICE = "review"
CHANGES_CHANNEL = "shenbao_review_changes"


class PostgresUnit:
    """Made by `PostgresWork`."""

    def __init__(self, connection: AsyncConnection, keys: KeyRing, audit_key: bytes, clock: Clock, ids: Ids) -> None:
        """Over a transaction that somebody else commits after `flush`."""
        self._connection = connection
        self._keys = keys
        self._audit_key = audit_key
        self._clock = clock
        self._ids = ids
        self.outbox = Outbox(SERVICE)
        self._changes: list[dict[str, str]] = []
        self._numbers: dict[str, int] = {}
        #: Rows of materials as they are, of dossiers that were read: they are locked, so nobody else changes them.
        self._materials: dict[str, dict[str, Any]] = {}

    async def _rows(self, query: Any, **values: object) -> Sequence[Any]:
        return (await self._connection.execute(query, values)).mappings().all()

    async def dossier(self, dossier_id: str) -> Dossier | None:
        """See the port. Five queries, whatever the number of materials."""
        rows = await self._rows(statements.DOSSIER, dossier_id=dossier_id)
        if not rows:
            return None
        self._numbers[dossier_id] = rows[0]["event_number"]
        files: dict[str, list[File]] = defaultdict(list)
        replaced: dict[str, list[File]] = defaultdict(list)
        for row in await self._rows(statements.FILES, dossier_id=dossier_id):
            kept = replaced if row["replaced"] else files
            kept[row["material_id"]].append(mapping.file(self._keys, row))
        given: dict[str, list[Confirmation]] = defaultdict(list)
        for row in await self._rows(statements.CONFIRMATIONS, dossier_id=dossier_id):
            given[row["material_id"]].append(mapping.confirmation(row))
        materials = []
        for row in await self._rows(statements.MATERIALS, dossier_id=dossier_id):
            own = row["material_id"]
            self._materials[own] = dict(row)
            materials.append(mapping.material(row, files[own], replaced[own], given[own]))
        decided = await self._rows(statements.DECISIONS, dossier_id=dossier_id)
        decisions = [mapping.decision(self._keys, row) for row in decided]
        return mapping.dossier(rows[0], materials, decisions)

    async def profile(self, dossier_id: str) -> Profile:
        """See the port."""
        rows = await self._rows(statements.PROFILE, dossier_id=dossier_id)
        return mapping.profile_from_row(self._keys, rows[0]["profile"], rows[0]["name"], rows[0]["id_number"])

    async def create_dossier(self, dossier: Dossier, profile: Profile) -> bool:
        """See the port."""
        values = {
            **mapping.dossier_values(dossier, "missing"),
            "profile": mapping.profile_to_bytes(self._keys, profile),
        }
        statement = pg.insert(tables.dossiers).values(values).on_conflict_do_nothing().returning(sa.literal(1))
        made = (await self._connection.execute(statement)).first() is not None
        if made:
            self._numbers[dossier.dossier_id] = dossier.event_number
            await self._save_person(dossier, profile)
        return made

    async def _save_person(self, dossier: Dossier, profile: Profile) -> None:
        values = {
            "person_id": dossier.applicant_id,
            "name": profile.name,
            "id_number": self._keys.seal(profile.id_number, mapping.ID_NUMBER),
            "id_number_lookup": self._keys.lookup(profile.id_number, mapping.ID_NUMBER),
        }
        await self._upsert(tables.persons, values, ["person_id"])

    async def _upsert(self, table: sa.Table, values: Mapping[str, object], keys: Sequence[str]) -> None:
        await self._connection.execute(statements.upserting(table, tuple(keys), tuple(values)), values)

    async def save_profile(self, dossier: Dossier, profile: Profile) -> None:
        """See the port."""
        sealed = mapping.profile_to_bytes(self._keys, profile)
        own = tables.dossiers.c.dossier_id == dossier.dossier_id
        await self._connection.execute(sa.update(tables.dossiers).where(own).values(profile=sealed))
        await self._save_person(dossier, profile)

    async def save_dossier(self, dossier: Dossier, status: str) -> None:
        """See the port."""
        values = {**mapping.dossier_values(dossier, status), "event_number": self._numbers[dossier.dossier_id]}
        own = tables.dossiers.c.dossier_id == dossier.dossier_id
        await self._connection.execute(sa.update(tables.dossiers).where(own).values(values))

    async def save_material(self, dossier: Dossier, material: Material, status: str) -> None:
        """See the port. Nothing is written where nothing changed: one event touches one material of thirty."""
        plain = ("material_id", "item_id", "ordinal", "required", "version", "announced_recipe", "requested_recipe")
        values = {
            **{name: getattr(material, name) for name in (*plain, "requested_disc")},
            "dossier_id": dossier.dossier_id,
            "organisation_path": dossier.organisation_path,
            "status": status,
            "merged": mapping.merged_to_json(material.merged),
            "disc": None if material.disc is None else asdict(material.disc),
            "arrangement": mapping.arrangement_to_json(material.arrangement),
        }
        if self._materials.get(material.material_id) != values:
            await self._upsert(tables.materials, values, ["material_id"])
            self._materials[material.material_id] = values

    async def delete_material(self, material_id: str) -> None:
        """See the port."""
        self._materials.pop(material_id, None)
        for table in (tables.confirmations, tables.materials):
            await self._connection.execute(sa.delete(table).where(table.c.material_id == material_id))

    async def save_file(self, dossier: Dossier, material_id: str, file: File) -> None:
        """See the port."""
        plain = (
            "file_id", "component_id", "position", "size_bytes", "media_type", "sha256", "state", "rejection_code",
            "named_version",
        )  # fmt: skip
        values = {
            **{name: getattr(file, name) for name in plain},
            "dossier_id": dossier.dossier_id,
            "organisation_path": dossier.organisation_path,
            "material_id": material_id,
            "file_name": self._keys.seal(file.file_name, mapping.NAME) if file.file_name else b"",
            "report": mapping.report_to_bytes(self._keys, file.report),
            "opening": mapping.opening_to_bytes(self._keys, file.opening),
            "seen": mapping.seen_to_bytes(self._keys, file.seen),
            "replaced": False,
        }
        await self._upsert(tables.files, values, ["file_id"])

    async def take_out_file(self, file_id: str, *, keep: bool) -> None:
        """See the port."""
        own = (tables.files.c.file_id == file_id) & ~tables.files.c.replaced
        taken = sa.update(tables.files).values(replaced=True) if keep else sa.delete(tables.files)
        await self._connection.execute(taken.where(own))
        await cancel_of(self._connection, file_id)

    async def keep_early_report(self, dossier: Dossier, file_id: str, stage: str, report: Report) -> None:
        """See the port."""
        values = {
            "file_id": file_id,
            "dossier_id": dossier.dossier_id,
            "organisation_path": dossier.organisation_path,
            "stage": stage,
            "report": mapping.report_to_bytes(self._keys, report),
            "arrived_at": self._clock.now(),
        }
        await self._upsert(tables.early_reports, values, ["file_id"])

    async def take_early_report(self, file_id: str) -> tuple[str, Report] | None:
        """See the port."""
        table = tables.early_reports
        taken = sa.delete(table).where(table.c.file_id == file_id).returning(table.c.stage, table.c.report)
        row = (await self._connection.execute(taken)).first()
        return None if row is None else (row[0], mapping.report_from_bytes(self._keys, row[1]))

    async def mark_submitted(self, dossier: Dossier) -> None:
        """See the port."""
        held = (tables.files.c.dossier_id == dossier.dossier_id) & ~tables.files.c.replaced
        await self._connection.execute(sa.update(tables.files).where(held).values(submitted=dossier.submission))

    async def save_confirmation(self, dossier: Dossier, material_id: str, confirmation: Confirmation) -> None:
        """See the port."""
        values = {
            **asdict(confirmation),
            "material_id": material_id,
            "dossier_id": dossier.dossier_id,
            "organisation_path": dossier.organisation_path,
        }
        await self._upsert(tables.confirmations, values, ["material_id", "level"])

    async def add_decision(self, dossier: Dossier, decision: Decision) -> None:
        """See the port."""
        names = ("decision_id", "submission", "level", "decision", "by", "at")
        values = {
            **{name: getattr(decision, name) for name in names},
            "dossier_id": dossier.dossier_id,
            "organisation_path": dossier.organisation_path,
            "words": mapping.words_to_bytes(self._keys, decision),
            "manifests": dict(decision.manifests),
        }
        await self._connection.execute(sa.insert(tables.decisions).values(values))

    async def draft_defects(self, dossier: Dossier, level: str) -> Sequence[Defect]:
        """See the port."""
        table = tables.draft_defects
        query = sa.select(table).where(table.c.dossier_id == dossier.dossier_id, table.c.level == level)
        return [
            Defect(material_id=row["material_id"], reason=self._keys.open(row["reason"], mapping.REASON))
            for row in await self._rows(query.order_by(table.c.at))
        ]

    async def save_draft_defect(self, dossier: Dossier, level: str, defect: Defect, by: str) -> None:
        """See the port."""
        table = tables.draft_defects
        if not defect.reason:
            own = (table.c.material_id == defect.material_id) & (table.c.level == level)
            await self._connection.execute(sa.delete(table).where(own))
            return
        values = {
            "material_id": defect.material_id,
            "level": level,
            "dossier_id": dossier.dossier_id,
            "organisation_path": dossier.organisation_path,
            "reason": self._keys.seal(defect.reason, mapping.REASON),
            "by": by,
            "at": self._clock.now(),
        }
        await self._upsert(table, values, ["material_id", "level"])

    async def clear_draft_defects(self, dossier: Dossier, level: str) -> None:
        """See the port."""
        table = tables.draft_defects
        own = (table.c.dossier_id == dossier.dossier_id) & (table.c.level == level)
        await self._connection.execute(sa.delete(table).where(own))

    async def audit(self, dossier: Dossier, action: str, actor: str, details: Mapping[str, str | int | bool]) -> None:
        """See the port."""
        rows = await self._rows(statements.HEAD, dossier_id=dossier.dossier_id)
        head = chains.sealed_head(self._audit_key, dossier.dossier_id, 0, chains.GENESIS)
        if rows:
            head = chains.Head(**{name: rows[0][name] for name in ("dossier_id", "length", "mac", "seal")})
        body = {**details, "action": action, "actor": actor, "at": self._clock.now().isoformat()}
        row, head = chains.extend(self._audit_key, head, chains.canonical({**body, "dossier": dossier.dossier_id}))
        owner = {"dossier_id": dossier.dossier_id, "organisation_path": dossier.organisation_path}
        await self._connection.execute(statements.AUDIT, {**asdict(row), **owner})
        await self._upsert(tables.audit_heads, {**asdict(head), **owner}, ["dossier_id"])

    def change(self, dossier: Dossier, kind: str, material_id: str = "") -> None:
        """See the port."""
        owner = {"dossier_id": dossier.dossier_id, "organisation_path": dossier.organisation_path}
        line = {**owner, "material_id": material_id, "kind": kind}
        if line not in self._changes:
            self._changes.append(line)

    def _announce(self, dossier: Dossier, fact: str, key: str, body: Message) -> None:
        self._numbers[dossier.dossier_id] += 1
        self.outbox.add(
            Event(
                id=self._ids.new(),
                type=f"shenbao.review.{fact}.v1",
                source=SERVICE,
                aggregate_id=key,
                aggregate_version=self._numbers[dossier.dossier_id],
                time=self._clock.now(),
                payload=body.SerializeToString(deterministic=True),
            )
        )

    def announce_material_changed(
        self, dossier: Dossier, material: Material, parts: Sequence[Part], recipe: str
    ) -> None:
        """See the port."""
        body = events_pb2.MaterialChanged(**_material(dossier, material, recipe), parts=_parts(parts))
        self._announce(dossier, "material-changed", material.material_id, body)

    def announce_merge_requested(
        self, dossier: Dossier, material: Material, parts: Sequence[Part], recipe: str
    ) -> None:
        """See the port."""
        body = events_pb2.MergeRequested(**_material(dossier, material, recipe), parts=_parts(parts))
        self._announce(dossier, "merge-requested", material.material_id, body)

    def announce_disc_requested(self, dossier: Dossier, material: Material, file: File) -> None:
        """See the port."""
        reference = events_pb2.FileRef(
            file_id=file.file_id,
            dossier_id=dossier.dossier_id,
            material_id=material.material_id,
            item_id=material.item_id,
            component_id=file.component_id,
            organisation_path=dossier.organisation_path,
        )
        body = events_pb2.DiscRequested(file=reference, sha256=file.sha256)
        self._announce(dossier, "disc-requested", file.file_id, body)

    def announce_submitted(self, dossier: Dossier) -> None:
        """See the port."""
        submitted = [
            events_pb2.SubmittedFile(file_id=file.file_id, sha256=file.sha256)
            for material in dossier.materials
            for file in material.files
        ]
        stamp = Timestamp()
        stamp.FromDatetime(dossier.submitted_at or self._clock.now())
        body = events_pb2.DossierSubmitted(
            dossier_id=dossier.dossier_id,
            organisation_path=dossier.organisation_path,
            submission=dossier.submission,
            files=submitted,
            submitted_at=stamp,
        )
        self._announce(dossier, "dossier-submitted", dossier.dossier_id, body)

    def announce_decision(self, dossier: Dossier, decision: Decision) -> None:
        """See the port."""
        stamp = Timestamp()
        stamp.FromDatetime(decision.at)
        body = events_pb2.DecisionMade(
            dossier_id=dossier.dossier_id,
            organisation_path=dossier.organisation_path,
            decision_id=decision.decision_id,
            level=decision.level,
            decision=decision.decision,
            decided_at=stamp,
        )
        self._announce(dossier, "decision-made", dossier.dossier_id, body)

    async def fetch_later(self, dossier: Dossier, stage: str, file_id: str, version: int) -> None:
        """See the port."""
        job = NewJob(
            stage=stage,
            dedup_key=f"{stage}:{file_id}:{version}",
            organisation_path=dossier.organisation_path,
            dossier_id=dossier.dossier_id,
            subject_id=file_id,
        )
        await enqueue(self._connection, SERVICE, self._ids, job)

    async def flush(self) -> None:
        """Write events and changes, whose numbers must become visible in order: the last statements before commit."""
        await self.outbox.flush(self._connection)
        if self._changes:
            await lock_in_transaction(self._connection, SERVICE, "changes")
            await self._connection.execute(sa.insert(tables.changes), self._changes)
            await self._connection.execute(sa.text("SELECT pg_notify(:c, '')"), {"c": CHANGES_CHANNEL})
            self._changes.clear()


def _material(dossier: Dossier, material: Material, recipe: str) -> dict[str, Any]:
    return {
        "material_id": material.material_id,
        "dossier_id": dossier.dossier_id,
        "item_id": material.item_id,
        "organisation_path": dossier.organisation_path,
        "recipe_sha256": recipe,
    }


def _parts(parts: Sequence[Part]) -> list[events_pb2.MergePart]:
    return [
        events_pb2.MergePart(
            file_id=part.file.file_id,
            component_id=part.component_id,
            sha256=part.file.sha256,
            pages=[events_pb2.MergePage(page=page, turn=turn) for page, turn in part.pages],
        )
        for part in parts
    ]
