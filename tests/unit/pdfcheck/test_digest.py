"""The digest that follows a file being written."""

import hashlib
from pathlib import Path

import pytest

from services.pdfcheck.tools import digest

_WINDOW = digest._WINDOW_BYTES


@pytest.mark.parametrize("size", [0, 1, _WINDOW - 1, _WINDOW, _WINDOW + 1, 2 * _WINDOW + 5])
def test_the_same_as_of_the_whole_file(size: int, tmp_path: Path) -> None:
    content = bytes(size) if size < 2 else bytes(range(256)) * (size // 256) + b"." * (size % 256)
    path = tmp_path / "grows"
    with path.open("xb") as target, digest.following(path) as sha256:
        for begin in range(0, size, 2**20 + 7):
            target.write(content[begin : begin + 2**20 + 7])
        target.flush()
    assert sha256.hexdigest() == hashlib.sha256(content).hexdigest()


def test_a_writer_that_fails_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "grows"
    with pytest.raises(OSError, match="no space"), path.open("xb"), digest.following(path):
        raise OSError("no space")


def test_a_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), digest.following(tmp_path / "none"):
        pytest.fail("never begun")
