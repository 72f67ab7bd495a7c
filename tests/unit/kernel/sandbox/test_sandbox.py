"""Every way out of the sandbox is tried in earnest; each is refused, named, and followed by work as usual."""

import asyncio
import os
import select
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio

from services.kernel.sandbox import confine
from services.kernel.sandbox.port import (
    LIMITS_HIT,
    JsonObject,
    Outcome,
    Profile,
    SandboxBudget,
    SandboxCrashed,
    SandboxError,
    SandboxFailed,
    SandboxMemory,
    SandboxTimeout,
    SourceSlow,
    ZygoteLost,
)
from services.kernel.sandbox.sandbox import FileSource, ForkingSandbox
from services.kernel.sandbox.wire import MAX_HANDLES

HOSTILE = "tests.unit.kernel.sandbox.hostile"
ROOT = Path(__file__).parents[4]
PROFILE = Profile(name="test", memory_bytes=512 * 2**20, cpu_s=1, wall_s=30, read_budget_bytes=100, output_bytes=2**20)
DEADLINE_S = 30
HAVE_CHILDREN = Path("/proc/self/task").exists()
BY_WHOM = ("a new child", "the child that waits")
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A source in memory."""

    text: str

    @property
    def size_bytes(self) -> int:
        return len(self.text)

    async def read(self, offset: int, length: int) -> bytes:
        return self.text.encode()[offset : offset + length]


class Broken(Text):
    """A source whose store fails."""

    async def read(self, offset: int, length: int) -> bytes:
        raise ConnectionResetError("the store is gone")


class Late(Text):
    """A source whose store gave up waiting."""

    async def read(self, offset: int, length: int) -> bytes:
        raise TimeoutError("the store does not answer")


class Stuck(Text):
    """A source whose store never answers."""

    async def read(self, offset: int, length: int) -> bytes:
        await asyncio.Event().wait()
        return b""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def boxes() -> AsyncIterator[Mapping[str, ForkingSandbox]]:
    """One for ordinary tasks and one for short ones, for all tests: each leaves them working."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        made = {kind: ForkingSandbox(preload=[HOSTILE], short=kind == "short") for kind in ("ordinary", "short")}
        yield made
    for box in made.values():
        await box.close()


@pytest_asyncio.fixture(loop_scope="module", params=BY_WHOM)
async def sandbox(request: pytest.FixtureRequest, boxes: Mapping[str, ForkingSandbox]) -> ForkingSandbox:
    return await with_next_child(boxes["ordinary"], request.param)


@pytest_asyncio.fixture(loop_scope="module", params=BY_WHOM)
async def short(request: pytest.FixtureRequest, boxes: Mapping[str, ForkingSandbox]) -> ForkingSandbox:
    return await with_next_child(boxes["short"], request.param)


async def with_next_child(box: ForkingSandbox, by_whom: str) -> ForkingSandbox:
    """The next task is done by a new child, or by the one that waits."""
    await call(box, "echo")
    if HAVE_CHILDREN:
        waiting = await waiting_child(box)
        if by_whom == BY_WHOM[0]:
            kill(waiting)
    return box


def kill(child: int) -> None:
    """Return once it has ended."""
    handle = os.pidfd_open(child)
    os.kill(child, signal.SIGKILL)
    assert select.select([handle], [], [], DEADLINE_S)[0]
    os.close(handle)


async def call(sandbox: ForkingSandbox, name: str, arguments: JsonObject | None = None, **options: object) -> Outcome:
    async with asyncio.timeout(DEADLINE_S):
        return await sandbox.run(f"{HOSTILE}:{name}", arguments or {}, **{"profile": PROFILE, **options})  # type: ignore[arg-type]


def open_handles() -> int:
    return len(list(Path("/dev/fd").iterdir()))


async def works(sandbox: ForkingSandbox) -> bool:
    return (await call(sandbox, "echo", {"a": [1, None, "申报"]})).value == {"a": [1, None, "申报"]}


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_sources_are_read_by_asking(sandbox: ForkingSandbox) -> None:
    outcome = await call(sandbox, "read_all", sources=[Text(text="one"), Text(text=""), Text(text="three")])
    assert outcome.value == ["one", "", "three"]
    assert outcome.bytes_read == 8
    assert outcome.peak_memory_bytes > 2**20
    assert outcome.cpu_s >= 0


