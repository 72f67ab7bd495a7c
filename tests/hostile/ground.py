"""What pdfcheck does with a document, in its own sandbox: measured, looked through, drawn and merged, and what it took.

Whatever the file is, each of these ends in findings or in a problem that is put into words, within its limits.
"""

import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from services.catalogue import load
from services.catalogue.findings import Finding
from services.catalogue.wording import word
from services.kernel.clock import SystemClock
from services.kernel.errors import AppError
from services.kernel.ids import TimeOrderedIds
from services.kernel.sandbox.port import ByteSource, JsonObject, Outcome, Profile, Progress, ZygoteLost
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.kernel.sandbox.scratch_watch import occupied_bytes
from services.kernel.storage.localdir import LocalDir
from services.kernel.storage.presign import PresignKey, Signer
from services.kernel.stored_files import StoredSource
from services.pdfcheck.domain.facts import DocumentFacts
from services.pdfcheck.domain.findings import DocumentLimits, findings_of
from services.pdfcheck.domain.merging import Part
from services.pdfcheck.settings import Settings
from services.pdfcheck.usecases.expectation import expected_type
from services.pdfcheck.usecases.measure import measure
from services.pdfcheck.usecases.merge import MergeInput, merge_parts
from services.pdfcheck.usecases.pictures import SIZES_PX, Pictured, Pictures
from services.pdfcheck.usecases.pixels import check_pixels
from tests.assets import pdf_fixtures

#: How long ending a child may take beyond its limit on a busy machine, and what is written between two looks.
_LATE_S, _LATE_BYTES = 10.0, 64 * 2**20
_PICTURE_PROBLEMS = ("picture.not-possible", "request.not-found")


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """What one child took: seconds, bytes; `profile` says what it might have."""

    profile: Profile
    wall_s: float
    cpu_s: float
    peak_bytes: int
    scratch_bytes: int

    @property
    def over(self) -> str:
        """Which of its limits it went beyond, "" for none."""
        allowed = {
            "wall": (self.wall_s, self.profile.wall_s + _LATE_S),
            "CPU": (self.cpu_s, self.profile.cpu_s + 2),
            "memory": (self.peak_bytes, self.profile.memory_bytes),
            "scratch": (self.scratch_bytes, self.profile.scratch_bytes + _LATE_BYTES),
        }
        return ", ".join(f"{name} {took} of {most}" for name, (took, most) in allowed.items() if took > most)


_usage: ContextVar[list[tuple[float, int]]] = ContextVar("usage")


class WatchedSandbox(ForkingSandbox):
    """The real one, which also tells what became of each child, those too that were killed."""

    def __init__(self, preload: Sequence[str] = ()) -> None:
        """See `ForkingSandbox`."""
        super().__init__(preload)
        self.used: list[Used] = []
        self.zygotes_lost = 0

    async def run(
        self, function: str, arguments: JsonObject, *, profile: Profile, sources: Sequence[ByteSource] = (),
        scratch: Path | None = None, progress: Progress | None = None,
    ) -> Outcome:  # fmt: skip
        """See the port."""
        ended: list[tuple[float, int]] = []
        token = _usage.set(ended)
        before = occupied_bytes(scratch) if scratch else 0
        began = time.perf_counter()
        try:
            return await super().run(
                function, arguments, profile=profile, sources=sources, scratch=scratch, progress=progress
            )
        except ZygoteLost:
            self.zygotes_lost += 1
            raise
        finally:
            _usage.reset(token)
            cpu_s, peak = ended[0] if ended else (0.0, 0)
            grown = occupied_bytes(scratch) - before if scratch else 0
            self.used.append(
                Used(
                    profile=profile, wall_s=time.perf_counter() - began, cpu_s=cpu_s, peak_bytes=peak,
                    scratch_bytes=grown,
                )
            )  # fmt: skip

    async def _end(self, task, exited):  # type: ignore[no-untyped-def]
        usage = await super()._end(task, exited)
        _usage.get([]).append((usage.cpu_s, usage.peak))
        return usage


