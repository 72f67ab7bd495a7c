"""Is this the disc that was asked for? Judged from what is on it (G-11, M15-2g, P-07); pure."""

from collections.abc import Sequence
from datetime import date

from services.catalogue.findings import Finding
from services.video.domain.name import judge_name
from services.video.domain.readback import FileOnDisc


def judge_disc(files: Sequence[FileOnDisc], *, sha256: str | None, today: date) -> tuple[Finding, ...]:
    """The findings on a disc's files as every view shows them; `sha256` (hexadecimal) is what the video should have.

    The video must stand alone under its own name, alike in every view.
    """
    alone = alone_on(files)
    if alone is None:
        shown = max((sum(file.view == view for file in files) for view in {file.view for file in files}), default=0)
        return (Finding(code="disc.not-alone", rule_id="M15-2g", measured=shown, limit=1, unit="files"),)
    found = judge_name(alone.name, today)
    if sha256 is not None and alone.sha256 != sha256.lower():
        found += (Finding(code="disc.wrong-file", rule_id="P-07", measured=alone.sha256, limit=sha256.lower()),)
    return found


def alone_on(files: Sequence[FileOnDisc]) -> FileOnDisc | None:
    """The one file that every view shows alike, None when there is another or none."""
    views = {file.view for file in files}
    same = {(file.name, file.size_bytes, file.sha256) for file in files}
    return files[0] if len(same) == 1 and len(files) == len(views) else None


def unreadable() -> Finding:
    """The finding on what is no disc at all."""
    return Finding(code="disc.unreadable", rule_id="M15-2g")
