"""What the use cases need from outside."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.catalogue.findings import Finding
from services.catalogue.pages.model import SeenFile
from services.catalogue.profile import Profile
from services.review.domain.arranging import Part
from services.review.domain.audit import AuditRow, Head
from services.review.domain.records import (
    Actor,
    Confirmation,
    Decision,
    Defect,
    Dossier,
    File,
    Material,
    Organisation,
    ReadOpening,
    Report,
    Role,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Whose rows a transaction may see."""

    organisation_path: str
    dossier_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One line of the change feed."""

    seq: int
    dossier_id: str
    material_id: str
    kind: str


class Unit(Protocol):
    """One transaction: rows, audit lines, changes and events become visible together or not at all."""

    async def dossier(self, dossier_id: str) -> Dossier | None:
        """The aggregate, its row locked until the end; None when it is not there or not in scope."""
        ...

    async def profile(self, dossier_id: str) -> Profile:
        """The applicant's profile, decrypted."""
        ...

    async def create_dossier(self, dossier: Dossier, profile: Profile) -> bool:
        """Insert; False when this id, or another dossier of the applicant in the cycle, is there."""
        ...

    async def save_profile(self, dossier: Dossier, profile: Profile) -> None:
        """Replace the profile and the person's name and ID number."""
        ...

    async def save_dossier(self, dossier: Dossier, status: str) -> None:
        """Write the header: state, level, counters."""
        ...

    async def save_material(self, dossier: Dossier, material: Material, status: str) -> None:
        """Insert or replace the material's own row (not its files)."""
        ...

    async def delete_material(self, material_id: str) -> None:
        """Remove a material without files."""
        ...

    async def save_file(self, dossier: Dossier, material_id: str, file: File) -> None:
        """Insert or replace a file with its report."""
        ...

    async def take_out_file(self, file_id: str, *, keep: bool) -> None:
        """Remove a file from its material and end its fetches; `keep` remembers it as replaced."""
        ...

    async def keep_early_report(self, dossier: Dossier, file_id: str, stage: str, report: Report) -> None:
        """Keep the report on a file that is not here (yet); a newer one replaces it."""
        ...

    async def take_early_report(self, file_id: str) -> "tuple[str, Report] | None":
        """The stage and report that were kept for a file; they are not kept any longer."""
        ...

    async def mark_submitted(self, dossier: Dossier) -> None:
        """Every file that it holds now was part of its present submission."""
        ...

    async def save_confirmation(self, dossier: Dossier, material_id: str, confirmation: Confirmation) -> None:
        """Insert or replace a level's confirmation of a material."""
        ...

    async def draft_defects(self, dossier: Dossier, level: str) -> Sequence[Defect]:
        """What a level has collected for a return, in the order in which it was written."""
        ...

    async def save_draft_defect(self, dossier: Dossier, level: str, defect: Defect, by: str) -> None:
        """Put a material's defect on the level's list, or take it off when the reason is empty."""
        ...

    async def clear_draft_defects(self, dossier: Dossier, level: str) -> None:
        """The level has decided."""
        ...

    async def add_decision(self, dossier: Dossier, decision: Decision) -> None:
        """Append a decision."""
        ...

    async def audit(self, dossier: Dossier, action: str, actor: str, details: Mapping[str, str | int | bool]) -> None:
        """Append a line to the dossier's chain; `details` are ids, codes and hashes only."""
        ...

    def change(self, dossier: Dossier, kind: str, material_id: str = "") -> None:
        """Tell the change feed, when this commits."""
        ...

    def announce_material_changed(
        self, dossier: Dossier, material: Material, parts: Sequence[Part], recipe: str
    ) -> None:
        """Event MaterialChanged."""
        ...

    def announce_merge_requested(
        self, dossier: Dossier, material: Material, parts: Sequence[Part], recipe: str
    ) -> None:
        """Event MergeRequested."""
        ...

    def announce_disc_requested(self, dossier: Dossier, material: Material, file: File) -> None:
        """Event DiscRequested."""
        ...

    def announce_submitted(self, dossier: Dossier) -> None:
        """Event DossierSubmitted."""
        ...

    def announce_decision(self, dossier: Dossier, decision: Decision) -> None:
        """Event DecisionMade."""
        ...

    async def fetch_later(self, dossier: Dossier, stage: str, file_id: str, version: int) -> None:
        """A job that fetches a name or a report by gRPC."""
        ...


