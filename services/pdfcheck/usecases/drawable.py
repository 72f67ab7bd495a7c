"""Whether pages can be shown that may take long to draw: tried, small, within the limits of a screen's picture."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from services.catalogue.findings import Finding
from services.kernel.sandbox.port import LIMITS_HIT, ByteSource, JsonObject, Sandbox, SandboxFailed
from services.pdfcheck.domain.findings import RULE_CLEAR
from services.pdfcheck.usecases.pictures import PICTURE, RENDER, WIDTHS_PX

#: Seconds of a core that all pages of a file may take together, and how many are tried.
_MOST_CPU_S, _MOST_PAGES = 60.0, 200


async def undrawable(sandbox: Sandbox, source: ByteSource, pages: Sequence[int]) -> tuple[Finding, ...]:
    """A finding about the first of `pages` (from 1) that cannot be drawn. Raises `ZygoteLost`, `SourceSlow` and what
    the source raises.
    """
    spent_s = 0.0
    for page in pages[:_MOST_PAGES]:
        with tempfile.TemporaryDirectory(prefix="shenbao-drawn-") as scratch:
            arguments: JsonObject = {"page": page, "width_px": WIDTHS_PX[0], "scratch": scratch}
            try:
                outcome = await sandbox.run(RENDER, arguments, profile=PICTURE, sources=[source], scratch=Path(scratch))
            except SandboxFailed:
                return (_undrawable(page, "broken"),)
            except LIMITS_HIT:
                return (_undrawable(page, "limits"),)
        spent_s += outcome.cpu_s
        if spent_s > _MOST_CPU_S:
            break
    return ()


def _undrawable(page: int, reason: str) -> Finding:
    return Finding(
        code="pdf.page-undrawable",
        rule_id=RULE_CLEAR,
        limit=PICTURE.cpu_s,
        unit="s",
        where=f"page {page}",
        params={"page": page, "reason": reason},
    )