async def test_a_source_is_a_seekable_file(sandbox: ForkingSandbox) -> None:
    outcome = await call(sandbox, "read_tail_twice", sources=[Text(text="0123456789")])
    assert outcome.value == ["789", 7, 10, "01", 10, 5]


async def test_a_file_is_a_source(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    source = FileSource(tmp_path / "file")
    assert (await call(sandbox, "read_all", sources=[source])).value == ["content"]
    source.close()


async def test_a_file_here_is_read_without_asking(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    """Every way of reading it is that of a source that is asked for; the budget is for what is asked for."""
    (tmp_path / "file").write_text("0123456789")
    source = FileSource(tmp_path / "file")
    asked = await call(sandbox, "read_tail_twice", sources=[Text(text="0123456789")])
    own = await call(sandbox, "read_tail_twice", sources=[source])
    assert isinstance(own.value, list)
    assert isinstance(asked.value, list)
    assert own.value[:5] == asked.value[:5]
    assert (own.bytes_read, asked.bytes_read) == (0, 5)
    mixed = await call(sandbox, "read_all", sources=[Text(text="one"), source, Text(text="three"), source])
    assert mixed.value == ["one", "0123456789", "three", "0123456789"]
    source.close()


@pytest.mark.parametrize("count", [MAX_HANDLES, MAX_HANDLES + 1])
async def test_as_many_files_as_go_along_and_one_more(sandbox: ForkingSandbox, tmp_path: Path, count: int) -> None:
    (tmp_path / "file").write_text("x")
    source = FileSource(tmp_path / "file")
    assert await works(sandbox)
    handles = open_handles()
    outcome = await call(sandbox, "read_all", sources=[source] * count, profile=replace(PROFILE, read_budget_bytes=999))
    assert outcome.value == ["x"] * count
    assert outcome.bytes_read == (0 if count == MAX_HANDLES else count)
    assert open_handles() == handles
    source.close()


@pytest.mark.skipif(not confine.probe().landlock_version, reason="this machine has no Landlock")
@pytest.mark.parametrize(
    "act",
    ["write", "cut", "change its mode", "change its times", "open for writing", "open to cut", "open its folder"],
)
async def test_a_file_that_was_handed_over_is_only_read(sandbox: ForkingSandbox, tmp_path: Path, act: str) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (tmp_path / "file").write_text("content")
    before = (tmp_path / "file").stat()
    source = FileSource(tmp_path / "file")
    for folder in (None, scratch):
        with pytest.raises(SandboxFailed) as caught:
            await call(sandbox, "harm_file", {"act": act}, sources=[source], scratch=folder)
        assert caught.value.kind in {"PermissionError", "OSError", "NotADirectoryError"}
    source.close()
    after = (tmp_path / "file").stat()
    assert (tmp_path / "file").read_text() == "content"
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


async def test_with_a_scratch_folder_it_may_be_opened_once_more(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    """By programs' libraries that want a path; also when nobody else can find it any more."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    sources = [FileSource(tmp_path / "a"), FileSource(tmp_path / "b")]
    (tmp_path / "b").unlink()
    assert (await call(sandbox, "open_again", sources=sources, scratch=scratch)).value == ["a", "b"]
    for source in sources:
        source.close()


async def test_a_budget_may_be_used_up_and_not_exceeded(sandbox: ForkingSandbox) -> None:
    assert (await call(sandbox, "read_all", sources=[Text(text="x" * 100)])).bytes_read == 100
    with pytest.raises(SandboxBudget):
        await call(sandbox, "read_all", sources=[Text(text="x" * 101)])
    with pytest.raises(SandboxBudget):
        await call(sandbox, "read_all", sources=[Text(text="x" * 51), Text(text="x" * 50)])
    assert await works(sandbox)


async def test_progress_is_heard_and_kept_in_bounds(sandbox: ForkingSandbox) -> None:
    heard: list[float] = []
    await call(sandbox, "report_progress", progress=heard.append)
    assert heard == [0.25, 0.5, 1.0]


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
async def test_root_is_left_without_power(sandbox: ForkingSandbox) -> None:
    value = (await call(sandbox, "held_capabilities")).value
    assert isinstance(value, int)
    assert value & ~0b110 == 0


@pytest.mark.parametrize("name", ["use_thread", "import_lazily"])
async def test_what_honest_parsers_do_is_allowed(sandbox: ForkingSandbox, name: str) -> None:
    assert (await call(sandbox, name)).value in (True, "wave")


async def test_the_scratch_folder_is_written_up_to_its_limit(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    arguments: JsonObject = {"scratch": str(tmp_path), "size": 2**20}
    assert (await call(sandbox, "write_scratch", arguments, scratch=tmp_path)).value == 2**20
    with pytest.raises(SandboxBudget):
        await call(sandbox, "write_scratch", {**arguments, "size": 2**20 + 1}, scratch=tmp_path)
    with pytest.raises(SandboxBudget):
        await call(sandbox, "write_without_end", arguments, scratch=tmp_path)
    assert await works(sandbox)


async def test_many_small_files_are_limited_together(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    profile = replace(PROFILE, cpu_s=20)
    for name in ("write_many_files", "write_many_empty_files"):
        with pytest.raises(SandboxBudget):
            await call(sandbox, name, {"scratch": str(tmp_path)}, scratch=tmp_path, profile=profile)
    assert await works(sandbox)


REFUSED = [
    "open_socket", "open_unix_socket", "run_shell", "run_program", "spawn_program", "become_program", "fork",
    "kill_zygote", "kill_service", "signal_by_descriptor", "outlive_zygote", "raise_limit", "hide_memory",
    "share_memory", "trace", "mount", "leave_namespace", "make_device", "change_mode", "change_mode_of_library",
    "mark_library", "cut_path",
]  # fmt: skip


@pytest.mark.skipif(not confine.probe().seccomp, reason="this machine has no seccomp")
@pytest.mark.parametrize("name", REFUSED)
async def test_a_forbidden_call_is_refused(sandbox: ForkingSandbox, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("content")
    arguments: JsonObject = {"pid": os.getpid(), "path": str(tmp_path / "file"), "scratch": str(tmp_path)}
    if name == "run_shell":  # system() says by its status that there was no shell
        with pytest.raises(AssertionError):
            assert (await call(sandbox, name, arguments, scratch=tmp_path)).value == 0
    else:
        with pytest.raises(SandboxFailed) as caught:
            await call(sandbox, name, arguments, scratch=tmp_path)
        assert caught.value.kind in {"PermissionError", "ValueError"}
    assert (tmp_path / "file").read_text() == "content"
    assert await works(sandbox)


@pytest.mark.skipif(not confine.probe().landlock_version, reason="this machine has no Landlock")
@pytest.mark.parametrize("name", ["open_path", "create_path", "remove_path"])
async def test_a_foreign_file_stays_closed(sandbox: ForkingSandbox, tmp_path: Path, name: str) -> None:
    foreign, scratch = tmp_path / "foreign", tmp_path / "scratch"
    foreign.write_text("secret")
    scratch.mkdir()
    for path in (foreign, scratch / ".." / "foreign"):
        with pytest.raises(SandboxFailed) as caught:
            await call(sandbox, name, {"path": str(path)}, scratch=scratch)
        assert caught.value.kind == "PermissionError"
    assert foreign.read_text() == "secret"
    assert await works(sandbox)


@pytest.mark.skipif(not confine.probe().landlock_version, reason="this machine has no Landlock")
@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/self/environ", "/proc/1/cmdline", str(Path.home()), "."])
async def test_the_machine_stays_closed(sandbox: ForkingSandbox, path: str) -> None:
    with pytest.raises(SandboxFailed) as caught:
        await call(sandbox, "list_path" if path in {str(Path.home()), "."} else "open_path", {"path": path})
    assert caught.value.kind == "PermissionError"


@pytest.mark.skipif(not confine.probe().landlock_version, reason="this machine has no Landlock")
async def test_nobody_can_open_anything_for_those_who_come_later(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    """What closes the machine is made once for all children, and each lets go of it before it looks at a file."""
    for scratch in (None, None, tmp_path, None):
        assert (await call(sandbox, "rulesets", scratch=scratch)).value == 0


@pytest.mark.skipif(not confine.probe().landlock_version, reason="this machine has no Landlock")
async def test_a_link_in_the_scratch_folder_leads_nowhere(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(SandboxFailed):
        await call(sandbox, "open_path", {"path": str(tmp_path / "link")}, scratch=tmp_path)


STOPPED: list[tuple[str, type[SandboxError]]] = [
    ("spin", SandboxTimeout),
    ("spin_deaf", SandboxTimeout),
    ("print_without_end", SandboxTimeout),
    ("report_without_end", SandboxTimeout),
    ("hang_up_and_wait", SandboxCrashed),
    ("crash", SandboxCrashed),
    ("abort", SandboxCrashed),
    ("leave", SandboxCrashed),
    ("return_much", SandboxBudget),
    ("announce_much", SandboxBudget),
]


@pytest.mark.parametrize(("name", "error"), STOPPED)
async def test_what_does_not_end_well_is_stopped_and_named(
    sandbox: ForkingSandbox, name: str, error: type[SandboxError]
) -> None:
    with pytest.raises(SandboxError) as caught:
        await call(sandbox, name, sources=[Text(text="x")])
    assert type(caught.value) is error
    assert isinstance(caught.value, LIMITS_HIT)
    assert not caught.value.retryable
    assert await works(sandbox)


@pytest.mark.parametrize("name", ["allocate", "allocate_small", "map_memory"])
async def test_memory_runs_out_at_once_bit_by_bit_or_for_a_mapping(sandbox: ForkingSandbox, name: str) -> None:
    with pytest.raises(SandboxMemory):
        await call(sandbox, name, profile=replace(PROFILE, memory_bytes=2**28, cpu_s=20))
    assert await works(sandbox)


async def test_the_wall_clock_stops_one_that_sleeps(sandbox: ForkingSandbox) -> None:
    with pytest.raises(SandboxTimeout):
        await call(sandbox, "wait_for_ever", profile=replace(PROFILE, wall_s=0.2))
    assert await works(sandbox)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("raise_error", "LookupError"),
        ("raise_silent_error", "Unspeakable"),
        ("leave_politely", "SystemExit"),
        ("recurse", "RecursionError"),
        ("return_bytes", "TypeError"),
        ("return_nan", "ValueError"),
        ("no_such_function", "AttributeError"),
    ],
)
async def test_what_the_function_raises_is_told(sandbox: ForkingSandbox, name: str, kind: str) -> None:
    with pytest.raises(SandboxFailed) as caught:
        await call(sandbox, name)
    assert caught.value.kind == kind
    assert len(caught.value.detail) <= 500
    assert not isinstance(caught.value, LIMITS_HIT)
    assert await works(sandbox)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "7",
        "[" * 100_000,
        '{"value": NaN}',
        "9" * 10_000,
        '{"read": null}',
        '{"read": [1, 0, 1]}',
        '{"read": [-1, 0, 1]}',
        '{"read": [0, -1, 1]}',
        '{"read": [0, 0.5, 1]}',
        '{"read": [0, 0, "1"]}',
        '{"read": {"path": "/etc/passwd"}}',
    ],
)
async def test_noise_on_the_wire_is_a_crash(sandbox: ForkingSandbox, body: str) -> None:
    with pytest.raises(SandboxCrashed):
        await call(sandbox, "send_noise", {"body": body}, sources=[Text(text="x")])
    assert await works(sandbox)


@pytest.mark.parametrize("request_", ["[0, 1, 1]", "[0, 0, -5]", f"[0, {2**70}, 1]", f"[0, 1, {2**70}]"])
async def test_beyond_the_end_there_is_nothing(sandbox: ForkingSandbox, request_: str) -> None:
    outcome = await call(sandbox, "send_noise", {"body": f'{{"read": {request_}}}'}, sources=[Text(text="x")])
    assert outcome.value == "\0\0\0\0"
    assert outcome.bytes_read == 0


@pytest.mark.parametrize(("source", "error"), [(Broken, ConnectionResetError), (Late, TimeoutError)])
async def test_what_a_source_raises_is_its_own_and_not_the_files(
    sandbox: ForkingSandbox, source: type[Text], error: type[Exception]
) -> None:
    with pytest.raises(error, match="the store"):
        await call(sandbox, "read_all", sources=[source(text="x")])
    assert await works(sandbox)


async def test_time_lost_in_the_store_is_not_the_files(sandbox: ForkingSandbox) -> None:
    with pytest.raises(SourceSlow) as caught:
        await call(sandbox, "read_all", sources=[Stuck(text="x")], profile=replace(PROFILE, wall_s=0.2))
    assert caught.value.retryable
    assert not isinstance(caught.value, LIMITS_HIT)


async def test_several_at_once_each_get_their_own(sandbox: ForkingSandbox) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(call(sandbox, "read_all", sources=[Text(text=str(n))])) for n in range(12)]
        broken = [group.create_task(expect_crash(sandbox)) for _ in range(4)]
    assert [task.result().value for task in tasks] == [[str(n)] for n in range(12)]
    assert all(task.result() for task in broken)


async def expect_crash(sandbox: ForkingSandbox) -> bool:
    with pytest.raises(SandboxCrashed):
        await call(sandbox, "crash")
    return True


async def start_waiting(sandbox: ForkingSandbox) -> "asyncio.Task[Outcome]":
    """A task whose child is known to run."""
    running = asyncio.Event()
    task = asyncio.create_task(call(sandbox, "wait_for_ever", progress=lambda _: running.set()))
    async with asyncio.timeout(DEADLINE_S):
        await running.wait()
    return task


def zygote_pid(sandbox: ForkingSandbox) -> int:
    assert sandbox._process is not None
    return sandbox._process.pid


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not HAVE_CHILDREN, reason="children are found in /proc")
async def test_cancelling_ends_the_child_before_the_caller_goes_on(sandbox: ForkingSandbox) -> None:
    task = await start_waiting(sandbox)
    child, *_ = children_of(zygote_pid(sandbox))  # the oldest; another one waits for the next task
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(child)
    assert await works(sandbox)


CHILDREN = pytest.mark.skipif(not HAVE_CHILDREN, reason="children are found in /proc")


async def waiting_child(sandbox: ForkingSandbox) -> int:
    """The child that is made once the one before it has ended."""
    async with asyncio.timeout(DEADLINE_S):
        while len(children := children_of(zygote_pid(sandbox))) != 1:
            await asyncio.sleep(0.001)
    return children[0]


@CHILDREN
async def test_the_next_task_is_done_by_the_child_that_waits_and_each_child_does_one(sandbox: ForkingSandbox) -> None:
    done = [(await call(sandbox, "pid")).value]
    for _ in range(3):
        waiting = await waiting_child(sandbox)
        done.append((await call(sandbox, "pid")).value)
        assert done[-1] == waiting
    assert len(set(done)) == 4


@CHILDREN
async def test_a_child_that_waits_has_rehearsed(sandbox: ForkingSandbox) -> None:
    await call(sandbox, "echo")
    await waiting_child(sandbox)
    assert (await call(sandbox, "rehearsed")).value is True


@CHILDREN
async def test_a_child_that_died_waiting_is_replaced(sandbox: ForkingSandbox) -> None:
    await call(sandbox, "echo")
    for _ in range(3):
        kill(await waiting_child(sandbox))
        assert await works(sandbox)


async def test_where_tasks_are_short_they_have_no_scratch_folder(short: ForkingSandbox, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    with pytest.raises(ValueError, match="scratch"):
        await call(short, "echo", scratch=tmp_path)
    source = FileSource(tmp_path / "file")
    assert (await call(short, "read_all", sources=[source])).value == ["content"]
    source.close()
    for name in ("use_thread", "import_lazily"):
        assert (await call(short, name)).value in (True, "wave")


@pytest.mark.skipif(not confine.probe().seccomp, reason="this machine has no seccomp")
@pytest.mark.parametrize("name", [name for name in REFUSED if name != "run_shell"])
async def test_a_short_task_is_refused_what_others_are(short: ForkingSandbox, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("content")
    arguments: JsonObject = {"pid": os.getpid(), "path": str(tmp_path / "file"), "scratch": str(tmp_path)}
    with pytest.raises(SandboxFailed) as caught:
        await call(short, name, arguments)
    assert caught.value.kind in {"PermissionError", "ValueError"}
    assert await works(short)


@pytest.mark.skipif(not confine.probe().landlock_version, reason="this machine has no Landlock")
@pytest.mark.parametrize("name", ["open_path", "create_path", "remove_path", "list_path"])
async def test_a_short_task_sees_nothing_of_the_machine(short: ForkingSandbox, tmp_path: Path, name: str) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_text("secret")
    with pytest.raises(SandboxFailed) as caught:
        await call(short, name, {"path": str(tmp_path if name == "list_path" else foreign)})
    assert caught.value.kind == "PermissionError"
    assert (await call(short, "rulesets")).value == 0
    assert foreign.read_text() == "secret"


async def test_without_its_layers_a_child_does_nothing_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the first, which is confined when it has its task, nor one that waited."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    box = ForkingSandbox(preload=[HOSTILE, "tests.unit.kernel.sandbox.unconfined"])
    try:
        for _ in range(3):
            with pytest.raises(SandboxFailed) as raised:
                await call(box, "echo")
            assert (raised.value.kind, raised.value.detail) == (
                "PermissionError",
                "PermissionError: this machine refuses",
            )
            if HAVE_CHILDREN:
                await waiting_child(box)
    finally:
        await box.close()


async def test_a_task_with_other_limits_gets_them(sandbox: ForkingSandbox) -> None:
    await call(sandbox, "echo")
    small = replace(PROFILE, memory_bytes=200 * 2**20)
    with pytest.raises(SandboxMemory):
        await call(sandbox, "allocate_some", {"bytes": 300 * 2**20}, profile=small)
    assert (await call(sandbox, "allocate_some", {"bytes": 300 * 2**20})).value == 300 * 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors are found in /proc")
async def test_no_child_holds_another_ones_connection(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    """Else whoever took over one child could give tasks to the next."""
    assert (await call(sandbox, "sockets")).value == 1
    assert (await call(sandbox, "sockets", scratch=tmp_path)).value == 1
    assert (await call(sandbox, "sockets")).value == 1


async def test_a_killed_zygote_is_started_again(sandbox: ForkingSandbox) -> None:
    task = await start_waiting(sandbox)
    first = zygote_pid(sandbox)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(ZygoteLost) as caught:
        await task
    assert caught.value.retryable
    assert await works(sandbox)
    assert zygote_pid(sandbox) != first


async def test_a_zygote_that_hangs_is_lost_and_not_the_files_fault(
    sandbox: ForkingSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.kernel.sandbox.sandbox._END_DEADLINE_S", 0.2)
    assert await works(sandbox)
    os.kill(zygote_pid(sandbox), signal.SIGSTOP)
    with pytest.raises(ZygoteLost):
        await call(sandbox, "echo", profile=replace(PROFILE, wall_s=0.2))
    assert await works(sandbox)


async def test_a_zygote_that_cannot_start_is_lost_each_time() -> None:
    box = ForkingSandbox(preload=["no.such.module"])
    for _ in range(2):
        with pytest.raises(ZygoteLost):
            await call(box, "echo")
    await box.close()


async def test_a_start_that_was_cancelled_is_taken_up_by_the_next(sandbox: ForkingSandbox) -> None:
    task = asyncio.create_task(call(sandbox, "echo"))
    while sandbox._process is None:
        await asyncio.wait([task], timeout=0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await works(sandbox)


async def test_closing_ends_what_runs(sandbox: ForkingSandbox) -> None:
    task = await start_waiting(sandbox)
    await sandbox.close()
    with pytest.raises(ZygoteLost):
        await task
    await sandbox.close()
    assert await works(sandbox)


async def test_a_task_that_takes_long_gives_way(sandbox: ForkingSandbox) -> None:
    """So that a file made to take long does not keep up those that take milliseconds."""
    here = os.getpriority(os.PRIO_PROCESS, 0)
    for nice in (0, 3):
        outcome = await call(sandbox, "until_it_gives_way", profile=replace(PROFILE, cpu_s=20, nice=nice))
        assert outcome.value == [here + nice, min(19, here + nice + 5)]
