"""How long the text of a document is, page by page (M15-2h, M15-10): counted in the sandbox."""

from services.kernel.sandbox.port import LIMITS_HIT, ByteSource, Profile, Sandbox, SandboxFailed
from services.pdfcheck.domain import lengths

#: What the sandbox calls. Preload the module.
COUNT = "services.pdfcheck.tools.characters:count"
PRELOAD = ("services.pdfcheck.tools.characters",)
PROFILE = Profile(name="characters", memory_bytes=768 * 2**20, cpu_s=20, wall_s=60, read_budget_bytes=2 * 2**30)


async def count_characters(sandbox: Sandbox, source: ByteSource, pages: int) -> tuple[int, ...]:
    """Characters of each page; a file whose text cannot be got at has none that could be counted, and a person counts.

    Raises `ZygoteLost`, `SourceSlow`, and whatever the source raises.
    """
    try:
        outcome = await sandbox.run(COUNT, {}, profile=PROFILE, sources=[source])
    except (SandboxFailed, *LIMITS_HIT):
        return tuple(lengths.nothing_counted(pages))
    told = outcome.value.get("pages") if isinstance(outcome.value, dict) else None
    if isinstance(told, list) and len(told) != pages:  # the two libraries see different trees of pages
        return tuple(lengths.nothing_counted(pages))
    return lengths.counts_from_json(told, pages)
