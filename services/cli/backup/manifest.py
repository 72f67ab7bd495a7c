"""The manifest of a backup: what it holds, with the SHA-256 of each part, and proof of who wrote it."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, BinaryIO

from services.cli.backup.keys import KeyMaterial
from services.cli.backup.members import MANIFEST, OBJECTS, damaged
from services.kernel.errors import AppError, Kind
from services.kernel.storage.keys import check_key
from services.kernel.storage.port import InvalidKey

FORMAT = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_MANIFEST_BYTES = 64 * 2**20
_MOST_LINE_BYTES = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A member other than an object."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DumpedDatabase:
    """One database at one snapshot."""

    part: Part
    #: Schema → its revision.
    revisions: Mapping[str, str]
    #: "schema.table" → how many rows the snapshot shows.
    rows: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredObject:
    """One object: a line of the list. Its number is the line's, from 0."""

    key: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """Everything but the objects one by one."""

    made_at: str
    databases: tuple[DumpedDatabase, ...]
    objects: Part
    object_count: int
    object_bytes: int
    #: Keys that the rows name and the store did not have.
    missing: tuple[str, ...]
    #: What tells whether keys are the right ones (`KeyMaterial.checks`).
    checks: Mapping[str, str]
    #: Present when the keys themselves are part of the backup.
    secrets: Part | None = None
    #: Keyed by the audit key: whoever restores knows that nobody else wrote this.
    mac: str = ""

    def _body(self) -> bytes:
        return json.dumps(asdict(replace(self, mac="")), sort_keys=True, separators=(",", ":")).encode()

    def signed(self, keys: KeyMaterial) -> "Manifest":
        """With its mac."""
        return replace(self, mac=keys.mac(self._body()))

    def written_by(self, keys: KeyMaterial) -> bool:
        """Whether the mac is of these keys."""
        return hmac.compare_digest(self.mac, keys.mac(self._body()))

    def text(self) -> str:
        """The member `manifest.json`."""
        body = asdict(self)
        return json.dumps({"format": FORMAT, "sha256": _digest(body), "body": body}, indent=1, sort_keys=True)


def _digest(body: object) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def parse(file: BinaryIO) -> Manifest:
    """Raises `AppError` backup.damaged, backup.other-format."""
    try:
        told = json.loads(file.read(_MOST_MANIFEST_BYTES))
        if told["format"] != FORMAT:
            raise AppError("backup.other-format", Kind.UNSUPPORTED, measured=str(told["format"])[:20], allowed=FORMAT)
        if _digest(told["body"]) != told["sha256"]:
            raise damaged(MANIFEST, measured=_digest(told["body"]), allowed=str(told["sha256"])[:64])
        return _manifest(told["body"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged(MANIFEST, measured=type(error).__name__, allowed="a manifest") from error


def _manifest(body: dict[str, Any]) -> Manifest:
    databases = tuple(DumpedDatabase(**{**each, "part": _part(each["part"])}) for each in body["databases"])
    datetime.fromisoformat(body["made_at"])
    return Manifest(
        **{
            **body,
            "databases": databases,
            "objects": _part(body["objects"]),
            "missing": tuple(body["missing"]),
            "secrets": None if body["secrets"] is None else _part(body["secrets"]),
        }
    )


def _part(data: dict[str, Any]) -> Part:
    return Part(name=str(data["name"]), size_bytes=int(data["size_bytes"]), sha256=str(data["sha256"]))


def line_of(stored: StoredObject) -> str:
    """A line of the list, with its end."""
    return json.dumps(asdict(stored), sort_keys=True) + "\n"


def objects_from(file: BinaryIO) -> Iterator[StoredObject]:
    """Every line of the list, in order. Raises `AppError` backup.damaged with the line, also for a key that no store
    takes (one that leads elsewhere, say) or that is not above the one before it.
    """
    number, last = 0, ""
    while line := file.readline(_MOST_LINE_BYTES):
        number += 1
        place = f"{OBJECTS}:{number}"
        stored = _stored(line, place)
        if stored.key <= last or stored.size_bytes < 0 or not _SHA256.fullmatch(stored.sha256):
            raise damaged(place, measured=stored.key[:100], allowed="keys in order, each once, with size and SHA-256")
        last = stored.key
        yield stored


def _stored(line: bytes, place: str) -> StoredObject:
    try:
        told = json.loads(line)
        return StoredObject(key=check_key(told["key"]), size_bytes=int(told["size_bytes"]), sha256=str(told["sha256"]))
    except InvalidKey as error:
        raise damaged(place, measured=line.decode(errors="replace")[:200], allowed="a key of the store") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(place, measured=type(error).__name__, allowed="key, size_bytes, sha256") from error


def schemas_of(databases: Sequence[DumpedDatabase]) -> Mapping[str, str]:
    """Schema → revision over all databases."""
    return {schema: revision for database in databases for schema, revision in database.revisions.items()}
