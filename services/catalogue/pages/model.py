"""What was seen on the pages of a file. Measured by `pdfcheck`, judged beside the profile by `review`."""

from dataclasses import dataclass

from services.catalogue.findings import Finding


@dataclass(frozen=True, kw_only=True, slots=True)
class Rim:
    """The rim of a seal: how much of it is there (0 to 1), and its box in shares of the page from the upper left."""

    score: float
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenPage:
    """One page. `dpi` is None where no picture makes the page; `focus` and `motion` where nothing can tell them."""

    #: From 1, in the file.
    page: int
    dpi: float | None
    #: Share of the sheet.
    ink: float
    #: What a second blurring leaves of the edges: near 1 for what is blurred already.
    focus: float | None
    #: How many times softer edges are in one direction than in another.
    motion: float | None
    #: Of the most colourful part of the sheet, in CIE Lab.
    chroma: float
    #: The best in red, and on a page without colour the best in grey.
    seal: Rim | None
    grey_seal: Rim | None
    #: 1 for upright, -1 for upside down, 0 where nothing tells.
    upright: float
    #: Perceptual hash, 16 hexadecimal digits.
    print: str

    @property
    def is_sealed(self) -> bool:
        """Whether there is a red seal on it."""
        return self.seal is not None and self.seal.score >= SEAL_SCORE

    @property
    def shows_copied_seal(self) -> bool:
        """Whether there is a seal on it that has lost its colour."""
        return self.is_grey and self.grey_seal is not None and self.grey_seal.score >= GREY_SEAL_SCORE

    @property
    def is_grey(self) -> bool:
        """Whether it has no colour."""
        return self.chroma < GREY_CHROMA

    @property
    def is_blank(self) -> bool:
        """Whether next to nothing stands on it."""
        return self.ink < BLANK_INK


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenLine:
    """Text on the first page; `confidence` 0 to 1, 1 for a text layer; the box as in `Rim`, all 0 where unknown."""

    text: str
    confidence: float
    left: float = 0
    top: float = 0
    width: float = 0
    height: float = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeat:
    """A page that shows what another page of the dossier shows; `likeness` 0 to 1."""

    page: int
    other_file_id: str
    other_page: int
    likeness: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenFile:
    """Everything that was seen in a file. Pages that could not be looked at are not among `pages`."""

    version: int
    pages: tuple[SeenPage, ...]
    findings: tuple[Finding, ...]
    lines: tuple[SeenLine, ...]
    repeats: tuple[Repeat, ...] = ()


#: Thresholds, tuned on the seeds of `bench/pdf_quality` that are not judged there.
SEAL_SCORE = 0.80
GREY_SEAL_SCORE = 0.80
GREY_CHROMA = 9.0
BLANK_INK = 0.001
