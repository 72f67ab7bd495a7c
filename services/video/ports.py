"""What is kept of a video, and where: reports and discs in transactions that their jobs end in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.catalogue.findings import Finding


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
    video_codec: str = ""
    audio_codec: str = ""
    bytes_read: int = 0
    #: The file name's parts, empty when it has none.
    parsed_name: str = ""
    parsed_id_number: str = ""
    suggested_name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Disc:
    """A built and read-back disc image; `file_name` and `file_sha256` are what was found on it."""

    disc_id: str
    version: int
    object_key: str
    size_bytes: int
    sha256: str
    file_name: str
    file_sha256: str
    label: str
    built_at: datetime


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


