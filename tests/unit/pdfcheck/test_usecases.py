"""The steps around the sandbox: limits that a file hits become findings, a part that blocks ends a merge early."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from services.kernel.sandbox import port
from services.kernel.sandbox.port import ByteSource, Json, JsonObject, Outcome, Profile, Progress
from services.kernel.sandbox.sandbox import FileSource, ForkingSandbox
from services.pdfcheck.domain.facts import DocumentFacts, Health
from services.pdfcheck.domain.findings import DocumentLimits
from services.pdfcheck.domain.merging import RESULT, Part
from services.pdfcheck.usecases.measure import INSPECT_PDF, MERGE, PRELOAD, SHORT, measure
from services.pdfcheck.usecases.merge import MergeInput, MergeOutcome, merge_parts
from tests.assets import pdf_fixtures as made

DAMAGED = DocumentFacts(size_bytes=5, media_type="application/pdf", health=Health.DAMAGED)
LIMITS = DocumentLimits(page_bytes=made.PAGE_LIMIT, item_bytes=made.ITEM_LIMIT)


@dataclass(frozen=True, slots=True)
class InMemory:
    """Bytes as a source."""

    content: bytes

    @property
    def size_bytes(self) -> int:
        """How many there are."""
        return len(self.content)

    async def read(self, offset: int, length: int) -> bytes:
        """A range of them."""
        return self.content[offset : offset + length]


@dataclass(slots=True)
class Scripted:
    """A sandbox that answers by function: a value to return or an error to raise."""

    answers: dict[str, Json | Exception]
    asked: list[str] = field(default_factory=list)

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
        """See the port."""
        self.asked.append(function)
        answer = self.answers[function]
        if isinstance(answer, Exception):
            raise answer
        return Outcome(value=answer, bytes_read=0, cpu_s=0, peak_memory_bytes=0)

    async def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    made_here = ForkingSandbox(PRELOAD)
    yield made_here
    await made_here.close()


def inputs(*contents: bytes) -> list[MergeInput]:
    return [
        MergeInput(part=Part(title=f"第{number}份", component="学历证书"), source=InMemory(content))
        for number, content in enumerate(contents, start=1)
    ]


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def found(outcome: MergeOutcome) -> list[tuple[str, int | None]]:
    return [(blame.finding.code, blame.part) for blame in outcome.findings]


@pytest.mark.parametrize("limit", port.LIMITS_HIT)
async def test_a_limit_that_is_hit_is_a_fact_of_the_file(limit: type[port.SandboxError]) -> None:
    scripted = Scripted({INSPECT_PDF: limit("x")})
    facts = await measure(scripted, InMemory(made.scanned_pdf()), made.PAGE_LIMIT)
    assert (facts.health, facts.media_type) == (Health.TOO_COMPLEX, "application/pdf")


@pytest.mark.parametrize("error", [port.ZygoteLost(), port.SandboxFailed("ValueError", "x")])
async def test_our_own_failures_are_not_the_files(error: port.SandboxError) -> None:
    scripted = Scripted({INSPECT_PDF: error})
    with pytest.raises(type(error)):
        await measure(scripted, InMemory(b"%PDF-"), made.PAGE_LIMIT)


@pytest.mark.parametrize("answer", [None, [], {"size_bytes": 1}])
async def test_an_answer_of_another_shape_is_no_facts(answer: Json) -> None:
    scripted = Scripted({INSPECT_PDF: answer})
    with pytest.raises((TypeError, KeyError)):
        await measure(scripted, InMemory(b"%PDF-"), made.PAGE_LIMIT)


async def test_measured_in_the_real_sandbox(sandbox: ForkingSandbox) -> None:
    sound = await measure(sandbox, InMemory(made.scanned_pdf()), made.PAGE_LIMIT)
    broken = await measure(sandbox, InMemory(made.truncated()), made.PAGE_LIMIT)
    photo = await measure(sandbox, InMemory(made.photo_jpeg()), made.PAGE_LIMIT)
    assert (sound.health, broken.health, photo.health) == (Health.SOUND, Health.DAMAGED, Health.SOUND)


async def test_a_small_zygote_reads_signers_too() -> None:
    """Its children import what few documents need."""
    small = ForkingSandbox(SHORT, short=True)
    try:
        facts = await measure(small, InMemory(made.signed()), made.PAGE_LIMIT)
    finally:
        await small.close()
    assert [each.signer for each in facts.signatures] == ["张三"]


async def test_a_bomb_is_stopped_and_the_next_file_is_checked(sandbox: ForkingSandbox) -> None:
    bomb = await measure(sandbox, InMemory(made.object_stream_bomb()), made.PAGE_LIMIT)
    assert bomb.health is Health.TOO_COMPLEX
    assert (await measure(sandbox, InMemory(made.scanned_pdf()), made.PAGE_LIMIT)).usable


async def test_merged_in_the_real_sandbox(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    steps: list[float] = []
    parts = inputs(made.scanned_pdf(2), made.photo_jpeg(), made.png())
    outcome = await merge_parts(sandbox, parts, LIMITS, tmp_path, steps.append)
    assert outcome.accepted
    assert outcome.merged is not None
    assert (tmp_path / RESULT).stat().st_size == outcome.merged.size_bytes
    assert [mark.depth for mark in outcome.merged.bookmarks] == [0, 1, 1, 1]
    assert [origin.part for origin in outcome.merged.page_map] == [0, 0, 1, 2]
    assert steps == sorted(steps)


@pytest.mark.parametrize("files", [(), (0, 2), (0, 1, 2)])
async def test_parts_that_are_files_here_are_opened_where_they_are(
    sandbox: ForkingSandbox, tmp_path: Path, files: Sequence[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is the same; others are copied first, also those that are more than can be open at once."""
    monkeypatch.setattr("services.pdfcheck.usecases.merge._OPEN_AT_ONCE", 2)
    parts = list(inputs(made.scanned_pdf(2), made.photo_jpeg(), made.png()))
    scratch, plain = tmp_path / "scratch", tmp_path / "plain"
    scratch.mkdir()
    plain.mkdir()
    wanted = await merge_parts(sandbox, parts, LIMITS, plain)
    for place in files:
        (tmp_path / str(place)).write_bytes(await parts[place].source.read(0, 2**30))
        parts[place] = replace(parts[place], source=FileSource(tmp_path / str(place)))
    outcome = await merge_parts(sandbox, parts, LIMITS, scratch)
    assert outcome.merged == wanted.merged
    copied = [name for name in written(scratch) if name.startswith("source-")]
    assert copied == [f"source-{place:04}" for place in range(3) if place not in files[:2]]


