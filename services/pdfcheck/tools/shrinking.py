"""Makes the pictures of one page smaller: without loss, or as JPEGs that look the same, no further than is needed.

The way was measured (see docs/size-coach.md): keep the resolution and look for the quality, 75 to 98, that just fits
and is like enough; only where none does, print 400, 300, 250 or 200 pixels to the inch. Largest pictures first, and
none is touched once the page fits.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pikepdf
from PIL import Image

from services.pdfcheck.domain.coaching import LEAST_SSIM, QUALITIES, RESOLUTIONS_DPI, USEFUL_DPI
from services.pdfcheck.tools import coding, jpeg_pixels
from services.pdfcheck.tools.coding import Coded, Variant
from services.pdfcheck.tools.drawn import Drawn, stored_bytes
from services.pdfcheck.tools.jpeg_pixels import CannotDecode, Pixels
from services.pdfcheck.tools.similar import ssim

#: A picture smaller than this is never what makes a page too large.
LEAST_BYTES = 32 * 1024
#: A picture that is only this much finer than wanted stays as it is.
_NEARLY = 1.05
#: Qualities are tried so far apart.
_STEP = 2
#: The quality at which it is measured how much `jpeg_pixels.smaller` gains.
_PROBE = 90


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What is done to one picture: `ssim` beside the original printed just as fine, `dpi` as it is printed then."""

    drawn: Drawn
    variant: Variant
    ssim: float
    dpi: float
    quality: int = 0
    size: tuple[int, int] = (0, 0)

    @property
    def saved_bytes(self) -> int:
        """How much smaller the picture is."""
        return stored_bytes(self.drawn.stream) - len(self.variant.data)


@dataclass(slots=True)
class Recoding:
    """One picture at one resolution, coded at whatever quality is asked for; nothing is done twice."""

    pixels: Pixels
    sampling: str
    made: dict[int, bytes] = field(default_factory=dict)
    alike: dict[int, float] = field(default_factory=dict)
    _gain: float = 0

    def data(self, quality: int) -> bytes:
        """The JPEG as it would be stored."""
        if quality not in self.made:
            self.made[quality] = jpeg_pixels.smaller(jpeg_pixels.encoded(self.pixels, quality, self.sampling))
        return self.made[quality]

    def ssim(self, quality: int) -> float:
        """How much it looks like the pixels."""
        if quality not in self.alike:
            plain = jpeg_pixels.encoded(self.pixels, quality, self.sampling)
            self.alike[quality] = ssim(self.pixels, jpeg_pixels.decoded(plain))
        return self.alike[quality]

    def guess(self, quality: int) -> float:
        """About how many bytes `data` will have: what is made quickly, less what was gained at another quality."""
        if not self._gain:
            plain = jpeg_pixels.encoded(self.pixels, _PROBE, self.sampling)
            self._gain = len(self.data(_PROBE)) / len(plain)
        return self._gain * len(jpeg_pixels.encoded(self.pixels, quality, self.sampling))

    def best_within(self, allowed: int) -> int:
        """The best quality that is like enough and takes at most `allowed` bytes; 0 where there is none."""
        lowest, highest = QUALITIES
        while lowest < highest:
            middle = (lowest + highest + 1) // 2
            if self.guess(middle) <= allowed:
                lowest = middle
            else:
                highest = middle - 1
        while lowest > QUALITIES[0] and len(self.data(lowest)) > allowed:
            lowest -= 1
        if len(self.data(lowest)) > allowed:
            return 0
        return self._first_alike(range(lowest, QUALITIES[0] - 1, -_STEP))

    def smallest(self) -> int:
        """The lowest quality that is like enough; 0 where not even the highest is."""
        lowest, highest = QUALITIES
        coarse = self._first_alike([*range(lowest, highest, 2 * _STEP), highest])
        return self._first_alike(range(max(lowest, coarse - 2 * _STEP + 1), coarse + 1)) if coarse else 0

    def _first_alike(self, qualities: Iterable[int]) -> int:
        """Likeness does not simply grow with quality: rounding at one may keep what rounding at the next loses."""
        return next((quality for quality in qualities if self.ssim(quality) >= LEAST_SSIM), 0)


def without_loss(pictures: Sequence[Drawn], excess: int | None) -> tuple[Change, ...]:
    """Changes that alter no pixel, largest pictures first, until `excess` bytes are saved; None saves what can be."""
    changes: list[Change] = []
    for drawn in pictures:
        if not _is_due(changes, excess) or stored_bytes(drawn.stream) < LEAST_BYTES:
            break
        change = _lossless(drawn)
        changes += [] if change is None else [change]
    return tuple(changes)


