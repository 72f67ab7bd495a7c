"""Pictures that no PDF can hold as they are (TIFF, HEIC) as a PDF: every page of a TIFF, the one picture of a HEIC.

What was kept without loss is kept so: black and white as fax group 4, the rest deflated. What was a JPEG inside, and
the HEVC of a telephone, becomes a JPEG of high quality; that is the copy that is merged, and the original is kept.
"""

import contextlib
import io
import warnings
from collections.abc import Iterator

import img2pdf
import pi_heif
import pikepdf
from PIL import Image, ImageCms, ImageOps

from services.catalogue.sniff import MediaType
from services.pdfcheck.domain.facts import DocumentFacts, Health
from services.pdfcheck.tools import jpeg, pages, picture
from services.pdfcheck.tools.picture import MAX_PIXELS, TooManyPixelsError

#: Pages of one TIFF, and pixels of all of them.
MOST_FRAMES = 500
MOST_PIXELS = 12 * MAX_PIXELS
#: What cannot be told from the original by eye, and is not much larger.
_QUALITY, _QUALITY_OF_JPEG = 90, 95
_LOSSY_TIFF = frozenset({"jpeg", "tiff_jpeg", "webp"})
#: Twice as fast as the usual one for a tenth more bytes: a scanner's file may have many pages.
_DEFLATE_LEVEL = 3
_PLAIN = frozenset({"L", "RGB", "P"})


def facts_of(content: bytes, kind: MediaType) -> DocumentFacts:
    """The facts of such a picture, judged as the pages that it becomes (G-07)."""
    blank = DocumentFacts(size_bytes=len(content), media_type=kind, health=Health.DAMAGED)
    try:
        document = document_of(content, kind)
    except jpeg.DamagedError:
        return blank
    except TooManyPixelsError:
        return blank.with_health(Health.TOO_COMPLEX)
    with pikepdf.open(io.BytesIO(document)) as pdf:
        sizes = pages.split_all(pdf)
        [first] = pdf.pages[0].get_images().values()
        shown = (int(first.Width), int(first.Height))
    return DocumentFacts(
        size_bytes=len(content), media_type=kind, health=Health.SOUND, pages=sizes, images_only=True,
        width_px=shown[0], height_px=shown[1],
    )  # fmt: skip


def document_of(content: bytes, kind: MediaType) -> bytes:
    """The PDF of a TIFF or HEIC: the same bytes for the same picture.

    Raises `jpeg.DamagedError` for one that does not decode to its end, `TooManyPixelsError`.
    """
    singles = _of_heic(content) if kind is MediaType.HEIC else _of_tiff(content)
    written = io.BytesIO()
    with contextlib.ExitStack() as opened, pikepdf.new() as made:
        for single in singles:
            made.pages.extend(opened.enter_context(pikepdf.open(io.BytesIO(single))).pages)
        made.save(
            written, compress_streams=False, deterministic_id=True,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
        )  # fmt: skip
    return written.getvalue()


def _of_heic(content: bytes) -> Iterator[bytes]:
    try:
        opened = pi_heif.open_heif(io.BytesIO(content), convert_hdr_to_8bit=True)
        width, height = opened.size
        if width * height > MAX_PIXELS:
            raise TooManyPixelsError
        image: Image.Image = opened.to_pillow()
        image.load()
    except (ValueError, RuntimeError, OSError, EOFError, SyntaxError, IndexError) as error:
        raise jpeg.DamagedError("does not decode") from error
    upright = ImageOps.exif_transpose(image)
    yield _jpeg_page(_in_common_colours(upright), _QUALITY, None)


def _of_tiff(content: bytes) -> Iterator[bytes]:
    try:
        with warnings.catch_warnings(action="ignore"):
            opened = Image.open(io.BytesIO(content), formats=("TIFF",))
            frames = getattr(opened, "n_frames", 1)
            if frames > MOST_FRAMES:
                raise TooManyPixelsError
            total = 0
            for number in range(frames):
                opened.seek(number)
                total += opened.width * opened.height
                if opened.width * opened.height > MAX_PIXELS or total > MOST_PIXELS:
                    raise TooManyPixelsError
                lossy = opened.info.get("compression") in _LOSSY_TIFF
                dpi = _density(opened)
                frame = ImageOps.exif_transpose(opened.copy())
                yield _frame_page(frame, dpi, lossy=lossy)
    except Image.DecompressionBombError as error:
        raise TooManyPixelsError from error
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, EOFError, RuntimeError, OverflowError) as error:
        if isinstance(error, jpeg.DamagedError):
            raise
        # What Pillow says of directories that make no sense and of data that ends early.
        raise jpeg.DamagedError("does not decode") from error


def _density(opened: Image.Image) -> float | None:
    told = opened.info.get("dpi")
    density = float(told[0]) if isinstance(told, tuple) and told else 0.0
    return density if density > 0 else None


def _frame_page(frame: Image.Image, dpi: float | None, *, lossy: bool) -> bytes:
    if frame.mode == "1":
        return _fax_page(frame, dpi)
    plain = _plain(frame)
    if lossy and plain.mode in ("L", "RGB"):
        return _jpeg_page(plain, _QUALITY_OF_JPEG, dpi)
    written = io.BytesIO()
    plain.save(written, "PNG", compress_level=_DEFLATE_LEVEL, **({"dpi": (dpi, dpi)} if dpi else {}))
    return picture.page_of(written.getvalue(), MediaType.PNG).pdf


def _plain(frame: Image.Image) -> Image.Image:
    """Eight bits to a sample, nothing see-through; on white what was."""
    if frame.mode.startswith("I;16") or frame.mode == "I":
        frame = frame.convert("I").point(lambda sample: sample / 256).convert("L")
    if "A" in frame.getbands() or "transparency" in frame.info:
        front = frame.convert("RGBA")
        white = Image.new("RGBA", front.size, "white")
        white.alpha_composite(front)
        return white.convert("RGB")
    return _in_common_colours(frame) if frame.mode not in _PLAIN else frame


def _in_common_colours(image: Image.Image) -> Image.Image:
    """As sRGB, where the picture says what its colours mean; else as they are."""
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "CMYK", "LAB"):
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            turned = ImageCms.profileToProfile(image, theirs, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if turned is not None:
                return turned
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _jpeg_page(image: Image.Image, quality: int, dpi: float | None) -> bytes:
    written = io.BytesIO()
    density = {"dpi": (round(dpi), round(dpi))} if dpi else {}
    image.save(written, "JPEG", quality=quality, subsampling=0 if quality > _QUALITY else 2, **density)
    return picture.page_of(written.getvalue(), MediaType.JPEG).pdf


def _fax_page(frame: Image.Image, dpi: float | None) -> bytes:
    written = io.BytesIO()
    frame.save(written, "TIFF", compression="group4")
    size = picture.page_size_pt(frame.width, frame.height, dpi)
    try:
        made: object = img2pdf.convert(
            written.getvalue(), layout_fun=img2pdf.get_layout_fun(size), nodate=True, producer=""
        )
    except (img2pdf.ImageOpenError, img2pdf.PdfTooLargeError) as error:
        raise jpeg.DamagedError("does not become a page") from error
    if not isinstance(made, bytes):
        raise TypeError("img2pdf returned no bytes")
    return made
