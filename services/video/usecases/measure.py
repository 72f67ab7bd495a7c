"""Measures one video in the sandbox; what the sandbox had to stop becomes a problem of the file."""

from services.kernel.sandbox.port import LIMITS_HIT, VIDEO, ByteSource, Sandbox
from services.video.domain.facts import Probe, Problem, ProblemKind, from_plain

#: What the sandbox calls. Preload the modules.
PROBE = "services.video.tools.probe:probe"
PRELOAD = ("services.video.tools.probe",)
#: The reason of a file that took more memory, time or bytes than any honest video does.
OUT_OF_RESOURCES = "resources"


async def measure(sandbox: Sandbox, source: ByteSource) -> Probe:
    """The facts of `source`, whatever it holds.

    Raises `SandboxFailed` (a bug of ours), `ZygoteLost` (retryable), `UnreadableProbe` (the child answered nonsense)
    and whatever the source raises.
    """
    try:
        outcome = await sandbox.run(PROBE, {}, profile=VIDEO, sources=[source])
    except LIMITS_HIT:
        problem = Problem(kind=ProblemKind.DAMAGED, reason=OUT_OF_RESOURCES)
        return Probe(size_bytes=source.size_bytes, bytes_read=0, facts=None, problem=problem)
    return from_plain(outcome.value if isinstance(outcome.value, dict) else {})
