"""A JPEG's pixels, as they are stored: read, written, and packed better without a change."""

import io
import warnings
from collections.abc import Sequence

import mozjpeg_lossless_optimization as mozjpeg
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from services.pdfcheck.tools.picture import MAX_PIXELS

Pixels = NDArray[np.uint8]
_NAMES = {1: "GRAY", 3: "RGB", 4: "CMYK"}
#: The luminance table of the JPEG standard at quality 50, in any order: only its sum is used.
_STANDARD_SUM = 3688


class CannotDecode(ValueError):
    """The data do not hold the pixels that were promised."""


def smaller(data: bytes) -> bytes:
    """Progressive, with Huffman tables made for it, without remarks; profile and pixels are the same, or it is `data`.

    Raises :class:`CannotDecode`.
    """
    pixels = decoded(data)
    try:
        packed: bytes = mozjpeg.optimize(data, copy=mozjpeg.COPY_MARKERS.ICC)
    except ValueError as error:
        raise CannotDecode("mozjpeg") from error
    fewer = len(packed) < len(data)
    return packed if fewer and np.array_equal(pixels, decoded(packed)) else data


def decoded(data: bytes) -> Pixels:
    """(height, width, colours) as they are stored. Raises :class:`CannotDecode`."""
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return _by_pillow(data)
    try:
        if height * width > MAX_PIXELS:
            raise CannotDecode("too many pixels")
        name = {"Gray": "GRAY", "CMYK": "CMYK", "YCCK": "CMYK"}.get(space, "RGB")
        pixels: Pixels = simplejpeg.decode_jpeg(data, colorspace=name, fastdct=False, fastupsample=False)
    except ValueError as error:
        raise CannotDecode("JPEG") from error
    return pixels


def _by_pillow(data: bytes) -> Pixels:
    """Of a JPEG whose colours are thinned out in an unusual way. Raises :class:`CannotDecode`."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=("JPEG",)) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise CannotDecode("too many pixels")
            pixels = np.asarray(opened)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise CannotDecode("JPEG") from error
    stored = pixels[:, :, None] if pixels.ndim == 2 else pixels
    return np.ascontiguousarray(255 - stored if stored.shape[2] == 4 else stored)


def sampling(data: bytes) -> str:
    """How a JPEG thins its colours out, "420"; where that is unusual, not at all."""
    try:
        told = str(simplejpeg.decode_jpeg_header(data)[3])
    except ValueError:
        return "444"
    return told if told in ("444", "422", "420", "440", "411") else "444"


def quality(data: bytes) -> int:
    """What a JPEG's tables amount to on the scale of 1 to 100; 0 where that cannot be told."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
            table: Sequence[int] | None = getattr(picture, "quantization", {}).get(0)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return 0
    if not table:
        return 0
    scale = 100 * sum(table) / _STANDARD_SUM
    return max(1, min(100, round((200 - scale) / 2 if scale <= 100 else 5000 / scale)))


def encoded(pixels: Pixels, quality: int, sampling: str) -> bytes:
    """A plain JPEG, quickly; :func:`smaller` takes the air out."""
    colours = pixels.shape[2]
    made: bytes = simplejpeg.encode_jpeg(
        pixels, quality=quality, colorspace=_NAMES[colours], colorsubsampling="Gray" if colours == 1 else sampling,
        fastdct=False,
    )  # fmt: skip
    return made
