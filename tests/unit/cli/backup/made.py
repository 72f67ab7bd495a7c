"""Small backups, made by the writers themselves."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from services.cli.backup.keys import KeyMaterial
from services.cli.backup.manifest import DumpedDatabase, Manifest, Part, StoredObject, line_of
from services.cli.backup.members import MANIFEST, OBJECTS, object_name
from services.cli.backup.writing import writer_for

KEYS = KeyMaterial(encryption_keys="a:" + "QUJD" * 10 + "QUI=", lookup_key="l" * 40, audit_key="k" * 40)
CONTENT: Mapping[str, bytes] = {"evidence/one": b"one" * 300, "staging/empty": b"", "staging/two": b"two" * 999}
DUMP = b"not really a dump, " * 50


def part_of(name: str, content: bytes) -> Part:
    """As the manifest describes a member."""
    return Part(name=name, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def stored(key: str, content: bytes) -> StoredObject:
    """As the list describes an object."""
    return StoredObject(key=key, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def make(target: Path, *, lines: bytes | None = None, objects: Mapping[str, bytes] = CONTENT) -> Manifest:
    """A backup with one dump and a few objects; `lines` stands in for the list of them."""
    writer = writer_for(target)
    listed = "".join(line_of(stored(key, content)) for key, content in objects.items()).encode()
    listed = listed if lines is None else lines
    members = {"database-1.dump": DUMP, OBJECTS: listed}
    members |= {object_name(number): content for number, content in enumerate(objects.values())}
    for name, content in members.items():
        with writer.writing(name, len(content)) as sink:
            sink.write(content)
    manifest = Manifest(
        made_at="2023-06-01T08:00:00+00:00",
        databases=(DumpedDatabase(part=part_of("database-1.dump", DUMP), revisions={"upload": "u1"}, rows={}),),
        objects=part_of(OBJECTS, listed),
        object_count=len(objects),
        object_bytes=sum(map(len, objects.values())),
        missing=(),
        checks=KEYS.checks(),
    ).signed(KEYS)
    with writer.writing(MANIFEST, len(manifest.text())) as sink:
        sink.write(manifest.text().encode())
    writer.finish()
    return manifest
