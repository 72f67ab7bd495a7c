"""An image is the same whether the kernel places the video or we do, and a short video is an error, not a hole."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.video.tools import placing
from services.video.tools.iso import ImagePlan, plan_image
from tests.assets.video_fixtures import FILE_NAME

CONTENT = os.urandom(3 * 2**20 + 77)
PLAN = plan_image(len(CONTENT), file_name=FILE_NAME, label="L", at=datetime(2023, 9, 1, tzinfo=UTC))


@contextmanager
def files(folder: Path, content: bytes) -> Iterator[tuple[int, int]]:
    """The video and an empty image, open."""
    (folder / "video").write_bytes(content)
    with (folder / "video").open("rb") as video, (folder / "image").open("xb") as image:
        yield video.fileno(), image.fileno()


def placed(folder: Path, content: bytes = CONTENT, plan: ImagePlan = PLAN) -> tuple[bytes, list[tuple[int, int]]]:
    steps: list[tuple[int, int]] = []
    with files(folder, content) as (video, image):
        placing.place(plan, video, image, lambda *step: steps.append(step))
    return (folder / "image").read_bytes(), steps


@pytest.fixture(params=["kernel", "no such call", "across file systems", "in small steps"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way of copying, and the ways to it."""

    def refusing(*_arguments: int) -> int:
        raise OSError(errno.EXDEV, "cross-device")

    if request.param == "no such call":
        monkeypatch.delattr(os, "copy_file_range", raising=False)
    if request.param == "across file systems":
        monkeypatch.setattr(os, "copy_file_range", refusing, raising=False)
    if request.param == "in small steps":
        monkeypatch.setattr(placing, "_STEP_BYTES", 2**20)
    return str(request.param)


def test_every_way_makes_the_same_image(tmp_path: Path, way: str) -> None:
    image, steps = placed(tmp_path)
    assert image == PLAN.head + CONTENT + PLAN.tail
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert steps == sorted(steps)


def test_a_video_that_ends_early_is_an_error(tmp_path: Path, way: str) -> None:
    with pytest.raises(OSError, match="announced"):
        placed(tmp_path, CONTENT[:-1])


def test_other_errors_are_not_taken_for_a_kernel_that_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: int) -> int:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "copy_file_range", full, raising=False)
    with pytest.raises(OSError, match="no space"):
        placed(tmp_path)
