"""Dossiers, materials, files, confirmations and decisions as this service knows them. Frozen, hardly any behaviour."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from services.catalogue.findings import Finding
from services.catalogue.opening.model import Shot
from services.catalogue.pages.model import SeenFile


class DossierState(StrEnum):
    """Where a dossier is."""

    DRAFT = "draft"
    IN_REVIEW = "in-review"
    RETURNED = "returned"
    ACCEPTED = "accepted"


class MaterialStatus(StrEnum):
    """What a material shows, worst first; a section and a dossier show their worst."""

    FAILED = "failed"
    MISSING = "missing"
    RETURNED = "returned"
    PROCESSING = "processing"
    PASSED = "passed"
    AWAITING_CONFIRMATION = "awaiting-confirmation"
    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"


class FileState(StrEnum):
    """What upload has said of a file."""

    STORED = "stored"
    VERIFIED = "verified"
    REJECTED = "rejected"


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The last report of a check on one file. `findings` are complete once `fetched`; before that only their codes
    are known, from the event. While a newer report's texts are on the way, they are those of the one before."""

    report_id: str
    version: int
    verdict: str
    fetched: bool
    findings: tuple[Finding, ...] = ()
    pages: int = 0
    duration_s: float = 0
    parsed_name: str = ""
    parsed_id_number: str = ""
    #: The version of the file that was judged, 0 where its name plays no part.
    file_version: int = 0
    #: Whether another report follows, or this one's texts, without which nothing is settled.
    pending: bool = False
    #: Characters of each page, -1 where none can be counted; empty where nobody counted.
    page_characters: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOpening:
    """What is written in a video's opening, in order of time; without shots nothing of it could be shown."""

    version: int
    shots: tuple[Shot, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """One file of a material. `position` orders the files of one component."""

    file_id: str
    component_id: str
    position: int
    file_name: str
    size_bytes: int
    media_type: str
    sha256: str
    state: FileState
    rejection_code: str = ""
    report: Report | None = None
    #: Of a video, once it was read.
    opening: ReadOpening | None = None
    #: Of a document, once its pages were looked at.
    seen: SeenFile | None = None
    #: The last submission that held it, 0 for none.
    submitted: int = 0
    #: The file's version when it was last given a name: reports on older ones do not count. 0 for never renamed.
    named_version: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaf:
    """One page as the applicant put it: page `page` (from 1) of a file, turned by `turn` degrees clockwise, as part of
    a component."""

    file_id: str
    page: int
    turn: int
    component_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrangement:
    """Pages instead of whole files. `files` are those that it is about: a page of theirs that is no leaf was left out
    on purpose, while a file that came later is taken whole."""

    leaves: tuple[Leaf, ...]
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """The merged PDF of one recipe."""

    merged_id: str
    version: int
    recipe_sha256: str
    sha256: str
    size_bytes: int
    pages: int
    verdict: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Disc:
    """The disc image of one file."""

    disc_id: str
    file_id: str
    sha256: str
    size_bytes: int
    file_sha256: str
    #: Reports and discs of a file are numbered together: a disc older than the report bears an older name.
    version: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirmation:
    """The three confirmations of one level for one manifest of one material (G-13)."""

    level: str
    compared_with_original: bool
    legible: bool
    authentic: bool
    manifest_sha256: str
    catalogue_version: str
    confirmed_by: str
    confirmed_at: datetime

    @property
    def complete(self) -> bool:
        """Whether all three were given."""
        return self.compared_with_original and self.legible and self.authentic


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """One entry that the applicant owes or added."""

    material_id: str
    item_id: str
    ordinal: int
    required: bool
    version: int
    files: tuple[File, ...] = ()
    #: Submitted once and taken out since; see `Dossier.before`.
    replaced: tuple[File, ...] = ()
    merged: Merged | None = None
    disc: Disc | None = None
    confirmations: tuple[Confirmation, ...] = ()
    #: None while files are taken whole, in their order.
    arrangement: Arrangement | None = None
    #: What the last MaterialChanged, MergeRequested and DiscRequested said, so that none is sent twice.
    announced_recipe: str = ""
    requested_recipe: str = ""
    requested_disc: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Defect:
    """One reason of a return, about one material."""

    material_id: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What a level did: "forwarded", "accepted" or "returned", with the manifests that it saw."""

    decision_id: str
    submission: int
    level: str
    decision: str
    by: str
    at: datetime
    comment: str = ""
    defects: tuple[Defect, ...] = ()
    manifests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dossier:
    """The whole aggregate; every change of it locks its row."""

    dossier_id: str
    applicant_id: str
    organisation_id: str
    organisation_path: str
    cycle: int
    catalogue_version: str
    state: DossierState
    level: str
    route: tuple[str, ...]
    submission: int
    version: int
    event_number: int
    updated_at: datetime
    submitted_at: datetime | None
    #: Levels that have held it, in any submission.
    reached: tuple[str, ...] = ()
    materials: tuple[Material, ...] = ()
    decisions: tuple[Decision, ...] = ()

    def material(self, material_id: str) -> Material | None:
        """The material, None when it is not there."""
        return next((material for material in self.materials if material.material_id == material_id), None)

    @property
    def editable(self) -> bool:
        """Whether the applicant may change it."""
        return self.state in (DossierState.DRAFT, DossierState.RETURNED)

    def before(self, material: Material) -> tuple[File, ...]:
        """Files that the submission before the present work held and that are not part of the material any more."""
        before = self.submission if self.editable else self.submission - 1
        return tuple(file for file in material.replaced if file.submitted == before)

    @property
    def last_return(self) -> Decision | None:
        """The newest return, None when there was none."""
        return next((d for d in reversed(self.decisions) if d.decision == "returned"), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Organisation:
    """One node of the tree. `path` is ids from the root, "/sc/cd/"."""

    organisation_id: str
    path: str
    name: str
    #: "unit", "county", "city" or "province".
    level: str
    #: Of units: which route they take.
    kind: str = ""


class Role(StrEnum):
    """Offices."""

    APPLICANT = "applicant"
    REVIEWER = "reviewer"
    OPERATOR = "operator"


@dataclass(frozen=True, kw_only=True, slots=True)
class Office:
    """A role of an account at an organisation."""

    role: Role
    organisation: Organisation


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who asks."""

    account_id: str
    offices: tuple[Office, ...] = ()

    def reviews(self, dossier: Dossier) -> Office | None:
        """The office in which the actor may see a dossier: its organisation lies on the dossier's path, and the
        dossier has reached its level."""
        return next(self._reviewing(dossier), None)

    def compares(self, dossier: Dossier) -> Office | None:
        """The widest of these offices: that of the city rather than that of the county."""
        return min(self._reviewing(dossier), key=lambda office: len(office.organisation.path), default=None)

    def _reviewing(self, dossier: Dossier) -> Iterator[Office]:
        for office in self.offices:
            at = office.organisation
            if (
                office.role is Role.REVIEWER
                and dossier.organisation_path.startswith(at.path)
                and at.level in dossier.reached
            ):
                yield office

    def may_see(self, dossier: Dossier) -> bool:
        """The applicant and the reviewers of the levels reached; for everybody else it is not there."""
        return dossier.applicant_id == self.account_id or self.reviews(dossier) is not None

    @property
    def is_operator(self) -> bool:
        """Whether the actor operates the platform."""
        return any(office.role is Role.OPERATOR for office in self.offices)
