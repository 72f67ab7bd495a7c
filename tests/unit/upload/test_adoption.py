"""A file that another service derived becomes one of the dossier's, by a copy inside the store."""

from dataclasses import replace

import pytest

from services.kernel.errors import AppError
from services.kernel.storage.port import Excerpt
from services.upload.domain.records import Area, FileState, Place
from services.upload.usecases.adoption import Adopted, adopt_file
from services.upload.usecases.context import Context
from services.upload.usecases.files import delete_file, describe_file, list_files, restore_original
from tests.unit.upload.fakes import PLACE, SCOPE, Rows, Store, context, file

KEY = "derived/video/dossiers/d1/f1/titled.mp4"
VIDEO = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(100)
FILM = replace(PLACE, item_id="surgery_video", component_id="video")


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def store() -> Store:
    made = Store()
    made.objects[KEY] = VIDEO
    return made


@pytest.fixture
def service(rows: Rows, store: Store) -> Context:
    return context(rows, store)


def new(
    file_id: str = "new-1", key: str = KEY, etag: str = "e", size_bytes: int = len(VIDEO), name: str = "张三.mp4",
    place: Place = FILM,
) -> Adopted:  # fmt: skip
    source = Excerpt(key=key, etag=etag, offset=0, length=size_bytes)
    return Adopted(file_id=file_id, place=place, file_name=name, source=source)


async def test_it_is_a_file_as_any_other_and_its_source_stays(service: Context, rows: Rows, store: Store) -> None:
    made = await adopt_file(service, SCOPE, new())
    assert (made.state, made.media_type, made.size_bytes) == (FileState.STORED, "video/mp4", len(VIDEO))
    assert (rows.told, rows.jobs) == (["stored 1"], ["verify:new-1"])
    assert store.objects[made.object_key] == store.objects[KEY] == VIDEO
    assert made.object_key != KEY


async def test_twice_is_once(service: Context, rows: Rows) -> None:
    first = await adopt_file(service, SCOPE, new())
    assert await adopt_file(service, SCOPE, new()) == first
    assert (rows.told, rows.jobs) == (["stored 1"], ["verify:new-1"])


async def test_one_that_was_deleted_since_does_not_come_back(service: Context, rows: Rows) -> None:
    await adopt_file(service, SCOPE, new())
    await delete_file(service, SCOPE, "new-1")
    assert await refused(service, new()) == "request.not-found"


async def refused(service: Context, wanted: Adopted) -> str:
    with pytest.raises(AppError) as failed:
        await adopt_file(service, SCOPE, wanted)
    return failed.value.code


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (new(key="derived/video/dossiers/d2/f1/titled.mp4"), "request.not-found"),  # of another dossier
        (new(key="derived/video/dossiers/d1/../d2/titled.mp4"), "request.not-found"),
        (new(key="derived/video/dossiers/d1/"), "request.not-found"),
        (new(key="derived/video/dossiers/d1"), "request.not-found"),
        (new(key="evidence/cycles/2023/dossiers/d1/f1"), "request.not-found"),
        (new(key=KEY.replace("titled", "other")), "request.not-found"),
        (new(etag="old"), "request.not-found"),
        (new(size_bytes=len(VIDEO) + 1), "request.not-found"),
        (new(file_id="../x"), "request.not-found"),
        (new(size_bytes=0), "file.empty"),
        (new(name="a.exe"), "upload.media-not-accepted"),
        (new(name="a/b.mp4"), "upload.bad-file-name"),
    ],
)
async def test_what_is_not_the_dossiers_or_cannot_be_a_file_is_refused(
    service: Context, rows: Rows, store: Store, wanted: Adopted, code: str
) -> None:
    assert await refused(service, wanted) == code
    assert (rows.kept, set(store.objects)) == ({}, {KEY})


async def test_the_quota_counts_it_exactly(rows: Rows, store: Store) -> None:
    service = context(rows, store, quota_bytes=2**20)
    rows.kept["f"] = file(size_bytes=2**20 - len(VIDEO) + 1)
    assert await refused(service, new()) == "upload.quota"
    rows.kept["f"] = file(size_bytes=2**20 - len(VIDEO))
    await adopt_file(service, SCOPE, new())


PAGE = "derived/pdfcheck/dossiers/d1/files/f1/shrunk/new-1.pdf"
SMALLER = b"%PDF-1.7\n smaller"


@pytest.fixture
def replacing(rows: Rows, store: Store) -> Adopted:
    """A smaller file for one that is there."""
    store.objects[PAGE] = SMALLER
    rows.kept["f1"] = file(file_id="f1")
    source = Excerpt(key=PAGE, etag="e", offset=0, length=len(SMALLER))
    return Adopted(file_id="new-1", place=PLACE, file_name="a.pdf", source=source, replaces="f1")