@dataclass(slots=True)
class Ended:
    """How a file ended: what was said of it, how each stage went, and what its children took."""

    findings: tuple[Finding, ...] = ()
    stages: dict[str, str] = field(default_factory=dict)
    used: list[Used] = field(default_factory=list)

    @property
    def codes(self) -> frozenset[str]:
        """Of everything that the applicant is told."""
        return frozenset(finding.code for finding in self.findings)

    @property
    def over(self) -> str:
        """Which limits were not kept, "" for none."""
        return "; ".join(each.over for each in self.used if each.over)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What the stages run on."""

    store: LocalDir
    sandbox: WatchedSandbox
    pictures: Pictures
    limits: DocumentLimits


@asynccontextmanager
async def ground(folder: Path) -> AsyncIterator[Ground]:
    """A store below `folder`, and a sandbox that has imported what the service's has."""
    signer = Signer([PresignKey(key_id="a", secret="s" * 32)], SystemClock())
    store = LocalDir(folder / "store", signer, "http://127.0.0.1:9", SystemClock(), TimeOrderedIds())
    preload = [*Settings.model_fields["sandbox_apart"].default, *Settings.model_fields["sandbox_preload"].default]
    sandbox = WatchedSandbox(preload)
    catalogue = load.default()
    page_bytes = catalogue.page_bytes(catalogue.generic)
    assert page_bytes is not None
    limits = DocumentLimits(page_bytes=page_bytes, item_bytes=catalogue.item_bytes(catalogue.generic))
    try:
        yield Ground(store=store, sandbox=sandbox, pictures=Pictures(store, sandbox), limits=limits)
    finally:
        await sandbox.close()
        store.close()


async def measured(found: Ground, source: ByteSource, file_name: str) -> tuple[DocumentFacts, tuple[Finding, ...]]:
    """Facts and findings, each of them put into words."""
    facts = await measure(found.sandbox, source, found.limits.page_bytes)
    findings = findings_of(facts, found.limits, expected=expected_type(file_name))
    _worded(findings)
    return facts, findings


async def through_all(found: Ground, data: bytes, file_name: str, *, shown_too: bool = True) -> Ended:
    """Every stage that the service would let the file into; without `shown_too` those alone that judge it. Raises what
    none of them may raise.
    """
    key = f"evidence/{TimeOrderedIds().new()}"
    info = await found.store.put(key, data)
    source = StoredSource(found.store, key, info.size_bytes, info.etag)
    ended, before = Ended(), len(found.sandbox.used)
    try:
        facts, ended.findings = await measured(found, source, file_name)
        ended.stages["measured"] = facts.health.value
        if facts.usable:
            looked = await check_pixels(found.sandbox, source)
            _worded(looked.findings)
            ended.findings += looked.findings
            ended.stages["pixels"] = looked.findings[0].code if looked.findings else "whole"
        if facts.usable and shown_too:
            ended.stages["picture"] = await _drawn(found, source, key, len(facts.pages))
            ended.stages["merge"] = await _merged(found, source)
    finally:
        await found.store.delete(key)
    ended.used = found.sandbox.used[before:]
    return ended


async def _drawn(found: Ground, source: ByteSource, key: str, pages: int) -> str:
    async def is_there() -> bool:
        return True

    pictured = Pictured(source=source, folder=f"derived/{key}/", pages=pages, is_there=is_there)
    try:
        await found.pictures.jpeg(pictured, 1, 1200)
    except AppError as error:
        if error.code not in _PICTURE_PROBLEMS:
            raise
        return error.code
    for width in SIZES_PX:
        await found.store.delete(pictured.key(1, width))
    return "drawn"


async def _merged(found: Ground, source: ByteSource) -> str:
    """Together with a sound part, whether or not the report would let it."""
    sound = pdf_fixtures.tiny_pdf()
    parts = [
        MergeInput(part=Part(title="可疑", component="材料"), source=source, checked=True),
        MergeInput(part=Part(title="正常", component="材料"), source=_Bytes(sound)),
    ]
    with tempfile.TemporaryDirectory() as scratch:
        outcome = await merge_parts(found.sandbox, parts, found.limits, Path(scratch))
    _worded([blame.finding for blame in outcome.findings])
    blocking = [blame.finding.code for blame in outcome.findings if blame.finding.blocks]
    assert outcome.accepted or blocking, "refused without a word"
    return "merged" if outcome.accepted else blocking[0]


@dataclass(frozen=True, slots=True)
class _Bytes:
    content: bytes

    @property
    def size_bytes(self) -> int:
        return len(self.content)

    async def read(self, offset: int, length: int) -> bytes:
        return self.content[offset : offset + length]


def _worded(findings: Sequence[Finding]) -> None:
    for finding in findings:
        for lang in ("zh", "en"):
            wording = word(finding, lang)
            assert wording.message
            assert wording.fix
