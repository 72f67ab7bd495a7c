"""Only ordinary readable files get further than the first look."""

import hashlib
import os
from pathlib import Path

import pytest

from services.catalogue.sniff import MediaType
from services.catalogue.wording import Lang
from services.cli.local import UnreadablePathError, look_at, shown


def test_a_file_is_told_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "证书.mp4"
    path.write_bytes(b"%PDF-1.7\n")
    file = look_at(path)
    assert (file.media_type, file.size_bytes) == (MediaType.PDF, 9)
    assert file.sha256() == hashlib.sha256(b"%PDF-1.7\n").hexdigest()


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    assert look_at(tmp_path / "x").size_bytes == 0


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    ("name", "kind"), [("missing", "missing"), ("folder", "directory"), ("pipe", "special"), ("loop", "unreadable")]
)
def test_what_is_no_file_is_refused_without_waiting(name: str, kind: str, lang: Lang, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadablePathError) as caught:
        look_at(tmp_path / name)
    assert caught.value.kind == kind
    assert name in caught.value.worded(lang)


def test_a_name_with_a_null_or_too_long_is_unreadable(tmp_path: Path) -> None:
    for name in ("a\0b", "a" * 300):
        with pytest.raises(UnreadablePathError):
            look_at(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_without_permission(tmp_path: Path) -> None:
    (tmp_path / "x").touch(mode=0o000)
    with pytest.raises(UnreadablePathError) as caught:
        look_at(tmp_path / "x")
    assert caught.value.kind == "unreadable"


def test_a_file_that_goes_away_is_missing(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"%PDF-")
    file = look_at(tmp_path / "x")
    (tmp_path / "x").unlink()
    for use in (file.sha256, file.source):
        with pytest.raises(UnreadablePathError):
            use()


def test_a_name_in_another_encoding_can_still_be_printed() -> None:
    assert shown(Path(os.fsdecode(b"\xd6\xa4\xca\xe9.pdf"))).encode()
