"""From the announcement of a file to its row and events, whatever is repeated or lost on the way."""

from dataclasses import replace

import pytest

from services.catalogue.error_texts import explain
from services.kernel.errors import AppError
from services.upload.domain.records import Area, FileState, Place, UploadState
from services.upload.usecases import files, sessions
from services.upload.usecases.completion import complete_upload
from services.upload.usecases.context import Context
from services.upload.usecases.sessions import NewUpload, PartToSend
from services.upload.usecases.sweeping import sweep
from tests.unit.upload.fakes import PART, PLACE, SCOPE, Rows, Store, context, file

SHA = "a" * 64
OTHER = "b" * 64


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def service(rows: Rows, store: Store) -> Context:
    return context(rows, store)


def new(size_bytes: int = 9, file_name: str = "考核.pdf", sha256: str = SHA, place: Place = PLACE) -> NewUpload:
    return NewUpload(place=place, file_name=file_name, size_bytes=size_bytes, declared_sha256=sha256)


async def refused(service: Context, wanted: NewUpload) -> str:
    with pytest.raises(AppError) as failed:
        await sessions.create_upload(service, wanted)
    return failed.value.code


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (new(size_bytes=0), "file.empty"),
        (new(size_bytes=-1), "upload.bad-size"),
        (new(file_name="a.exe"), "upload.media-not-accepted"),
        (new(file_name="a"), "upload.media-not-accepted"),
        (new(file_name="a.mp4"), "upload.media-not-accepted"),
        (new(file_name="../a.pdf"), "upload.bad-file-name"),
        (new(file_name="a\x00.pdf"), "upload.bad-file-name"),
        (new(file_name="x" * 252 + ".pdf"), "upload.bad-file-name"),
        (new(sha256="zz"), "upload.bad-hash"),
        (new(size_bytes=4 * 40 * 2**20 + 1), "upload.too-large"),
    ],
)
async def test_what_an_item_does_not_take_is_refused_before_a_byte_moves(
    service: Context, store: Store, wanted: NewUpload, code: str
) -> None:
    assert await refused(service, wanted) == code
    assert store.parts == {}


@pytest.mark.parametrize("name", ["a.PDF", "a.jpg", "a.Jpeg", "a.png", "x" * 251 + ".pdf"])
async def test_documents_and_pictures_are_taken_by_a_document_item(service: Context, name: str) -> None:
    upload, parts = await sessions.create_upload(service, new(file_name=name))
    assert (upload.part_count, list(parts)) == (1, [])


async def test_exactly_the_largest_document_is_taken(service: Context) -> None:
    upload, _ = await sessions.create_upload(service, new(size_bytes=4 * 40 * 2**20))
    assert upload.part_count == 32


async def test_unknown_item_and_component_are_refused(service: Context) -> None:
    nowhere = Place(
        dossier_id="d1", organisation_path="/sc/", material_id="m1", item_id="annual_assessment", component_id="x"
    )
    assert await refused(service, new(place=nowhere)) == "catalogue.no-such-component"


async def test_a_dossier_has_a_quota_exactly(rows: Rows, store: Store) -> None:
    service = context(rows, store, quota_bytes=2**20)
    rows.kept["f"] = file(size_bytes=2**20 - 9)
    assert await refused(service, new(size_bytes=10)) == "upload.quota"
    assert store.parts == {}
    await sessions.create_upload(service, new(size_bytes=9))


async def test_what_is_still_on_its_way_counts_in_the_quota(rows: Rows, store: Store) -> None:
    service = context(rows, store, quota_bytes=2**20)
    upload, _ = await sessions.create_upload(service, new(size_bytes=2**20 - 9))
    assert await refused(service, new(size_bytes=10, sha256=OTHER)) == "upload.quota"
    await sessions.create_upload(service, new(size_bytes=9, sha256=OTHER))
    await sessions.abort_upload(service, SCOPE, upload.upload_id)
    await sessions.create_upload(service, new(size_bytes=10, sha256=OTHER))


