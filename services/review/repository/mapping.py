"""Rows to records and back. What is personal or was read from a file is sealed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from services.catalogue import profile as profiles
from services.catalogue.findings import Finding
from services.catalogue.opening.plain import plain_shots, shots
from services.catalogue.pages.model import SeenFile
from services.catalogue.pages.plain import plain_file, seen_file
from services.catalogue.profile import Profile
from services.kernel.crypto import KeyRing
from services.review.domain.records import (
    Arrangement,
    Confirmation,
    Decision,
    Defect,
    Disc,
    Dossier,
    DossierState,
    File,
    FileState,
    Leaf,
    Material,
    Merged,
    Organisation,
    ReadOpening,
    Report,
)

NAME = "review.files.file_name"
REPORT = "review.files.report"
OPENING = "review.files.opening"
SEEN = "review.files.seen"
PROFILE = "review.dossiers.profile"
WORDS = "review.decisions.words"
REASON = "review.draft_defects.reason"
ID_NUMBER = "review.persons.id_number"


def organisation(row: Any) -> Organisation:
    """A row of `organisations`."""
    return Organisation(**{name: row[name] for name in ("organisation_id", "path", "name", "level", "kind")})


def profile_to_bytes(keys: KeyRing, profile: Profile) -> bytes:
    """Everything but name and ID number, which stand in the table of persons."""
    return keys.seal(profile.model_dump_json(exclude={"name", "id_number"}, exclude_defaults=True), PROFILE)


def profile_from_row(keys: KeyRing, sealed: bytes, name: str, id_number: bytes) -> Profile:
    """The whole profile again."""
    data = json.loads(keys.open(sealed, PROFILE))
    return profiles.from_data({**data, "name": name, "id_number": keys.open(id_number, ID_NUMBER)})


def report_to_bytes(keys: KeyRing, report: Report | None) -> bytes | None:
    """A report, sealed: its findings may quote the file."""
    if report is None:
        return None
    body = asdict(report)
    return keys.seal(json.dumps(body, ensure_ascii=False, default=dict), REPORT)


def _report(keys: KeyRing, sealed: bytes | None) -> Report | None:
    return None if sealed is None else report_from_bytes(keys, sealed)


def report_from_bytes(keys: KeyRing, sealed: bytes) -> Report:
    """What `report_to_bytes` sealed."""
    body = json.loads(keys.open(sealed, REPORT))
    lists = {
        "findings": tuple(Finding(**finding) for finding in body["findings"]),
        "page_characters": tuple(body.get("page_characters", ())),
    }
    return Report(**{**body, **lists})


def opening_to_bytes(keys: KeyRing, opening: ReadOpening | None) -> bytes | None:
    """What was read from a video, sealed."""
    if opening is None:
        return None
    body = {"version": opening.version, "shots": plain_shots(opening.shots)}
    return keys.seal(json.dumps(body, ensure_ascii=False), OPENING)


def seen_to_bytes(keys: KeyRing, seen: SeenFile | None) -> bytes | None:
    """What was seen on pages, sealed: first pages say who they are about."""
    return None if seen is None else keys.seal(json.dumps(plain_file(seen), ensure_ascii=False), SEEN)


def merged_to_json(merged: Merged | None) -> dict[str, Any] | None:
    """As it comes back from the database, so that the two can be compared."""
    return None if merged is None else {**asdict(merged), "codes": list(merged.codes)}


def arrangement_to_json(arrangement: Arrangement | None) -> dict[str, Any] | None:
    """As it comes back from the database, so that the two can be compared."""
    if arrangement is None:
        return None
    leaves = [[leaf.file_id, leaf.page, leaf.turn, leaf.component_id] for leaf in arrangement.leaves]
    return {"leaves": leaves, "files": list(arrangement.files)}


def _arrangement(told: dict[str, Any] | None) -> Arrangement | None:
    if told is None:
        return None
    leaves = (
        Leaf(file_id=file_id, page=page, turn=turn, component_id=component_id)
        for file_id, page, turn, component_id in told["leaves"]
    )
    return Arrangement(leaves=tuple(leaves), files=tuple(told["files"]))


def _opening(keys: KeyRing, sealed: bytes | None) -> ReadOpening | None:
    if sealed is None:
        return None
    body = json.loads(keys.open(sealed, OPENING))
    return ReadOpening(version=body["version"], shots=shots(body["shots"]))


def _seen(keys: KeyRing, sealed: bytes | None) -> SeenFile | None:
    return None if sealed is None else seen_file(json.loads(keys.open(sealed, SEEN)))


def file(keys: KeyRing, row: Any) -> File:
    """A row of `files`."""
    plain = (
        "file_id", "component_id", "position", "size_bytes", "media_type", "sha256", "rejection_code", "submitted",
        "named_version",
    )  # fmt: skip
    return File(
        **{name: row[name] for name in plain},
        file_name=keys.open(row["file_name"], NAME) if row["file_name"] else "",
        state=FileState(row["state"]),
        report=_report(keys, row["report"]),
        opening=_opening(keys, row["opening"]),
        seen=_seen(keys, row["seen"]),
    )


def material(
    row: Any, files: Sequence[File], replaced: Sequence[File], confirmations: Sequence[Confirmation]
) -> Material:
    """A row of `materials` with what belongs to it."""
    plain = ("material_id", "item_id", "ordinal", "required", "version", "announced_recipe", "requested_recipe")
    merged, disc = row["merged"], row["disc"]
    return Material(
        **{name: row[name] for name in (*plain, "requested_disc")},
        files=tuple(files),
        replaced=tuple(replaced),
        merged=None if merged is None else Merged(**{**merged, "codes": tuple(merged["codes"])}),
        disc=None if disc is None else Disc(**disc),
        confirmations=tuple(confirmations),
        arrangement=_arrangement(row["arrangement"]),
    )


def confirmation(row: Any) -> Confirmation:
    """A row of `confirmations`."""
    names = ("level", "compared_with_original", "legible", "authentic", "manifest_sha256", "catalogue_version")
    return Confirmation(**{name: row[name] for name in (*names, "confirmed_by", "confirmed_at")})


def words_to_bytes(keys: KeyRing, decision: Decision) -> bytes:
    """Comment and reasons, sealed: people write names into them."""
    body = {"comment": decision.comment, "defects": [[d.material_id, d.reason] for d in decision.defects]}
    return keys.seal(json.dumps(body, ensure_ascii=False), WORDS)


def decision(keys: KeyRing, row: Any) -> Decision:
    """A row of `decisions`."""
    words = json.loads(keys.open(row["words"], WORDS))
    names = ("decision_id", "submission", "level", "decision", "by", "at", "manifests")
    return Decision(
        **{name: row[name] for name in names},
        comment=words["comment"],
        defects=tuple(Defect(material_id=m, reason=reason) for m, reason in words["defects"]),
    )


def dossier(row: Any, materials: Sequence[Material] = (), decisions: Sequence[Decision] = ()) -> Dossier:
    """A row of `dossiers` with what belongs to it."""
    names = ("dossier_id", "applicant_id", "organisation_id", "organisation_path", "cycle", "catalogue_version")
    more = ("level", "submission", "version", "event_number", "updated_at", "submitted_at")
    return Dossier(
        **{name: row[name] for name in (*names, *more)},
        state=DossierState(row["state"]),
        route=tuple(row["route"]),
        reached=tuple(row["reached"]),
        materials=tuple(materials),
        decisions=tuple(decisions),
    )


def dossier_values(dossier: Dossier, status: str) -> Mapping[str, object]:
    """The header's columns."""
    names = (
        "dossier_id",
        "applicant_id",
        "organisation_id",
        "organisation_path",
        "cycle",
        "catalogue_version",
        "state",
    )
    more = ("level", "submission", "version", "event_number", "updated_at", "submitted_at")
    plain = {name: getattr(dossier, name) for name in (*names, *more)}
    return {**plain, "route": list(dossier.route), "reached": list(dossier.reached), "status": status}
