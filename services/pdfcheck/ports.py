"""What is kept of documents and merges, and where."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue.findings import Finding
from services.catalogue.pages.model import Repeat, SeenFile
from services.kernel.events.outbox import Outbox
from services.pdfcheck.domain.coaching import Advice, Derivation
from services.pdfcheck.domain.headings import Suggestion
from services.pdfcheck.domain.signatures import Signature


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentReport:
    """The last report on one file. Sizes in bytes, `page_bytes` one per page."""

    report_id: str
    version: int
    verdict: str
    findings: tuple[Finding, ...]
    checked_at: datetime
    size_bytes: int = 0
    page_bytes: tuple[int, ...] = ()
    encrypted: bool = False
    signed: bool = False
    images_only: bool = False
    #: How many pictures were decoded to see whether they are whole, and how many nobody here can decode.
    pictures: int = 0
    unknown_pictures: int = 0
    #: Characters of each page, -1 where none can be counted; empty where the item limits no text.
    page_characters: tuple[int, ...] = ()
    #: Whether that is still to come: until then nothing is merged or handed in.
    pending: bool = False
    #: Who signed, as the file says it.
    signatures: tuple[Signature, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipePart:
    """One part of a material, in order. `pages` are (page from 1, degrees clockwise); none means all as they are."""

    file_id: str
    component_id: str
    sha256: str
    pages: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What a material is to be merged from now."""

    material_id: str
    dossier_id: str
    organisation_path: str
    item_id: str
    recipe_sha256: str
    parts: tuple[RecipePart, ...]
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MergedFile:
    """The one PDF of a material. `bookmarks` are (title, page, depth); `page_map` (file id, page)."""

    merged_id: str
    version: int
    recipe_sha256: str
    object_key: str
    sha256: str
    size_bytes: int
    pages: int
    verdict: str
    merged_at: datetime
    findings: tuple[Finding, ...] = ()
    bookmarks: tuple[tuple[str, int, int], ...] = ()
    page_map: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Which file of whose dossier."""

    file_id: str
    dossier_id: str
    organisation_path: str
    material_id: str = ""
    item_id: str = ""
    component_id: str = ""


class Reports(Protocol):
    """Reading what is kept."""

    async def report(self, dossier_id: str, organisation_path: str, file_id: str) -> DocumentReport | None:
        """The last report, None when there is none in scope."""
        ...

    async def merged(self, dossier_id: str, organisation_path: str, material_id: str) -> MergedFile | None:
        """The merged PDF, None when there is none."""
        ...


class Writing(Reports, Protocol):
    """Keeping, in the transaction that ends the job."""

    async def recipe(self, dossier_id: str, organisation_path: str, material_id: str) -> Recipe | None:
        """The material's present recipe."""
        ...

    async def next_version(self, connection: AsyncConnection, file_id: str) -> int:
        """One more than the newest version of the file's reports."""
        ...

    async def save_report(
        self, connection: AsyncConnection, outbox: Outbox, subject: Subject, report: DocumentReport
    ) -> None:
        """Replace the report and announce DocumentChecked."""
        ...

    async def save_merged(self, connection: AsyncConnection, outbox: Outbox, recipe: Recipe, merged: MergedFile) -> str:
        """Replace the merged PDF and announce MaterialMerged, unless the recipe has changed meanwhile.

        The key of the object that is no longer needed: the old one's, or the new one's when it came too late.
        """
        ...

    async def save_recipe(self, connection: AsyncConnection, recipe: Recipe) -> None:
        """What a material consists of now."""
        ...

    async def forget_report(self, connection: AsyncConnection, file_id: str) -> None:
        """Remove a deleted file's report."""
        ...

    async def forget_merged(self, connection: AsyncConnection, material_id: str, recipe_sha256: str) -> None:
        """Remove a material's merged PDF unless it is of this recipe."""
        ...


class Coaching(Protocol):
    """Advice on what is too large, and files that were made smaller."""

    async def advice(self, dossier_id: str, organisation_path: str, subject_id: str) -> Advice | None:
        """The last one on a file or a material, None when there is none in scope."""
        ...

    async def request_advice(self, subject: Subject, stage: str, argument: str, request_id: str) -> None:
        """Let it be measured by a job of `stage` about the subject's file (or material, where it has no file)."""
        ...

    async def derivation(self, dossier_id: str, organisation_path: str, file_id: str) -> Derivation | None:
        """How that file came about, None when it was not derived."""
        ...

    async def derivations_of(self, dossier_id: str, organisation_path: str, advice_id: str) -> Sequence[Derivation]:
        """Those that an advice led to, made or not, and that were not taken back."""
        ...

    async def adopted(self, dossier_id: str, organisation_path: str) -> Sequence[Derivation]:
        """Every file of a dossier that took its original's place, oldest first; also where it was taken back."""
        ...

    async def request_derivations(self, wanted: Sequence[tuple[Subject, Derivation]]) -> None:
        """Let smaller files be made, by a job each about the file that they are made from."""
        ...

    async def save_advice(self, connection: AsyncConnection, subject: Subject, advice: Advice) -> None:
        """Replace the advice on a file or material, in the transaction that ends the job."""
        ...

    async def save_derivation(self, connection: AsyncConnection, subject: Subject, derivation: Derivation) -> None:
        """Insert or replace it."""
        ...

    async def take_back(self, connection: AsyncConnection, file_id: str, at: datetime) -> None:
        """Note when that file went and its original stood in its own place again."""
        ...

    async def forget_advice(self, connection: AsyncConnection, subject_id: str) -> None:
        """Of a file that was deleted, a material that changed. Derivations stay: they tell of evidence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quality:
    """What was seen on a file's pages."""

    quality_id: str
    seen: SeenFile
    looked_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class NearPage:
    """Two pages whose perceptual hashes are near: one of a file, and another one of the dossier."""

    page: int
    other_file_id: str
    other_page: int
    #: Bits in which they differ.
    apart: int