async def test_one_that_was_announced_meanwhile_takes_the_room_and_leaves_no_upload(store: Store) -> None:
    class Busy(Rows):
        """Another announcement is committed between this one's question and its row."""

        async def held_bytes(self, dossier_id: str) -> int:
            held = await super().held_bytes(dossier_id)
            self.kept["f"] = file(size_bytes=2**20)
            return held

    rows = Busy()
    assert await refused(context(rows, store, quota_bytes=2**20), new(size_bytes=9)) == "upload.quota"
    assert (rows.uploads, store.parts) == ({}, {})


async def test_a_full_store_refuses_exactly_what_does_not_fit(service: Context, store: Store) -> None:
    store.free_bytes = 8
    with pytest.raises(AppError) as refusal:
        await sessions.create_upload(service, new(size_bytes=9))
    assert store.parts == {}
    told = explain(refusal.value.code, refusal.value.params, "zh")
    assert (told.title, refusal.value.retryable) == ("存储空间已满", True)
    store.free_bytes = 9
    await sessions.create_upload(service, new(size_bytes=9))


async def test_the_applicant_is_told_what_is_there_and_what_may_be(rows: Rows, store: Store) -> None:
    rows.kept["f"] = file(size_bytes=2**20)
    with pytest.raises(AppError) as refusal:
        await sessions.create_upload(context(rows, store, quota_bytes=2**20), new(size_bytes=2**20))
    told = explain(refusal.value.code, refusal.value.params, "zh")
    assert told.title == "本档案空间不足"
    assert told.detail == "已有 1.00 MB (1048576 B)，再加 1.00 MB (1048576 B) 将超过 1.00 MB (1048576 B)。"


async def test_the_same_file_again_finds_its_session_and_parts(service: Context, store: Store) -> None:
    upload, _ = await sessions.create_upload(service, new(size_bytes=PART + 1))
    store.receive(upload, 1, SHA)
    again, parts = await sessions.create_upload(service, new(size_bytes=PART + 1))
    assert again.upload_id == upload.upload_id
    assert [part.number for part in parts] == [1]
    other, _ = await sessions.create_upload(service, new(size_bytes=PART + 1, sha256=OTHER))
    assert other.upload_id != upload.upload_id


async def test_a_session_whose_parts_the_store_lost_is_begun_anew(service: Context, store: Store) -> None:
    upload, _ = await sessions.create_upload(service, new())
    store.parts.clear()
    again, _ = await sessions.create_upload(service, new())
    assert again.upload_id != upload.upload_id


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (PartToSend(number=0, size_bytes=1, sha256=SHA), "upload.no-such-part"),
        (PartToSend(number=3, size_bytes=1, sha256=SHA), "upload.no-such-part"),
        (PartToSend(number=1, size_bytes=PART - 1, sha256=SHA), "upload.part-size"),
        (PartToSend(number=2, size_bytes=2, sha256=SHA), "upload.part-size"),
        (PartToSend(number=2, size_bytes=1, sha256="A" * 64), "upload.bad-hash"),
    ],
)
async def test_a_part_that_does_not_belong_is_not_signed(service: Context, part: PartToSend, code: str) -> None:
    upload, _ = await sessions.create_upload(service, new(size_bytes=PART + 1))
    with pytest.raises(AppError) as failed:
        await sessions.presign_parts(service, SCOPE, upload.upload_id, [part])
    assert failed.value.code == code


async def test_completing_waits_for_every_part(service: Context, store: Store) -> None:
    upload, _ = await sessions.create_upload(service, new(size_bytes=PART + 1))
    store.receive(upload, 2, SHA)
    with pytest.raises(AppError) as failed:
        await complete_upload(service, SCOPE, upload.upload_id)
    assert failed.value.code == "upload.parts-missing"
    assert failed.value.params["first"] == "1"


