"""Real files, made once for the session."""

from pathlib import Path

import pytest

from tests.assets import video_fixtures as videos


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the real files lie."""
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="session")
def real(folder: Path) -> Path:
    """H.264 with B-frames, AAC, index at the end."""
    return videos.real_mp4(folder / "real.mp4")
