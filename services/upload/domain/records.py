"""Upload sessions and files: what they are, how they change, what is refused before a byte moves. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import PurePath

from services.kernel.errors import AppError, Kind

_SHA256 = re.compile(r"^[0-9a-f]{64}$")
_SEGMENT = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
MAX_NAME_CHARACTERS = 255
MAX_PARTS = 10_000


class UploadState(StrEnum):
    """Where a session stands; it only moves forward."""

    OPEN = "open"
    #: The expected parts are recorded and the store is joining them.
    COMPLETING = "completing"
    COMPLETED = "completed"
    ABORTED = "aborted"


class FileState(StrEnum):
    """Where a file stands."""

    #: In the store; the whole-file hash is not known yet.
    STORED = "stored"
    VERIFIED = "verified"
    REJECTED = "rejected"
    DELETED = "deleted"
    #: Out of use, kept beside what was made from it and stands in its place.
    REPLACED = "replaced"


class Area(StrEnum):
    """Which part of the store holds the bytes."""

    STAGING = "staging"
    #: Versioned and, where offered, locked: what was submitted.
    EVIDENCE = "evidence"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Which component of which material of whose dossier a file is for."""

    dossier_id: str
    organisation_path: str
    material_id: str
    item_id: str
    component_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedPart:
    """A part as it was recorded when the session began to complete."""

    number: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """One session."""

    upload_id: str
    file_id: str
    place: Place
    file_name: str
    size_bytes: int
    #: SHA-256 of the whole as the sender computed it, "" when not given.
    declared_sha256: str
    object_key: str
    store_upload_id: str
    part_size_bytes: int
    state: UploadState
    created_at: datetime
    expires_at: datetime
    expected_parts: tuple[ExpectedPart, ...] = ()

    @property
    def part_count(self) -> int:
        """How many parts the file has."""
        return -(-self.size_bytes // self.part_size_bytes)

    def part_bytes(self, number: int) -> int:
        """Exact size of part `number`. Raises `AppError` upload.no-such-part."""
        if not 1 <= number <= self.part_count:
            raise AppError("upload.no-such-part", Kind.INVALID, number=number, parts=self.part_count)
        return min(self.part_size_bytes, self.size_bytes - (number - 1) * self.part_size_bytes)


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """One file in the store. `version` counts its changes and travels with every event."""

    file_id: str
    place: Place
    file_name: str
    size_bytes: int
    media_type: str
    sha256: str
    declared_sha256: str
    object_key: str
    etag: str
    area: Area
    state: FileState
    stored_at: datetime
    version: int = 1
    rejection_code: str = ""
    #: The file from which it was made and in whose place it stands, "" for none.
    replaces: str = ""

    @property
    def in_use(self) -> bool:
        """Whether it is one of its material's files."""
        return self.state not in (FileState.DELETED, FileState.REPLACED)

    def judged(self, sha256: str) -> "File":
        """The file once its whole hash is known: verified, or rejected when another was declared."""
        agrees = self.declared_sha256 in ("", sha256)
        return replace(
            self,
            sha256=sha256,
            state=FileState.VERIFIED if agrees else FileState.REJECTED,
            rejection_code="" if agrees else "file.hash-mismatch",
            version=self.version + 1,
        )

    def moved(self, key: str, etag: str, area: Area) -> "File":
        """The file after its bytes were copied to another place."""
        return replace(self, object_key=key, etag=etag, area=area, version=self.version + 1)

    def renamed(self, file_name: str) -> "File":
        """The file under another name."""
        return replace(self, file_name=file_name, version=self.version + 1)

    def replaced(self) -> "File":
        """The file once another one stands in its place."""
        return replace(self, state=FileState.REPLACED, version=self.version + 1)

    def restored(self) -> "File":
        """The file once it stands in its own place again; to be judged by its hash as at first."""
        return replace(self, state=FileState.STORED, rejection_code="", version=self.version + 1)

    def deleted(self) -> "File":
        """The file after its applicant removed it."""
        return replace(self, state=FileState.DELETED, version=self.version + 1)


def object_key(area: Area, cycle: int, place: Place, file_id: str) -> str:
    """`staging/cycles/2023/dossiers/<id>/<item>/<file_id>`: no name, no ID number in it."""
    return f"{area}/cycles/{cycle}/dossiers/{place.dossier_id}/{place.item_id}/{file_id}"


def file_id_of(key: str) -> str:
    """The file of an object's key; of a key that is no file's, something that no file is called."""
    return key.rpartition("/")[2]


def check_request(*, place: Place, file_name: str, size_bytes: int, declared_sha256: str) -> None:
    """Refuse what no item could accept. Raises `AppError` upload.*, file.empty."""
    for segment in (place.dossier_id, place.item_id, place.material_id, place.component_id):
        if not _SEGMENT.match(segment):
            raise AppError("upload.bad-identifier", Kind.INVALID)
    check_file_name(file_name)
    if size_bytes < 0:
        raise AppError("upload.bad-size", Kind.INVALID, size_bytes=size_bytes)
    if size_bytes == 0:
        raise AppError("file.empty", Kind.UNPROCESSABLE, size_bytes=0, least_bytes=1)
    if declared_sha256 and not is_sha256(declared_sha256):
        raise AppError("upload.bad-hash", Kind.INVALID)


def check_file_name(file_name: str) -> None:
    """Refuse what is no name of a file. Raises `AppError` upload.bad-file-name."""
    fine = 0 < len(file_name) <= MAX_NAME_CHARACTERS and file_name.isprintable()
    if not fine or PurePath(file_name.replace("\\", "/")).name != file_name:
        raise AppError(
            "upload.bad-file-name", Kind.INVALID, characters=len(file_name), most_characters=MAX_NAME_CHARACTERS
        )


def is_sha256(text: str) -> bool:
    """Whether `text` is a SHA-256 in lower-case hexadecimal."""
    return bool(_SHA256.match(text))


def extension_of(file_name: str) -> str:
    """Lower-case extension without the dot, "" when there is none."""
    return PurePath(file_name).suffix.removeprefix(".").lower()


def check_parts(upload: Upload, stored: Sequence[ExpectedPart]) -> None:
    """Refuse to complete while parts are missing. Raises `AppError` upload.parts-missing, with the first ones."""
    there = {part.number: part for part in stored}
    missing = [
        number
        for number in range(1, upload.part_count + 1)
        if number not in there or there[number].size_bytes != upload.part_bytes(number)
    ]
    if missing:
        first = ", ".join(str(number) for number in missing[:10])
        raise AppError(
            "upload.parts-missing", Kind.PRECONDITION, missing=len(missing), parts=upload.part_count, first=first
        )
