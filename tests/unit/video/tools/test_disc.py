"""A disc is built only when reading it back finds exactly the order."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.kernel.errors import AppError
from services.video.ports import DiscOrder
from services.video.tools.disc import build
from tests.assets.video_fixtures import FILE_NAME

CONTENT = b"moving pictures" * 1000


@pytest.fixture
def order(tmp_path: Path) -> DiscOrder:
    video = tmp_path / "video.mp4"
    video.write_bytes(CONTENT)
    return DiscOrder(
        video=video,
        file_name=FILE_NAME,
        size_bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        label="SHENBAO_2023",
        at=datetime(2023, 9, 1, tzinfo=UTC),
    )


def test_the_order_is_built_and_read_back(order: DiscOrder, tmp_path: Path) -> None:
    found = build(order, tmp_path / "disc.iso")
    assert found.image_sha256 == hashlib.sha256((tmp_path / "disc.iso").read_bytes()).hexdigest()
    assert {file.name for file in found.files} == {FILE_NAME}


def test_another_content_than_ordered_is_not_handed_out(order: DiscOrder, tmp_path: Path) -> None:
    with pytest.raises(AppError) as refused:
        build(replace(order, sha256="0" * 64), tmp_path / "disc.iso")
    assert refused.value.code == "disc.not-as-written"


def test_a_name_that_no_disc_carries_is_refused(order: DiscOrder, tmp_path: Path) -> None:
    with pytest.raises(AppError) as refused:
        build(replace(order, file_name="a:b.mp4"), tmp_path / "disc.iso")
    assert refused.value.code == "disc.bad-name"
