"""Reads a whole backup and holds every byte against its manifest, before anything is made of it."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from services.cli.backup.manifest import Manifest, Part, StoredObject, objects_from, parse
from services.cli.backup.members import MANIFEST, damaged, object_name
from services.cli.backup.reading import Reader, reader_for

_READ_BYTES = 2**20
#: What part of the whole was read so far, 0 to 1.
Progress = Callable[[float], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Backup:
    """A backup that is as it was written."""

    reader: Reader
    manifest: Manifest

    def objects(self) -> Iterator[tuple[str, StoredObject]]:
        """(member, object), by key."""
        with self.reader.reading(self.manifest.objects.name) as file:
            for number, stored in enumerate(objects_from(file)):
                yield object_name(number), stored


@contextmanager
def verified(source: Path, progress: Progress) -> Iterator[Backup]:
    """The backup, once every member was read and found whole.

    Raises `AppError` backup.not-one, backup.other-format, backup.damaged with the place.
    """
    reader = reader_for(source)
    try:
        sizes = reader.sizes()
        if MANIFEST not in sizes:
            raise damaged(MANIFEST, measured="missing", allowed="it is written last: the backup was cut")
        with reader.reading(MANIFEST) as file:
            backup = Backup(reader=reader, manifest=parse(file))
        _check(backup, sizes, progress)
        yield backup
    finally:
        reader.close()


def _check(backup: Backup, sizes: Mapping[str, int], progress: Progress) -> None:
    manifest, done, whole = backup.manifest, 0, max(1, sum(sizes.values()))
    expected = {MANIFEST}
    parts = [database.part for database in manifest.databases] + [manifest.objects]
    for part in parts if manifest.secrets is None else [*parts, manifest.secrets]:
        _check_member(backup.reader, sizes, part)
        expected.add(part.name)
        done += part.size_bytes
        progress(done / whole)
    count = total = 0
    for name, stored in backup.objects():
        _check_member(backup.reader, sizes, Part(name=name, size_bytes=stored.size_bytes, sha256=stored.sha256))
        expected.add(name)
        count, total = count + 1, total + stored.size_bytes
        progress((done + total) / whole)
    if (count, total) != (manifest.object_count, manifest.object_bytes):
        allowed = f"{manifest.object_count} objects, {manifest.object_bytes} B"
        raise damaged(manifest.objects.name, measured=f"{count} objects, {total} B", allowed=allowed)
    for name in sizes:
        if name not in expected:
            raise damaged(name, measured="there", allowed="not in the manifest")


def _check_member(reader: Reader, sizes: Mapping[str, int], part: Part) -> None:
    if part.name not in sizes:
        raise damaged(part.name, measured="missing", allowed=f"{part.size_bytes} B")
    if sizes[part.name] != part.size_bytes:
        raise damaged(part.name, measured=f"{sizes[part.name]} B", allowed=f"{part.size_bytes} B")
    with reader.reading(part.name) as file:
        found = _sha256(file)
    if found != part.sha256:
        raise damaged(part.name, measured=f"SHA-256 {found}", allowed=part.sha256)


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_READ_BYTES):
        digest.update(chunk)
    return digest.hexdigest()
