"""What a check found, as a value, and the one table that fixes each code's level (`cli.md`).

A :class:`Finding` carries measurements, never sentences: the words are in `messages/*.yaml`, one entry per
code and language, so that a page, the command line and a reviewer's list say the same thing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

Scalar = str | int | float | None


class Level(StrEnum):
    """How much a finding weighs; the order of the members is worst first."""

    BLOCK = "block"
    WARN = "warn"
    CHECKLIST = "checklist"
    INFO = "info"


#: Worst first: the aggregation of a dossier's status sorts by this order.
WORST_FIRST: tuple[Level, ...] = tuple(Level)

_BY_LEVEL: dict[Level, tuple[str, ...]] = {
    Level.BLOCK: (
        "file.empty",
        "file.type-mismatch",
        "file.hash-mismatch",
        "video.not-mp4",
        "video.no-video-track",
        "video.too-long",
        "video.truncated",
        "video.damaged",
        "video.name-format",
        "video.name-mismatch",
        "video.id-number-invalid",
        "video.exceeds-disc",
        "disc.unreadable",
        "disc.not-alone",
        "disc.wrong-file",
        "pdf.not-pdf",
        "pdf.damaged",
        "pdf.picture-damaged",
        "pdf.picture-oversized",
        "pdf.page-undrawable",
        "pdf.empty",
        "pdf.encrypted",
        "pdf.encrypted-for-others",
        "pdf.encrypted-unknown",
        "pdf.portfolio",
        "pdf.page-without-size",
        "pdf.page-too-large",
        "pdf.item-too-large",
        "pdf.too-complex",
        "pdf.xfa",
        "image.damaged",
        "text.too-long",
        "item.missing-component",
        "item.too-many-files",
    ),
    Level.WARN: (
        "video.duration-inconsistent",
        "video.opening-missing",
        "video.opening-mismatch",
        "video.low-resolution",
        "video.frozen",
        "video.stutter",
        "video.black",
        "video.blurred",
        "video.no-sound",
        "pdf.repaired",
        "pdf.active-content",
        "pdf.embedded-files",
        "pdf.hidden-layers",
        "pdf.page-outsized",
        "pdf.page-without-content",
        "pdf.foreign-bytes",
        "pdf.signature-broken",
        "pdf.changed-after-signing",
        "pdf.low-resolution",
        "pdf.blurred",
        "pdf.blank-page",
        "pdf.no-colour",
        "pdf.no-seal",
        "pdf.upside-down",
        "pdf.duplicate-page",
        "pdf.name-mismatch",
        "pdf.shared-fonts",
        "item.surplus-component",
    ),
    Level.CHECKLIST: ("text.not-countable", "pdf.copy-suspected"),
    Level.INFO: ("pdf.signed", "pdf.owner-restricted"),
}

#: Code to level, for every code there is. A test holds it against `docs/errors.md` and the messages.
LEVELS: Mapping[str, Level] = MappingProxyType({code: level for level, codes in _BY_LEVEL.items() for code in codes})


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One observation about a file, a material or a page.

    `measured` and `limit` are in `unit` ("s", "bytes", "pages", "characters", or None where there is no scale);
    `where` names the place ("page 3", "track 1"), None for the whole file; `rule_id` cites the requirement
    ("M15-2d"). `params` holds further values that the message of this code needs.
    """

    code: str
    rule_id: str
    measured: Scalar = None
    limit: Scalar = None
    unit: str | None = None
    where: str | None = None
    params: Mapping[str, Scalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a code that the table does not know, so that no finding is without level and message."""
        if self.code not in LEVELS:
            raise KeyError(f"unknown finding code {self.code!r}")

    @property
    def level(self) -> Level:
        """The level that `cli.md` fixes for this code."""
        return LEVELS[self.code]

    @property
    def blocks(self) -> bool:
        """Whether a file with this finding may not be submitted."""
        return self.level is Level.BLOCK


def verdict_of(findings: tuple[Finding, ...]) -> str:
    """`fail` when any finding blocks, else `pass`; warnings and checklist lines leave it `pass` (`cli.md`)."""
    return "fail" if any(finding.blocks for finding in findings) else "pass"
