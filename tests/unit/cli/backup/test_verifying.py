"""A backup that is not as it was written is refused, with the place named; what is hostile in one leads nowhere."""

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from services.cli.backup.manifest import Manifest, line_of
from services.cli.backup.members import MANIFEST, OBJECTS, object_name
from services.cli.backup.verifying import verified
from services.kernel.errors import AppError
from tests.unit.cli.backup.made import CONTENT, make, part_of, stored

Change = Callable[[Path], None]


def check(path: Path) -> Manifest:
    with verified(path, lambda _: None) as backup:
        for name, each in backup.objects():
            with backup.reader.reading(name) as file:
                assert file.read() == CONTENT[each.key]
        return backup.manifest


def place(path: Path) -> str:
    """Where the refusal says that it is damaged."""
    with pytest.raises(AppError) as refused:
        check(path)
    assert refused.value.code == "backup.damaged"
    return str(refused.value.params["place"])


def outcome(path: Path) -> Manifest | str:
    """The manifest, where only padding that no reader looks at was changed; else the refusal's code."""
    try:
        return check(path)
    except AppError as error:
        return error.code


@pytest.mark.parametrize("name", ["whole", "whole.tar"])
def test_a_whole_one_is_read_back(tmp_path: Path, name: str) -> None:
    made = make(tmp_path / name)
    assert check(tmp_path / name) == made
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_the_fraction_ends_at_one(tmp_path: Path) -> None:
    make(tmp_path / "b")
    seen: list[float] = []
    with verified(tmp_path / "b", seen.append):
        assert seen == sorted(seen)
        assert 0.5 < seen[-1] <= 1


@pytest.mark.parametrize("member", ["database-1.dump", OBJECTS, object_name(0), MANIFEST])
@pytest.mark.parametrize("where", ["first", "last"])
def test_one_byte_that_differs_is_found(tmp_path: Path, member: str, where: str) -> None:
    make(tmp_path / "b")
    path = tmp_path / "b" / member
    content = bytearray(path.read_bytes())
    content[0 if where == "first" else -1] ^= 1
    path.write_bytes(content)
    assert place(tmp_path / "b").startswith(member)


@pytest.mark.parametrize("member", ["database-1.dump", OBJECTS, object_name(2), MANIFEST])
def test_a_member_that_was_cut_or_lost_is_named(tmp_path: Path, member: str) -> None:
    make(tmp_path / "b")
    path = tmp_path / "b" / member
    os.truncate(path, path.stat().st_size - 1)
    assert place(tmp_path / "b") == member
    if member != MANIFEST:
        path.unlink()
        assert place(tmp_path / "b") == member


def test_a_file_that_was_cut_anywhere_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "b.tar")
    content = (tmp_path / "b.tar").read_bytes()
    end = len(content) - 2 * tarfile.BLOCKSIZE
    for size in sorted({*range(0, end, 509), end - tarfile.BLOCKSIZE}):
        (tmp_path / "cut.tar").write_bytes(content[:size])
        with pytest.raises(AppError, match=r"backup\.(damaged|not-one)"):
            check(tmp_path / "cut.tar")


def test_every_byte_of_the_file_counts(tmp_path: Path) -> None:
    """Headers, names, padding of a header: whatever changes what is read is found."""
    whole = make(tmp_path / "b.tar")
    content = (tmp_path / "b.tar").read_bytes()
    for at in range(0, len(content) - 2 * tarfile.BLOCKSIZE, 97):
        changed = bytearray(content)
        changed[at] ^= 0xFF
        (tmp_path / "changed.tar").write_bytes(changed)
        assert outcome(tmp_path / "changed.tar") in ("backup.damaged", "backup.not-one", whole)


