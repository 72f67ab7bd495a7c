"""What only the local directory promises: about the disk under it, other processes, and links."""

import asyncio
import errno
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from services.kernel.storage.localdir import LocalDir
from services.kernel.storage.port import (
    MIN_PART_BYTES,
    ObjectExists,
    ObjectMissing,
    PartDamaged,
    StorageError,
    StoreFull,
    StoreUnavailable,
)
from services.kernel.storage.presign import PartClaim
from tests.unit.kernel.storage.crash_driver import FAR, open_store

KEY = "a/b/object"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "objects store"


@pytest.fixture
def store(folder: Path) -> Iterator[LocalDir]:
    opened = open_store(folder)
    yield opened
    opened.close()


def drafts(folder: Path) -> list[Path]:
    """What is being written now."""
    return [path for own in (folder / "tmp").iterdir() for path in own.iterdir()]


def claim(upload_id: str, body: bytes, number: int = 1) -> PartClaim:
    sha256 = hashlib.sha256(body).hexdigest()
    return PartClaim(key=KEY, upload_id=upload_id, number=number, size_bytes=len(body), sha256=sha256, expires_at=FAR)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece


# Other processes


async def test_what_a_dead_process_left_is_swept_and_a_living_one_is_left_alone(folder: Path) -> None:
    first = open_store(folder)
    await first.put(KEY, b"kept")
    [living] = (folder / "tmp").iterdir()
    (living / "draft").mkdir()
    (folder / "tmp" / "dead" / "draft").mkdir(parents=True)
    (folder / "tmp" / "stray").write_bytes(b"x")
    (folder / "tmp" / "link").symlink_to(folder / "objects")
    second = open_store(folder)
    assert len(list((folder / "tmp").iterdir())) == 2
    assert (living / "draft").is_dir()
    first.close()
    second.close()
    assert list((folder / "tmp").iterdir()) == []
    third = open_store(folder)
    assert await third.read(KEY, 0, 9) == b"kept"
    third.close()


async def test_two_processes_share_one_directory(folder: Path, store: LocalDir) -> None:
    other = open_store(folder)
    upload_id = await store.create_upload(KEY)
    part = await other.receive_part(claim(upload_id, b"part"), pieces(b"pa", b"rt"))
    await store.complete_upload(KEY, upload_id, [part])
    assert await other.read(KEY, 0, 9) == b"part"
    with pytest.raises(ObjectExists):
        await other.put(KEY, b"x")
    await store.put(KEY, b"next", if_absent=False)
    assert await other.read(KEY, 0, 9) == b"next"
    other.close()


async def test_etags_outlive_a_copy_of_the_directory(folder: Path, store: LocalDir, tmp_path: Path) -> None:
    info = await store.put(KEY, b"body")
    (tmp_path / "restored").mkdir()
    for path in (folder / "objects").rglob("*"):
        target = tmp_path / "restored" / path.relative_to(folder)
        if path.is_dir():
            target.mkdir(parents=True)
        else:
            target.write_bytes(path.read_bytes())
    restored = open_store(tmp_path / "restored")
    assert await restored.read(KEY, 0, 9, etag=info.etag) == b"body"
    restored.close()