async def test_a_total_over_the_limit_is_not_accepted(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    parts = inputs(made.scanned_pdf(), made.item_of_bytes(made.ITEM_LIMIT))
    outcome = await merge_parts(sandbox, parts, LIMITS, tmp_path)
    assert not outcome.accepted
    assert found(outcome) == [("pdf.item-too-large", 1)]


async def test_records_are_exempt_from_the_total(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    exempt = DocumentLimits(page_bytes=made.PAGE_LIMIT, item_bytes=None)
    outcome = await merge_parts(
        sandbox, inputs(made.scanned_pdf(), made.item_of_bytes(made.ITEM_LIMIT)), exempt, tmp_path
    )
    assert outcome.accepted


async def test_a_part_that_blocks_ends_the_merge_before_it_begins(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    outcome = await merge_parts(sandbox, inputs(made.scanned_pdf(), made.truncated()), LIMITS, tmp_path)
    assert (outcome.accepted, outcome.merged, found(outcome)) == (False, None, [("pdf.damaged", 1)])
    assert written(tmp_path) == []


async def test_what_does_not_block_is_said_and_merged(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    outcome = await merge_parts(sandbox, inputs(made.javascript(), made.encrypted()), LIMITS, tmp_path)
    assert outcome.accepted
    assert found(outcome) == [("pdf.active-content", 0), ("pdf.owner-restricted", 1)]


async def test_nothing_to_merge_is_not_accepted(tmp_path: Path) -> None:
    assert not (await merge_parts(Scripted({}), [], LIMITS, tmp_path)).accepted


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (port.SandboxMemory(), ("pdf.too-complex", None)),
        ({"failed_part": 0}, ("pdf.damaged", 0)),
        ({"failed_part": None}, ("pdf.damaged", None)),
        ({"sha256": "", "page_counts": [3], "facts": DAMAGED.to_json()}, ("pdf.damaged", None)),
    ],
)
async def test_a_merge_that_fails_is_a_finding(
    answer: Json | Exception, expected: tuple[str, int | None], tmp_path: Path, sandbox: ForkingSandbox
) -> None:
    facts = await measure(sandbox, InMemory(made.scanned_pdf()), made.PAGE_LIMIT)
    told: JsonObject = dict(facts.to_json())  # type: ignore[arg-type]  # lists in place of sequences
    scripted = Scripted({INSPECT_PDF: told, MERGE: answer})
    outcome = await merge_parts(scripted, inputs(made.scanned_pdf()), LIMITS, tmp_path)
    assert (outcome.accepted, found(outcome)) == (False, [expected])