async def test_it_takes_the_originals_place_and_the_original_is_kept(
    service: Context, rows: Rows, store: Store, replacing: Adopted
) -> None:
    made = await adopt_file(service, SCOPE, replacing)
    assert made.replaces == "f1"
    assert rows.kept["f1"].state is FileState.REPLACED
    assert rows.told == ["stored 1"]  # what was made of the original stays, and so nothing tells of its end
    assert [each.file_id for each in await list_files(service, SCOPE)] == ["new-1"]
    assert (await describe_file(service, SCOPE, "f1", replaced_too=True)).file_id == "f1"
    with pytest.raises(AppError, match=r"request\.not-found"):
        await describe_file(service, SCOPE, "f1")
    assert await adopt_file(service, SCOPE, replacing) == made


async def test_only_what_is_in_use_in_that_place_is_replaced(service: Context, rows: Rows, replacing: Adopted) -> None:
    for wrong in (
        replace(replacing, replaces="nobody"), replace(replacing, place=replace(PLACE, material_id="m2")),
    ):  # fmt: skip
        assert await refused(service, wrong) == "request.not-found"
    await adopt_file(service, SCOPE, replacing)
    assert await refused(service, replace(replacing, file_id="new-2")) == "request.not-found"


async def test_deleted_with_what_was_made_from_it(service: Context, rows: Rows, replacing: Adopted) -> None:
    await adopt_file(service, SCOPE, replacing)
    await delete_file(service, SCOPE, "f1")
    assert rows.kept["f1"].state is FileState.REPLACED  # not without what stands in its place
    await delete_file(service, SCOPE, "new-1")
    assert {each.state for each in rows.kept.values()} == {FileState.DELETED}
    assert rows.jobs[-2:] == ["purge:new-1", "purge:f1"]


@pytest.mark.parametrize(
    ("hashed", "declared", "state"),
    [("ab", "", FileState.VERIFIED), ("ab", "cd", FileState.REJECTED), ("", "", FileState.STORED)],
)
async def test_an_original_is_taken_back(
    service: Context, rows: Rows, replacing: Adopted, hashed: str, declared: str, state: FileState
) -> None:
    rows.kept["f1"] = file(file_id="f1", sha256=hashed, declared_sha256=declared, version=2)
    await adopt_file(service, SCOPE, replacing)
    rows.told.clear()
    original = await restore_original(service, SCOPE, "new-1")
    assert (original.file_id, original.state) == ("f1", state)
    judged = [f"{state} 5"] if hashed else []  # a number of its own, else it would not be heard
    assert rows.told == ["stored 4 instead of new-1", *judged, "deleted 2, f1 restored"]
    assert [each.file_id for each in await list_files(service, SCOPE)] == ["f1"]
    verified = ["verify:f1:4"] if state is FileState.STORED else []
    assert rows.jobs == ["verify:new-1", *verified, "purge:new-1"]
    told, jobs = list(rows.told), list(rows.jobs)
    assert await restore_original(service, SCOPE, "new-1") == original
    assert (rows.told, rows.jobs) == (told, jobs)


async def not_restored(service: Context, file_id: str) -> bool:
    with pytest.raises(AppError, match=r"request\.not-found"):
        await restore_original(service, SCOPE, file_id)
    return True


async def test_there_is_nothing_to_take_back(service: Context, rows: Rows, replacing: Adopted) -> None:
    assert await not_restored(service, "f1")  # it was made from none
    assert await not_restored(service, "nobody")
    await adopt_file(service, SCOPE, replacing)
    assert await not_restored(service, "f1")
    await delete_file(service, SCOPE, "new-1")  # and the original with it
    assert await not_restored(service, "new-1")


async def test_of_what_was_made_smaller_twice_one_step_is_taken_back(
    service: Context, rows: Rows, replacing: Adopted
) -> None:
    await adopt_file(service, SCOPE, replacing)
    await adopt_file(service, SCOPE, replace(replacing, file_id="new-2", replaces="new-1"))
    assert await not_restored(service, "new-1")  # something else stands in its place
    assert (await restore_original(service, SCOPE, "new-2")).file_id == "new-1"
    assert (await restore_original(service, SCOPE, "new-1")).file_id == "f1"
    assert rows.kept["f1"].state is FileState.STORED


async def test_what_was_submitted_stays_as_evidence(service: Context, rows: Rows, replacing: Adopted) -> None:
    await adopt_file(service, SCOPE, replacing)
    rows.kept["new-1"] = replace(rows.kept["new-1"], area=Area.EVIDENCE)
    await restore_original(service, SCOPE, "new-1")
    assert "purge:new-1" not in rows.jobs
    assert (await describe_file(service, SCOPE, "new-1", replaced_too=True)).area is Area.EVIDENCE
