"""What is kept of a video, and where: reports and discs in transactions that their jobs end in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue.findings import Finding
from services.catalogue.opening.model import Shot
from services.kernel.events.outbox import Outbox
from services.video.domain.look import Sample
from services.video.domain.readback import Directories


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoReport:
    """The last report on one file. Durations in seconds; `fps` frames per second; 0 or "" where there is none."""

    report_id: str
    version: int
    verdict: str
    findings: tuple[Finding, ...]
    checked_at: datetime
    duration_s: float = 0
    media_duration_s: float = 0
    width: int = 0
    height: int = 0
    fps: float = 0
    #: By the longest and the shortest frame: equal when the rate is constant.
    fps_lowest: float = 0
    fps_highest: float = 0
    video_codec: str = ""
    audio_codec: str = ""
    bytes_read: int = 0
    #: (from, to) of each stretch in which the picture stands still.
    still: tuple[tuple[float, float], ...] = ()
    #: Likewise, of those in which it jerks.
    stutter: tuple[tuple[float, float], ...] = ()
    #: Whether browsers play it as it is; another copy is made when they do not.
    playable: bool = True
    #: The file name's parts, empty when it has none.
    parsed_name: str = ""
    parsed_id_number: str = ""
    suggested_name: str = ""
    #: The version of the file that was judged, its name included.
    file_version: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Disc:
    """A built and read-back disc image; `file_name` and `file_sha256` are what was found on it."""

    disc_id: str
    version: int
    object_key: str
    size_bytes: int
    #: Of the whole image; "" where it was not read as a whole (`DiscImages.rehash`).
    sha256: str
    file_name: str
    file_sha256: str
    label: str
    built_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptShot:
    """A picture of the opening with what is written in it; the picture lies at `object_key`."""

    shot: Shot
    object_key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoOpening:
    """What is written in the first `seconds` of a file, in order of time. Without shots nothing could be shown."""

    opening_id: str
    version: int
    seconds: float
    shots: tuple[KeptShot, ...]
    read_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoLook:
    """What a look through a file told. Its storyboard lies at `object_key`; without samples nothing could be shown."""

    look_id: str
    version: int
    samples: tuple[Sample, ...]
    findings: tuple[Finding, ...]
    object_key: str
    cell_px: tuple[int, int]
    looked_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoProxy:
    """A copy for browsers that cannot play the original, at `object_key`; "" when none could be made."""

    proxy_id: str
    version: int
    object_key: str
    size_bytes: int
    width_px: int
    height_px: int
    made_at: datetime


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

    async def report(self, dossier_id: str, organisation_path: str, file_id: str) -> VideoReport | None:
        """The last report, None when there is none in scope."""
        ...

    async def disc(self, dossier_id: str, organisation_path: str, file_id: str) -> Disc | None:
        """The disc image, None when it is not built."""
        ...

    async def opening(self, dossier_id: str, organisation_path: str, file_id: str) -> VideoOpening | None:
        """What the opening says, None when it was not read yet."""
        ...

    async def look(self, dossier_id: str, organisation_path: str, file_id: str) -> VideoLook | None:
        """What a look through it told, None when nobody has looked yet."""
        ...

    async def proxy(self, dossier_id: str, organisation_path: str, file_id: str) -> VideoProxy | None:
        """The copy for browsers, None when none was asked for or none is made yet."""
        ...


class Writing(Reports, Protocol):
    """Keeping what is made of a file, in the transaction that ends the job."""

    async def next_version(self, connection: AsyncConnection, file_id: str) -> int:
        """One more than the newest version of anything that is kept of the file; nobody else gets it before the
        transaction ends.
        """
        ...

    async def save_opening(
        self, connection: AsyncConnection, outbox: Outbox, subject: Subject, opening: VideoOpening
    ) -> None:
        """Replace the opening and announce OpeningRead."""
        ...

    async def save_report(
        self, connection: AsyncConnection, outbox: Outbox, subject: Subject, report: VideoReport
    ) -> None:
        """Replace the report and announce VideoChecked."""
        ...

    async def save_look(self, connection: AsyncConnection, subject: Subject, look: VideoLook) -> None:
        """Replace the look. It is for the eye: nothing is announced."""
        ...

    async def save_proxy(self, connection: AsyncConnection, subject: Subject, proxy: VideoProxy) -> None:
        """Replace the copy for browsers. It is for the eye: nothing is announced."""
        ...

    async def save_disc(self, connection: AsyncConnection, outbox: Outbox, subject: Subject, disc: Disc) -> None:
        """Replace the disc and announce DiscBuilt."""
        ...

    async def forget(self, connection: AsyncConnection, file_id: str) -> None:
        """Remove everything that is kept of the file."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class TitleCard:
    """An opening in front of a file that says what is declared, by field, and stands `seconds`; and what came of it, at
    `object_key` when it was made. `problem` is the code of an error, else "".
    """

    card_id: str
    declared: Mapping[str, str]
    seconds: float
    requested_at: datetime
    object_key: str = ""
    etag: str = ""
    size_bytes: int = 0
    #: How long it stands, and how long the whole lasts.
    card_s: float = 0
    duration_s: float = 0
    findings: tuple[Finding, ...] = ()
    problem: str = ""
    problem_params: Mapping[str, str] = field(default_factory=dict)


class TitleCards(Protocol):
    """One for each file: the last that was asked for."""

    async def find(self, dossier_id: str, organisation_path: str, file_id: str) -> TitleCard | None:
        """None when none was asked for, or not in scope."""
        ...

    async def request(self, subject: Subject, card: TitleCard) -> None:
        """Keep it in place of an earlier one, whose job ends, and ask for its job."""
        ...

    async def save(self, connection: AsyncConnection, subject: Subject, card: TitleCard) -> None:
        """Keep what came of it."""
        ...

    async def forget(self, connection: AsyncConnection, file_id: str) -> None:
        """Remove it."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscOrder:
    """What is to stand on the disc."""

    video: Path
    file_name: str
    size_bytes: int
    sha256: str
    label: str
    #: Every time on the disc: when the file was stored.
    at: datetime


class PlannedImage(Protocol):
    """An image around a file: the bytes before it, their number, and the bytes behind."""

    @property
    def head(self) -> bytes:
        """Before it."""
        ...

    @property
    def payload_bytes(self) -> int:
        """The file's size."""
        ...

    @property
    def tail(self) -> bytes:
        """Behind it."""
        ...


class DiscTools(Protocol):
    """Images planned, and read back from what stands around the file. Both block."""

    def plan(self, size_bytes: int, *, file_name: str, label: str, at: datetime) -> PlannedImage:
        """The same for the same arguments, byte for byte. Raises `AppError` disc.bad-name."""
        ...

    def directories(self, head: bytes, payload_bytes: int, tail: bytes) -> Directories:
        """What the views show. Raises `AppError` disc.not-as-written."""
        ...