def _is_due(changes: Sequence[Change], excess: int | None) -> bool:
    return excess is None or sum(change.saved_bytes for change in changes) < excess


def _lossless(drawn: Drawn) -> Change | None:
    told = coding.coded(drawn.stream)
    try:
        variant = coding.lossless(drawn.stream, told)
    except (CannotDecode, pikepdf.PdfError):
        return None
    if variant is None:
        return None
    return Change(drawn=drawn, variant=variant, ssim=1, dpi=drawn.dpi, size=(told.width, told.height))


def looking_the_same(pictures: Sequence[Drawn], excess: int | None) -> Iterator[tuple[Change, ...]]:
    """Attempts to save `excess` bytes with ever fewer pixels, each all that would be changed; None: one attempt that
    saves as much as can be saved unseen.
    """
    if excess is None:
        yield _attempt(pictures, None, USEFUL_DPI)
        return
    finest = max((drawn.dpi for drawn in pictures), default=0)
    yield _attempt(pictures, excess, None)
    for dpi in RESOLUTIONS_DPI:
        if finest > _NEARLY * dpi:
            yield _attempt(pictures, excess, dpi)


def _attempt(pictures: Sequence[Drawn], excess: int | None, dpi: int | None) -> tuple[Change, ...]:
    changes: list[Change] = []
    heavy = [drawn for drawn in pictures if stored_bytes(drawn.stream) >= LEAST_BYTES]
    for drawn in heavy:
        if not _is_due(changes, excess):
            break
        still = None if excess is None else excess - sum(change.saved_bytes for change in changes)
        change = _recoded(drawn, still, dpi, alone=len(heavy) == 1) or _lossless(drawn)
        changes += [] if change is None else [change]
    return tuple(changes)


def _recoded(drawn: Drawn, excess: int | None, dpi: int | None, *, alone: bool) -> Change | None:
    """The picture as another JPEG; None where it must not become one, or gains nothing. Where it is `alone` on its
    page, less than `excess` is nothing.
    """
    told = coding.coded(drawn.stream)
    if drawn.is_mask or not told.recodable:
        return None
    try:
        pixels = coding.pixels_of(drawn.stream, told)
        sampling = jpeg_pixels.sampling(coding.jpeg_data(drawn.stream)) if told.kind is coding.Kind.JPEG else "444"
        made = Recoding(pixels=_printed_at(pixels, drawn.dpi, dpi), sampling=sampling)
        quality = _quality(made, stored_bytes(drawn.stream), excess, alone=alone)
        if not quality:
            return None
        return _change(drawn, told, made, quality, pixels.shape[1])
    except (CannotDecode, pikepdf.PdfError):
        return None


def _quality(made: Recoding, stored: int, excess: int | None, *, alone: bool) -> int:
    """The best that fits; where none does, or as little as possible is wanted, the lowest that looks the same."""
    fitting = made.best_within(stored - excess) if excess is not None and stored > excess else 0
    quality = fitting or (0 if alone and excess is not None else made.smallest())
    return quality if quality and len(made.data(quality)) < stored else 0


def _change(drawn: Drawn, told: Coded, made: Recoding, quality: int, width_before: int) -> Change:
    height, width = made.pixels.shape[:2]
    return Change(
        drawn=drawn,
        variant=coding.as_jpeg(told, made.data(quality), (width, height)),
        ssim=round(made.ssim(quality), 4),
        dpi=round(drawn.dpi * width / width_before, 1),
        quality=quality,
        size=(width, height),
    )


def _printed_at(pixels: Pixels, dpi: float, wanted: int | None) -> Pixels:
    """As many pixels as `wanted` to the inch need; never more than there are."""
    if wanted is None or dpi <= _NEARLY * wanted:
        return pixels
    height, width, colours = pixels.shape
    size = (max(1, round(width * wanted / dpi)), max(1, round(height * wanted / dpi)))
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[colours]
    image = Image.fromarray(pixels[:, :, 0] if colours == 1 else pixels, mode=mode)
    smaller = np.asarray(image.resize(size, Image.Resampling.LANCZOS))
    return np.ascontiguousarray(smaller if smaller.ndim == 3 else smaller[:, :, None])