class Qualities(Protocol):
    """What is kept of pages."""

    async def quality(self, dossier_id: str, organisation_path: str, file_id: str) -> Quality | None:
        """What was seen, None when there is nothing in scope."""
        ...

    async def near_pages(self, dossier_id: str, organisation_path: str, file_id: str) -> tuple[NearPage, ...]:
        """Candidates for a repetition in the same dossier, the nearest of each page first; within the file itself only
        pages before. Pages on which next to nothing stands are none.
        """
        ...

    async def save_quality(
        self, connection: AsyncConnection, outbox: Outbox, subject: Subject, quality: Quality
    ) -> None:
        """Replace what was seen, with the hashes, and announce PagesSeen."""
        ...

    async def save_repeats(
        self, connection: AsyncConnection, outbox: Outbox, subject: Subject, repeats: tuple[Repeat, ...], version: int
    ) -> None:
        """Which pages repeat others; announced when there are any. No effect where nothing was seen."""
        ...

    async def forget_quality(self, connection: AsyncConnection, file_id: str) -> None:
        """Remove what is kept of a deleted file."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class PageElsewhere:
    """A page of another dossier."""

    dossier_id: str
    organisation_path: str
    file_id: str
    page: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NearElsewhere:
    """A page of a file, and one of another dossier whose perceptual hash is near."""

    page: int
    other: PageElsewhere
    #: Bits in which they differ.
    apart: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Twin:
    """A page of a file that is in another dossier as well. `likeness` is 0 to 1."""

    file_id: str
    page: int
    other: PageElsewhere
    likeness: float


class Twins(Protocol):
    """The same page in several dossiers. Nobody but a reviewer may be told, and nobody whose dossier it is."""

    async def near(self, dossier_id: str, file_id: str) -> tuple[NearElsewhere, ...]:
        """Candidates for a file's pages in every other dossier, the nearest first: of one page a few, of one dossier
        for it three at most. Pages on which next to nothing stands are none.
        """
        ...

    async def below(self, dossier_id: str, office_path: str, file_ids: Sequence[str]) -> tuple[Twin, ...]:
        """What was found of a dossier, the likest of each page first, whichever of both was looked at later: only where
        both dossiers lie at or below `office_path`. Of these files, or of all when none is named.
        """
        ...

    async def save(self, connection: AsyncConnection, subject: Subject, found: Sequence[Twin]) -> None:
        """Replace what was found when this file was compared, in the transaction that ends the job."""
        ...

    async def forget(self, connection: AsyncConnection, file_id: str) -> None:
        """Remove what is kept of a deleted file, on either side. The transaction must see every dossier."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggested:
    """What was asked for on a file, for the components of an item. `pages` is None while it is being read."""

    item_id: str
    pages: tuple[Suggestion, ...] | None


class Suggestions(Protocol):
    """Which component each page most likely belongs to."""

    async def request(self, dossier_id: str, organisation_path: str, file_id: str, item_id: str) -> None:
        """Have a file's pages read; asked for again, it changes nothing."""
        ...

    async def suggested(self, dossier_id: str, organisation_path: str, file_id: str) -> Suggested | None:
        """What was found, None when nobody asked."""
        ...

    async def save(self, connection: AsyncConnection, file_id: str, found: tuple[Suggestion, ...]) -> None:
        """Keep it; no effect where the file is gone."""
        ...

    async def forget(self, connection: AsyncConnection, file_id: str) -> None:
        """Remove what is kept of a deleted file."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class TypedText:
    """A text, and the file that was made of it or is being made."""

    file_id: str
    text: str
    typed_at: datetime


class TypedTexts(Protocol):
    """Texts that were typed for a component of a material, each as long as its file is kept."""

    async def of(self, place: Subject) -> Sequence[TypedText]:
        """Those of the component, newest first, also of files that were replaced."""
        ...

    async def save(self, place: Subject, text: TypedText) -> None:
        """Insert or replace it."""
        ...

    async def remove(self, place: Subject) -> None:
        """That of a file which was not made."""
        ...

    async def forget(self, connection: AsyncConnection, file_id: str) -> None:
        """Remove that of a deleted file, with the change that deletes it."""
        ...
