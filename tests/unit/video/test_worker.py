"""What a stage leaves behind when its lease is lost."""

from types import SimpleNamespace
from typing import Any

import pytest

from services.kernel.jobs.queue import LeaseLost
from services.video.worker import VideoJobs


class Store:
    def __init__(self) -> None:
        self.deleted: list[str] = []

    async def delete(self, key: str) -> None:
        self.deleted.append(key)


class Files:
    def __init__(self, *, there: bool) -> None:
        self.there = there

    async def describe(self, *_: str) -> object | None:
        return object() if self.there else None


def jobs(store: Store, *, there: bool) -> VideoJobs:
    nothing: Any = None
    platform: Any = SimpleNamespace(storage=store)
    files: Any = Files(there=there)
    return VideoJobs(
        platform=platform,
        catalogue=nothing,
        reports=nothing,
        cards=nothing,
        files=files,
        images=nothing,
        reader=nothing,
        opening_s=15,
    )


JOB: Any = SimpleNamespace(dossier_id="d", organisation_path="/sc/", subject_id="f")


@pytest.mark.parametrize(("there", "deleted"), [(False, ["a.jpg", "b.jpg"]), (True, [])])
async def test_what_was_made_of_a_deleted_file_goes_with_it(*, there: bool, deleted: list[str]) -> None:
    """Another worker's job of a file that is there makes the same things under the same keys."""
    store = Store()
    with pytest.raises(LeaseLost):
        async with jobs(store, there=there)._not_left_behind(JOB, ["a.jpg", "", "b.jpg"]):
            raise LeaseLost
    assert store.deleted == deleted


async def test_what_was_kept_stays() -> None:
    store = Store()
    async with jobs(store, there=False)._not_left_behind(JOB, ["a.jpg"]):
        pass
    assert store.deleted == []
