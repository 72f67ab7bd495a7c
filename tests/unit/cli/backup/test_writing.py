"""A backup is there whole or not at all."""

from pathlib import Path

import pytest

from services.cli.backup.writing import WrongSize, writer_for
from services.kernel.errors import AppError
from tests.unit.cli.backup.made import make

NAMES = ["b", "b.tar"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_seen_before_it_is_whole_and_nothing_is_left_of_a_broken_one(tmp_path: Path, name: str) -> None:
    writer = writer_for(tmp_path / name)
    with writer.writing("objects/0000/00000000", 3) as sink:
        sink.write(b"one")
    assert not (tmp_path / name).exists()
    writer.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", [b"on", b"one!"])
def test_a_member_of_another_size_is_not_kept(tmp_path: Path, name: str, content: bytes) -> None:
    writer = writer_for(tmp_path / name)
    member = "objects/0000/00000000"
    with pytest.raises(WrongSize), writer.writing(member, 3) as sink:
        sink.write(content)
    with writer.writing(member, 3) as sink:
        sink.write(b"one")
    writer.discard()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_there_is_never_overwritten(tmp_path: Path, name: str) -> None:
    make(tmp_path / name)
    with pytest.raises(AppError, match=r"backup\.target-exists"):
        writer_for(tmp_path / name)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(AppError, match=r"backup\.target-exists"):
        writer_for(tmp_path / "link")