async def test_a_file_of_one_part_is_verified_at_once(service: Context, rows: Rows, store: Store) -> None:
    upload, _ = await sessions.create_upload(service, new())
    store.receive(upload, 1, SHA)
    made = await complete_upload(service, SCOPE, upload.upload_id)
    assert (made.state, made.sha256, made.media_type) == (FileState.VERIFIED, SHA, "application/pdf")
    assert rows.told == ["stored 1", "verified 2"]
    assert rows.jobs == []


async def test_a_larger_file_is_hashed_by_a_job(service: Context, rows: Rows, store: Store) -> None:
    upload, _ = await sessions.create_upload(service, new(size_bytes=PART + 1))
    store.receive(upload, 1, SHA)
    store.receive(upload, 2, OTHER)
    made = await complete_upload(service, SCOPE, upload.upload_id)
    assert (made.state, made.sha256) == (FileState.STORED, "")
    assert (rows.told, rows.jobs) == (["stored 1"], [f"verify:{made.file_id}"])


async def test_other_bytes_than_declared_are_rejected_by_name(service: Context, rows: Rows, store: Store) -> None:
    upload, _ = await sessions.create_upload(service, new(sha256=OTHER))
    store.receive(upload, 1, SHA)
    made = await complete_upload(service, SCOPE, upload.upload_id)
    assert (made.state, made.rejection_code) == (FileState.REJECTED, "file.hash-mismatch")
    assert rows.told == ["stored 1", "rejected 2"]


async def test_completing_again_answers_the_same_and_tells_nothing_new(
    service: Context, rows: Rows, store: Store
) -> None:
    upload, _ = await sessions.create_upload(service, new())
    store.receive(upload, 1, SHA)
    first = await complete_upload(service, SCOPE, upload.upload_id)
    assert await complete_upload(service, SCOPE, upload.upload_id) == first
    assert rows.told == ["stored 1", "verified 2"]


async def test_a_lost_answer_of_the_store_is_made_good_by_looking(service: Context, rows: Rows, store: Store) -> None:
    upload, _ = await sessions.create_upload(service, new())
    store.receive(upload, 1, SHA)
    store.lost_answer = True
    assert (await complete_upload(service, SCOPE, upload.upload_id)).state is FileState.VERIFIED


async def test_what_the_store_really_lost_is_said(service: Context, rows: Rows, store: Store) -> None:
    upload, _ = await sessions.create_upload(service, new())
    store.parts.clear()
    with pytest.raises(AppError) as failed:
        await complete_upload(service, SCOPE, upload.upload_id)
    assert failed.value.code == "upload.lost"


async def test_another_hash_at_the_end_than_at_the_start_is_a_conflict(service: Context, store: Store) -> None:
    upload, _ = await sessions.create_upload(service, new())
    store.receive(upload, 1, SHA)
    with pytest.raises(AppError) as failed:
        await complete_upload(service, SCOPE, upload.upload_id, OTHER)
    assert failed.value.code == "upload.hash-conflict"


async def test_an_abandoned_completion_is_finished_by_the_sweeper(service: Context, rows: Rows, store: Store) -> None:
    upload, _ = await sessions.create_upload(service, new())
    store.receive(upload, 1, SHA)
    store.lost_answer = False
    original = store.head

    async def down(key: str) -> object:
        raise OSError(key)

    store.head = down  # type: ignore[assignment]
    with pytest.raises(OSError, match="staging"):
        await complete_upload(service, SCOPE, upload.upload_id)
    assert rows.uploads[upload.upload_id].state is UploadState.COMPLETING
    store.head = original  # type: ignore[method-assign]
    assert await sweep(service) == 1
    assert rows.told == ["stored 1", "verified 2"]