async def test_a_folder_that_comes_and_goes_meanwhile_is_not_mistaken_for_the_object(
    store: LocalDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer makes the folder first, and a deletion prunes it, all between two steps of this one."""
    plain = Path.mkdir
    races = iter([True])

    def made_and_pruned_by_others(self: Path, *arguments: Any, **named: Any) -> None:
        if self.name == "c" and next(races, False):
            raise FileExistsError(errno.EEXIST, "exists", str(self))
        plain(self, *arguments, **named)

    monkeypatch.setattr(Path, "mkdir", made_and_pruned_by_others)
    await store.put("a/b/c/object", b"x")
    assert await store.read("a/b/c/object", 0, 9) == b"x"
    assert next(races, None) is None


async def test_nobody_else_may_read_the_files(folder: Path, store: LocalDir) -> None:
    upload_id = await store.create_upload("other")
    await store.put(KEY, b"body")
    assert upload_id
    for path in (folder / "objects", folder / "uploads", folder / "tmp"):
        for below in (path, *path.rglob("*")):
            assert below.stat().st_mode & 0o077 == 0, below


# Links and paths


async def test_a_link_leads_nowhere(folder: Path, store: LocalDir, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "secret%").mkdir(parents=True)
    (outside / "secret%" / "00000001-etag").write_bytes(b"secret")
    (folder / "objects" / "link").symlink_to(outside)
    (folder / "objects" / "secret%").symlink_to(outside / "secret%")
    for key in ("link/secret", "secret"):
        for call in (
            lambda key=key: store.head(key),
            lambda key=key: store.read(key, 0, 9),
            lambda key=key: store.put(key, b"x", if_absent=False),
            lambda key=key: store.put(f"{key}-new" if key == "link/secret" else key, b"x"),
            lambda key=key: store.copy(key, "target"),
            lambda key=key: store.delete(key),
        ):
            with pytest.raises(StorageError, match="symbolic link"):
                await call()
    assert [info.key async for info in store.list("")] == []
    with pytest.raises(StorageError, match="symbolic link"):
        assert [info async for info in store.list("link/")]
    assert (outside / "secret%" / "00000001-etag").read_bytes() == b"secret"
    assert [path.name for path in outside.iterdir()] == ["secret%"]


async def test_a_blob_that_is_a_link_is_not_read(folder: Path, store: LocalDir, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "objects" / "key%").mkdir()
    (folder / "objects" / "key%" / "00000001-etag").symlink_to(tmp_path / "secret")
    with pytest.raises(StorageError):
        await store.read("key", 0, 9)


async def test_the_directory_itself_may_be_reached_by_a_link(folder: Path, store: LocalDir, tmp_path: Path) -> None:
    await store.put(KEY, b"body")
    (tmp_path / "link").symlink_to(folder)
    other = open_store(tmp_path / "link")
    assert await other.read(KEY, 0, 9) == b"body"
    other.close()


async def test_deleting_leaves_no_empty_folder_and_nothing_else_touched(folder: Path, store: LocalDir) -> None:
    await store.put(KEY, b"x")
    await store.put("a/c", b"x")
    await store.delete(KEY)
    assert sorted(path.name for path in (folder / "objects" / "a").iterdir()) == ["c%"]
    await store.delete("a/c")
    assert list((folder / "objects").iterdir()) == []


# The disk


def failing(code: int, real: Callable[..., object], *, after: int = 0) -> Callable[..., object]:
    """`real`, until it has been called `after` times; then the error."""
    calls = 0

    def call(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls > after:
            raise OSError(code, os.strerror(code))
        return real(*args, **kwargs)

    return call


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (errno.ENOSPC, StoreFull),
        (errno.EDQUOT, StoreFull),
        (errno.EIO, StoreUnavailable),
        (errno.EROFS, StoreUnavailable),
    ],
)
@pytest.mark.parametrize("call", ["write", "fsync", "mkdir", "rename"])
async def test_a_disk_that_refuses_is_told_in_the_words_of_the_port(
    folder: Path, store: LocalDir, monkeypatch: pytest.MonkeyPatch, call: str, code: int, expected: type[StorageError]
) -> None:
    upload_id = await store.create_upload(KEY)
    body = b"x" * (3 * 2**20)
    monkeypatch.setattr(os, call, failing(code, getattr(os, call)))
    with pytest.raises(expected):
        await store.put(KEY, body)
    with pytest.raises(expected):
        await store.receive_part(claim(upload_id, body), pieces(body))
    with pytest.raises(StoreUnavailable):
        await store.probe()
    monkeypatch.undo()
    assert drafts(folder) == []
    with pytest.raises(ObjectMissing):
        await store.head(KEY)
    assert await store.list_parts(KEY, upload_id) == ()
    await store.put(KEY, body)


async def test_a_full_disk_while_joining_keeps_the_parts(store: LocalDir, monkeypatch: pytest.MonkeyPatch) -> None:
    upload_id = await store.create_upload(KEY)
    bodies = (b"1" * MIN_PART_BYTES, b"2")
    parts = [
        await store.receive_part(claim(upload_id, body, number), pieces(body))
        for number, body in enumerate(bodies, start=1)
    ]
    monkeypatch.setattr(os, "copy_file_range", failing(errno.ENOSPC, os.copy_file_range, after=1))
    with pytest.raises(StoreFull):
        await store.complete_upload(KEY, upload_id, parts)
    monkeypatch.undo()
    assert await store.list_parts(KEY, upload_id) == tuple(parts)
    assert (await store.complete_upload(KEY, upload_id, parts)).size_bytes == MIN_PART_BYTES + 1


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("code", [errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP])
async def test_where_the_kernel_cannot_copy_the_bytes_go_by_hand(
    store: LocalDir, monkeypatch: pytest.MonkeyPatch, code: int, after: int
) -> None:
    body = os.urandom(3 * 2**20 + 1)
    await store.put(KEY, body)
    monkeypatch.setattr(os, "copy_file_range", failing(code, os.copy_file_range, after=after))
    info = await store.copy(KEY, "target")
    assert await store.read("target", 0, 2**30) == body
    assert info.size_bytes == len(body)


async def test_where_there_is_no_kernel_copy_at_all(store: LocalDir, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.put(KEY, b"body")
    monkeypatch.delattr(os, "copy_file_range")
    await store.copy(KEY, "target")
    assert await store.read("target", 0, 9) == b"body"


async def test_nothing_is_shown_before_it_is_synced(
    folder: Path, store: LocalDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Power loss: a rename into `objects` must find file, name and folders synced, and be synced itself."""
    unsynced: set[str] = set()
    shown: list[str] = []
    rename, mkdir, write, fsync = os.rename, os.mkdir, os.write, os.fsync

    def of(handle: int) -> str:
        return str(Path(f"/proc/self/fd/{handle}").readlink())

    def noting_write(handle: int, data: bytes) -> int:
        unsynced.add(of(handle))
        return write(handle, data)

    def noting_mkdir(path: Path, mode: int = 0o777) -> None:
        mkdir(path, mode)
        if path.is_relative_to(folder / "objects"):
            unsynced.add(str(path.parent))

    def noting_fsync(handle: int) -> None:
        fsync(handle)
        unsynced.discard(of(handle))

    def noting_rename(source: Path, target: Path) -> None:
        if Path(target).is_relative_to(folder / "objects"):
            assert unsynced == set()
        rename(source, target)
        if Path(target).is_relative_to(folder / "objects"):
            shown.append(str(target))
        unsynced.add(str(Path(target).parent))

    for name, noting in (
        ("write", noting_write), ("mkdir", noting_mkdir), ("fsync", noting_fsync), ("rename", noting_rename)
    ):  # fmt: skip
        monkeypatch.setattr(os, name, noting)
    await store.put("x/y/z", b"body" * 2**20)
    assert unsynced == set()
    await store.put("x/y/z", b"other", if_absent=False)
    assert unsynced == set()
    assert [Path(path).name for path in shown] == ["z%", f"00000002-{hashlib.sha256(b'other').hexdigest()}"]


# Senders


async def test_a_sender_that_stops_leaves_nothing(folder: Path, store: LocalDir) -> None:
    upload_id = await store.create_upload(KEY)
    started = asyncio.Event()

    async def stalling() -> AsyncIterator[bytes]:
        yield b"x" * 2**20
        started.set()
        await asyncio.Event().wait()

    body = b"x" * 2**21
    task = asyncio.create_task(store.receive_part(claim(upload_id, body), stalling()))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert drafts(folder) == []
    assert await store.list_parts(KEY, upload_id) == ()


async def test_a_sender_of_too_much_is_stopped_at_once(folder: Path, store: LocalDir) -> None:
    upload_id = await store.create_upload(KEY)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 1000

    with pytest.raises(PartDamaged):
        await store.receive_part(claim(upload_id, b"x" * 5000), endless())
    assert sent == 6
    assert drafts(folder) == []


async def test_an_upload_that_ends_while_a_part_comes_in_takes_it_no_more(folder: Path, store: LocalDir) -> None:
    upload_id = await store.create_upload(KEY)

    async def ending() -> AsyncIterator[bytes]:
        yield b"pa"
        await store.abort_upload(KEY, upload_id)
        yield b"rt"

    with pytest.raises(ObjectMissing):
        await store.receive_part(claim(upload_id, b"part"), ending())
    assert drafts(folder) == []
    assert list((folder / "uploads").iterdir()) == []


async def test_a_stream_left_early_lets_go_of_the_file(store: LocalDir) -> None:
    await store.put(KEY, b"x" * 3000)
    before = open_files()
    async with aclosing(store.stream(KEY, chunk_bytes=1000)) as stream:
        assert await anext(stream) == b"x" * 1000
        assert open_files() == before + 1
    assert open_files() == before


async def test_a_stream_goes_on_over_a_deletion(store: LocalDir) -> None:
    await store.put(KEY, b"x" * 3000)
    stream = store.stream(KEY, chunk_bytes=1000)
    await anext(stream)
    await store.delete(KEY)
    assert len(b"".join([chunk async for chunk in stream])) == 2000


async def test_a_version_left_behind_by_a_killed_writer_goes_with_the_next(folder: Path, store: LocalDir) -> None:
    await store.put(KEY, b"one")
    (folder / "objects" / f"{KEY}%" / "00000007-newer").write_bytes(b"newer")
    assert await store.read(KEY, 0, 9) == b"newer"
    await store.put(KEY, b"last", if_absent=False)
    [left] = (folder / "objects" / f"{KEY}%").iterdir()
    assert left.name.startswith("00000008-")


async def test_a_dead_folder_is_known_by_its_lock_not_by_its_name(folder: Path, store: LocalDir) -> None:
    held = folder / "tmp" / "held by somebody"
    held.mkdir()
    handle = os.open(held, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    open_store(folder).close()
    assert held.is_dir()
    os.close(handle)
    open_store(folder).close()
    assert not held.exists()


async def test_a_negative_range_is_a_mistake(store: LocalDir) -> None:
    await store.put(KEY, b"x")
    for offset, length in ((-1, 1), (0, -1)):
        with pytest.raises(ValueError, match="range"):
            await store.read(KEY, offset, length)
