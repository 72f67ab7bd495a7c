"""Runs of a sandbox are measured by profile and by what ended them; what a file made it say is not told."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from services.kernel.sandbox.observed import ObservedSandbox
from services.kernel.sandbox.port import (
    ByteSource,
    JsonObject,
    Outcome,
    Profile,
    Progress,
    SandboxFailed,
    SandboxTimeout,
)
from services.kernel.tracing import Attribute
from tests.samples import sample
from tests.spans import recorded

PROFILE = Profile(name="test", memory_bytes=1, cpu_s=1, wall_s=1, read_budget_bytes=1)
FUNCTION = "package.module:function"


class Ends:
    """A sandbox whose every run ends alike."""

    def __init__(self, how: Exception | None) -> None:
        self._how = how

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
        if self._how is not None:
            raise self._how
        return Outcome(value=function, bytes_read=0, cpu_s=0, peak_memory_bytes=0)

    async def close(self) -> None:
        return


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        (None, "ok"),
        (SandboxTimeout("CPU"), "SandboxTimeout"),
        (SandboxFailed("PdfError", "张三.pdf"), "SandboxFailed"),
        (ConnectionResetError("a source broke"), "failed"),
    ],
)
async def test_a_run_is_measured_by_what_ended_it(how: Exception | None, outcome: str) -> None:
    before = sample("shenbao_sandbox_run_duration_seconds_count", profile="test", outcome=outcome)
    sandbox = ObservedSandbox(Ends(how))
    with recorded() as kept:
        if how is None:
            assert (await sandbox.run(FUNCTION, {}, profile=PROFILE)).value == FUNCTION
        else:
            with pytest.raises(type(how)):
                await sandbox.run(FUNCTION, {}, profile=PROFILE)
    assert sample("shenbao_sandbox_run_duration_seconds_count", profile="test", outcome=outcome) == before + 1
    span = kept.named("sandbox test")
    assert (span.attributes or {})[Attribute.SANDBOX_FUNCTION] == FUNCTION
    assert "张三" not in span.to_json(indent=None)
    assert "\\u5f20" not in span.to_json()
