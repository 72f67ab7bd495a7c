"""What a look through a whole video tells (M15-2c): samples in order of time, and the hints that follow. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from services.catalogue.findings import Finding

#: Samples abreast in a storyboard.
COLUMNS = 10
#: Of 255: a picture whose mean is darker and that hardly varies is black.
BLACK_MEAN, BLACK_SPREAD = 20.0, 6.0
#: Black that lasts longer is worth a look; a cut or a fade is not.
BLACK_S = 5.0
#: Variance of the Laplacian of a picture with some contrast: one enlarged from a sixth of its height has 6, one coded
#: with few bits 25 to 70, a sharp one some hundreds. So low a median is worth a look.
BLURRED = 12.0
#: Pictures with less contrast tell nothing about sharpness.
_FLAT_SPREAD = 12.0
_NAMED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One picture: when it stands there, its mean and spread (standard deviation) of 255, and how sharp it is."""

    time_s: float
    mean: float
    spread: float
    sharpness: float

    @property
    def is_black(self) -> bool:
        """Whether nothing is to be seen."""
        return self.mean < BLACK_MEAN and self.spread < BLACK_SPREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """From one moment to another, in seconds."""

    start_s: float
    end_s: float


def black_stretches(samples: Sequence[Sample], duration_s: float) -> tuple[Stretch, ...]:
    """Where samples are black, up to the next that is not; to about the distance of two samples."""
    found: list[Stretch] = []
    start: float | None = None
    for sample in samples:
        if sample.is_black and start is None:
            start = sample.time_s
        elif not sample.is_black and start is not None:
            found.append(Stretch(start_s=start, end_s=sample.time_s))
            start = None
    if start is not None:
        found.append(Stretch(start_s=start, end_s=max(duration_s, start)))
    return tuple(found)


def typical_sharpness(samples: Sequence[Sample]) -> float | None:
    """The median of those that can tell; None when none can."""
    telling = [sample.sharpness for sample in samples if sample.spread >= _FLAT_SPREAD]
    return median(telling) if telling else None


def judge_look(samples: Sequence[Sample], duration_s: float) -> tuple[Finding, ...]:
    """Warnings only: a person decides (M15-2c)."""
    return tuple(_findings(samples, duration_s))


def _findings(samples: Sequence[Sample], duration_s: float) -> Iterator[Finding]:
    black = [each for each in black_stretches(samples, duration_s) if each.end_s - each.start_s >= BLACK_S]
    if black:
        yield Finding(
            code="video.black",
            rule_id="M15-2c",
            measured=round(sum(each.end_s - each.start_s for each in black), 3),
            limit=BLACK_S,
            unit="s",
            where="; ".join(f"{_clock(each.start_s)}–{_clock(each.end_s)}" for each in black[:_NAMED]),
        )
    sharpness = typical_sharpness(samples)
    if sharpness is not None and sharpness < BLURRED:
        yield Finding(code="video.blurred", rule_id="M15-2c", measured=round(sharpness, 1), limit=BLURRED)


def _clock(moment_s: float) -> str:
    minutes, left = divmod(int(moment_s), 60)
    return f"{minutes}:{left:02}"
