"""The sandbox as the services see it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
JsonObject = dict[str, Json]
Progress = Callable[[float], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """How much a task may use."""

    name: str
    memory_bytes: int
    cpu_s: int
    wall_s: float
    #: Bytes that the task may read from all its sources together.
    read_budget_bytes: int
    #: Largest file that it may write in its scratch folder.
    output_bytes: int = 0
    #: How much it gives way to others, as `nice` counts; work that takes minutes should.
    nice: int = 0

    @property
    def scratch_bytes(self) -> int:
        """What its files may take together: room for parts, an intermediate result and the result."""
        return 4 * self.output_bytes


DOCUMENTS = Profile(
    name="documents", memory_bytes=768 * 2**20, cpu_s=10, wall_s=30, read_budget_bytes=8 * 2**30, output_bytes=2**30
)
MERGE = Profile(
    name="merge", memory_bytes=768 * 2**20, cpu_s=120, wall_s=300, read_budget_bytes=16 * 2**30, output_bytes=4 * 2**30
)
VIDEO = Profile(name="video", memory_bytes=2**30, cpu_s=20, wall_s=60, read_budget_bytes=512 * 2**20)


class ByteSource(Protocol):
    """Something whose bytes a task may ask for."""

    @property
    def size_bytes(self) -> int:
        """How many bytes there are."""
        ...

    async def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end. Whatever it raises ends the task."""
        ...


@runtime_checkable
class LocalSource(ByteSource, Protocol):
    """A source that may be a file of this machine: the task then reads that itself instead of asking for its bytes."""

    async def descriptor(self) -> int | None:
        """The file open for reading, the caller's to close; None where it is none. Raises as `read`."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a task returned and used. `bytes_read` is what it asked for, without what it read from files here."""

    value: Json
    bytes_read: int
    cpu_s: float
    peak_memory_bytes: int


class SandboxError(Exception):
    """A task did not return. `detail` is short, capped, and may hold text of the file: never log it."""

    #: Whether the same task may succeed when it is run again.
    retryable = False

    def __init__(self, detail: str = "") -> None:
        """`detail` is cut to 500 characters."""
        super().__init__(type(self).__name__)
        self.detail = detail[:500]


class SandboxTimeout(SandboxError):
    """The wall-clock or CPU limit was reached."""


class SandboxMemory(SandboxError):
    """The memory limit was reached."""


class SandboxBudget(SandboxError):
    """More bytes were asked for, returned or written than allowed."""


class SandboxCrashed(SandboxError):
    """The child ended without a result: by a signal or an exit."""


class SandboxFailed(SandboxError):
    """The function raised, or could not be called; `kind` is the name of the exception's class."""

    def __init__(self, kind: str, detail: str) -> None:
        """`kind` decides what the caller makes of it."""
        super().__init__(detail)
        self.kind = kind


class ZygoteLost(SandboxError):
    """The process that forks children is gone; it is started again with the next task."""

    retryable = True


class SourceSlow(SandboxError):
    """The time ran out while the sources were being read: the fault of the store, not of the file."""

    retryable = True


class Sandbox(Protocol):
    """Runs functions on files that may be hostile."""

    async def run(
        self,
        function: str,
        arguments: JsonObject,
        *,
        profile: Profile,
        sources: Sequence[ByteSource] = (),
        scratch: Path | None = None,
        progress: Progress | None = None,
    ) -> Outcome:
        """Call `package.module:function(sources, arguments, progress)` in a fresh child and return its JSON value.

        The function gets one :class:`~services.kernel.sandbox.source.SourceFile` per source. `scratch` is the one
        folder that it may write in and read from. `progress` is called with 0 to 1. Cancelling kills the child; when
        `run` ends, however it ends, the child is gone. Raises `SandboxError` and its kinds, and whatever a source
        raised.
        """
        ...

    async def close(self) -> None:
        """Kill every child and the zygote."""
        ...


#: Limits of the task, not faults of ours: what the caller turns into a finding about the file.
LIMITS_HIT = (SandboxTimeout, SandboxMemory, SandboxBudget, SandboxCrashed)