class Work(Protocol):
    """Opens transactions, and reads what belongs to no dossier."""

    def begin(self, scope: Scope) -> AbstractAsyncContextManager[Unit]:
        """A transaction that commits when the block ends and rolls back when it raises."""
        ...

    async def actor(self, account_id: str) -> Actor:
        """The account with its offices; without any when it has none."""
        ...

    async def actors(self, account_ids: Sequence[str]) -> Mapping[str, Actor]:
        """Several accounts at once, by id."""
        ...

    async def organisation(self, organisation_id: str) -> Organisation | None:
        """One organisation."""
        ...

    async def organisations(self, below: str, after: str, size: int) -> Sequence[Organisation]:
        """Organisations at or below a path, by path, after a path."""
        ...

    async def save_organisation(self, organisation: Organisation) -> None:
        """Insert or rename."""
        ...

    async def assign(self, account_id: str, role: Role, organisation_id: str, name: str) -> None:
        """Give an office and write the person's name; repeating changes nothing."""
        ...

    async def names(self, account_ids: Sequence[str]) -> Mapping[str, str]:
        """Names of persons, for showing beside decisions."""
        ...

    async def dossiers(
        self, scope: Scope, *, applicant_id: str, level: str, state: str, waiting: bool, within: str, before: str,
        size: int,
    ) -> Sequence[tuple[Dossier, str]]:  # fmt: skip
        """Dossiers without materials, newest first, with their status: one applicant's, or those that reached
        `level`; `waiting` keeps those that are at `level` now, `within` those of an organisation path. `before` is
        the last id of the page before.
        """
        ...

    async def count_dossiers(self, scope: Scope, *, applicant_id: str, level: str) -> tuple[Mapping[str, int], int]:
        """The same by state, and how many are at `level` now."""
        ...

    async def organisation_names(self, organisation_ids: Sequence[str]) -> Mapping[str, str]:
        """Names of organisations."""
        ...

    async def chain(self, scope: Scope, dossier_id: str) -> tuple[Sequence[AuditRow], Head | None]:
        """A dossier's audit rows in stored order, and its head."""
        ...

    async def chained(self) -> Sequence[str]:
        """Ids of every dossier that has a chain or a head."""
        ...

    async def prune_early_reports(self, before: datetime) -> None:
        """Drop reports that came before this moment and whose file never did."""
        ...

    async def last_change(self) -> int:
        """The number of the newest change that can be seen, 0 before the first; later ones have larger numbers."""
        ...

    async def changes(self, scope: Scope, after: int, up_to: int, size: int) -> Sequence[tuple[Change, Dossier]]:
        """The change feed within (`after`, `up_to`], oldest first, each with its dossier without materials."""
        ...

    async def pruned_to(self) -> int:
        """The number up to which changes are not kept any more, 0 when all are."""
        ...

    async def prune_changes(self, before: datetime, size: int) -> int:
        """Drop up to `size` of the oldest changes, those from before then, never the newest one; how many."""
        ...

    def watch(self) -> AbstractAsyncContextManager["Waiting"]:
        """Something to wait on for further changes."""
        ...


class Waiting(Protocol):
    """Wakes when the change feed may have grown."""

    async def wait(self, timeout_s: float) -> None:
        """Return when woken or after `timeout_s`."""
        ...


class Facts(Protocol):
    """What is asked of the other services, because no event carries text."""

    async def file_name(self, dossier: Dossier, file_id: str) -> str:
        """A file's name. Raises `AppError`, request.not-found when it is deleted."""
        ...

    async def video_report(self, dossier: Dossier, file_id: str) -> "FetchedReport":
        """The last report on a video. Raises `AppError`."""
        ...

    async def opening(self, dossier: Dossier, file_id: str) -> ReadOpening | None:
        """What is written in a video's opening, None while it is not read. Raises `AppError`."""
        ...

    async def seen_pages(self, dossier: Dossier, file_id: str) -> SeenFile | None:
        """What was seen on a document's pages, None while they are not looked at. Raises `AppError`."""
        ...

    async def document_report(self, dossier: Dossier, file_id: str) -> "FetchedReport":
        """The last report on a document. Raises `AppError`."""
        ...

    async def twins(self, token: str, dossier_id: str, file_ids: Sequence[str]) -> "Sequence[TwinPage]":
        """Pages of these files that are in other dossiers as well, within the office that `token` names; the likest of
        each page first. Raises `AppError`.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class TwinPage:
    """A page of a file, and where it is as well. `likeness` is 0 to 1."""

    file_id: str
    page: int
    other_dossier_id: str
    other_file_id: str
    other_page: int
    likeness: float


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchedReport:
    """A report with its texts."""

    report_id: str
    version: int
    verdict: str
    findings: tuple[Finding, ...]
    pages: int = 0
    duration_s: float = 0
    parsed_name: str = ""
    parsed_id_number: str = ""
    #: The version of the file that was judged, 0 where its name plays no part.
    file_version: int = 0
    #: Whether another report follows, without which nothing is settled.
    pending: bool = False
    #: Characters of each page, -1 where none can be counted; empty where nobody counted.
    page_characters: tuple[int, ...] = ()