async def test_after_a_restore_a_session_without_its_parts_is_begun_anew(
    service: Context, rows: Rows, store: Store
) -> None:
    """Parts of unfinished uploads are not in a backup, their sessions are."""
    upload, _ = await sessions.create_upload(service, new())
    store.parts.clear()
    for ask in (sessions.list_parts, complete_upload):
        with pytest.raises(AppError) as failed:
            await ask(service, SCOPE, upload.upload_id)
        assert failed.value.code == "upload.lost"
    again, parts = await sessions.create_upload(service, new())
    assert again.upload_id != upload.upload_id
    assert list(parts) == []
    assert rows.uploads[upload.upload_id].state is UploadState.ABORTED


async def test_a_completion_whose_bytes_are_lost_ends_with_the_sweeper(
    service: Context, rows: Rows, store: Store
) -> None:
    upload, _ = await sessions.create_upload(service, new())
    rows.uploads[upload.upload_id] = replace(upload, state=UploadState.COMPLETING)
    store.parts.clear()
    assert await sweep(service) == 1
    assert rows.uploads[upload.upload_id].state is UploadState.ABORTED
    assert rows.told == []
    assert await sweep(service) == 0


async def test_giving_up_ends_the_session_and_its_parts(service: Context, store: Store) -> None:
    upload, _ = await sessions.create_upload(service, new())
    await sessions.abort_upload(service, SCOPE, upload.upload_id)
    await sessions.abort_upload(service, SCOPE, upload.upload_id)
    assert store.parts == {}
    with pytest.raises(AppError) as failed:
        await complete_upload(service, SCOPE, upload.upload_id)
    assert failed.value.code == "upload.ended"


async def test_deleting_twice_tells_once_and_purges_only_drafts(service: Context, rows: Rows) -> None:
    rows.kept["f1"] = file()
    await files.delete_file(service, SCOPE, "f1")
    await files.delete_file(service, SCOPE, "f1")
    assert (rows.told, rows.jobs) == (["deleted 2"], ["purge:f1"])
    with pytest.raises(AppError) as failed:
        await files.describe_file(service, SCOPE, "f1")
    assert failed.value.code == "request.not-found"


async def test_another_name_is_told_once_and_leaves_the_bytes_alone(service: Context, rows: Rows) -> None:
    rows.kept["f1"] = before = file()
    renamed = await files.rename_file(service, SCOPE, "f1", "改好.pdf")
    await files.rename_file(service, SCOPE, "f1", "改好.pdf")
    assert rows.told == ["renamed 2"]
    assert (renamed.file_name, renamed.object_key, renamed.sha256) == ("改好.pdf", before.object_key, before.sha256)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "upload.bad-file-name"),
        ("a/b.pdf", "upload.bad-file-name"),
        ("a\\b.pdf", "upload.bad-file-name"),
        ("a\u202epdf.pdf", "upload.bad-file-name"),
        ("x" * 300 + ".pdf", "upload.bad-file-name"),
        ("考核.mp4", "upload.other-extension"),
        ("考核", "upload.other-extension"),
    ],
)
async def test_a_bad_name_changes_nothing(service: Context, rows: Rows, name: str, code: str) -> None:
    rows.kept["f1"] = file()
    with pytest.raises(AppError) as failed:
        await files.rename_file(service, SCOPE, "f1", name)
    assert failed.value.code == code
    assert rows.told == []


async def test_evidence_that_was_replaced_can_still_be_looked_at(service: Context, rows: Rows) -> None:
    rows.kept["draft"] = replace(file(), file_id="draft").deleted()
    rows.kept["kept"] = replace(file(), file_id="kept", area=Area.EVIDENCE).deleted()
    assert (await files.describe_file(service, SCOPE, "kept", replaced_too=True)).file_id == "kept"
    for file_id, replaced_too in (("kept", False), ("draft", True)):
        with pytest.raises(AppError) as failed:
            await files.describe_file(service, SCOPE, file_id, replaced_too=replaced_too)
        assert failed.value.code == "request.not-found"