@pytest.mark.parametrize("key", ["../../outside", "/etc/passwd", "a/../../b", "a//b", ".", "a\x00b", "一", "a" * 2000])
def test_a_key_that_leads_elsewhere_is_refused(tmp_path: Path, key: str) -> None:
    """All hashes are right: whoever can write a backup can make them."""
    make(tmp_path / "b", objects={"k": b"x"}, lines=line_of(stored(key, b"x")).encode())
    assert place(tmp_path / "b") == f"{OBJECTS}:1"


@pytest.mark.parametrize(
    "lines",
    [
        line_of(stored("b", b"x")) + line_of(stored("a", b"x")),
        line_of(stored("b", b"x")) * 2,
        line_of(stored("b", b"x")) + "{}\n",
        line_of(stored("b", b"x")) + "[1]\n",
        line_of(stored("b", b"x")) + "not json\n",
        line_of(stored("b", b"x")) + line_of(stored("c", b"x")).replace('"size_bytes": 1', '"size_bytes": -1'),
    ],
)
def test_a_list_that_is_none_is_refused_with_its_line(tmp_path: Path, lines: str) -> None:
    make(tmp_path / "b", objects={"b": b"x"}, lines=lines.encode())
    assert place(tmp_path / "b") == f"{OBJECTS}:2"


def test_a_list_of_fewer_objects_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "b", objects={"a": b"x", "b": b"y"}, lines=line_of(stored("a", b"x")).encode())
    assert place(tmp_path / "b") == OBJECTS


@pytest.mark.parametrize("member", ["database-1.dump", object_name(0), OBJECTS, "objects"])
def test_a_link_is_refused_whatever_it_leads_to(tmp_path: Path, member: str) -> None:
    make(tmp_path / "b")
    path = tmp_path / "b" / member
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert place(tmp_path / "b") == member


@pytest.mark.parametrize("name", ["more", "objects/more", "objects/0000/00000009", "database-9.dump", "secrets.json"])
def test_what_is_not_in_the_manifest_is_refused(tmp_path: Path, name: str) -> None:
    make(tmp_path / "b")
    (tmp_path / "b" / name).write_bytes(b"")
    assert place(tmp_path / "b") == name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../outside", tarfile.REGTYPE),
        ("/outside", tarfile.REGTYPE),
        ("objects/0000/../../outside", tarfile.REGTYPE),
        ("objects/0000/00000009", tarfile.SYMTYPE),
        ("objects/0000/00000009", tarfile.LNKTYPE),
        ("objects/0000", tarfile.DIRTYPE),
        ("secrets.json", tarfile.FIFOTYPE),
        (MANIFEST, tarfile.REGTYPE),
    ],
)
def test_a_tar_file_with_something_else_in_it_is_refused(tmp_path: Path, name: str, kind: bytes) -> None:
    make(tmp_path / "b.tar")
    with tarfile.open(tmp_path / "b.tar", "a") as tar:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member, io.BytesIO(b""))
    assert place(tmp_path / "b.tar") == name
    assert sorted(each.name for each in tmp_path.iterdir()) == ["b.tar"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (json.dumps({"format": 2}), "backup.other-format"),
        (json.dumps({"format": 1, "sha256": "", "body": {}}), "backup.damaged"),
        ("[]", "backup.damaged"),
        ("[" * 100_000, "backup.damaged"),
        ("", "backup.damaged"),
    ],
)
def test_a_manifest_that_is_none(tmp_path: Path, text: str, code: str) -> None:
    make(tmp_path / "b")
    (tmp_path / "b" / MANIFEST).write_text(text)
    with pytest.raises(AppError) as refused:
        check(tmp_path / "b")
    assert refused.value.code == code


def test_what_is_no_backup_at_all(tmp_path: Path) -> None:
    (tmp_path / "file.tar").write_bytes(b"not a tar file" * 100)
    (tmp_path / "folder").mkdir()
    for name in ("file.tar", "folder", "nothing"):
        with pytest.raises(AppError, match=r"backup\.not-one"):
            check(tmp_path / name)


def test_a_part_is_described_by_its_content() -> None:
    assert part_of("n", b"abc").sha256.startswith("ba7816bf")
