"""Pages that are too large, of every kind the size coach tells apart. Made by code, the same each time."""

import io
import random
import zlib
from collections.abc import Mapping
from functools import cache

import numpy as np
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image

from tests.assets.pdf_fixtures import PAGE_LIMIT, padded, pdf_of, saved, scan_jpeg

SIZE = (310, 438)


@cache
def grainy(size: tuple[int, int] = SIZE, seed: int = 5, grain: int = 8) -> Image.Image:
    """A scan on coarse paper: print, a seal, and much noise, which is what makes files large."""
    page = np.asarray(Image.open(io.BytesIO(scan_jpeg(seed, size=size)))).astype(np.int16)
    noise = np.random.default_rng(seed).integers(-grain, grain + 1, page.shape, dtype=np.int16)
    return Image.fromarray(np.clip(page + noise, 0, 255).astype(np.uint8))


@cache
def grainy_jpeg(
    quality: int = 100, size: tuple[int, int] = SIZE, mode: str = "RGB", seed: int = 5, dpi: int = 300, **save: int
) -> bytes:
    """It as a JPEG with colours at full resolution."""
    written = io.BytesIO()
    options = {"subsampling": 0, **save}
    grainy(size, seed).convert(mode).save(written, "JPEG", quality=quality, dpi=(dpi, dpi), **options)
    return written.getvalue()


@cache
def grainy_png(mode: str = "RGB", size: tuple[int, int] = SIZE, dpi: int = 300) -> bytes:
    """It as a PNG that was packed badly."""
    written = io.BytesIO()
    grainy(size).convert(mode).save(written, "PNG", dpi=(dpi, dpi), compress_level=1)
    return written.getvalue()


def page_of(pdf: Pdf, pictures: dict[str, Stream], *, width: float = 595, height: float = 842) -> None:
    """Append a page that draws its pictures one below the other."""
    pdf.add_blank_page(page_size=(width, height))
    page, part = pdf.pages[-1].obj, height / max(1, len(pictures))
    page.Resources = Dictionary(XObject=Dictionary({f"/{name}": picture for name, picture in pictures.items()}))
    drawn = (f"q {width} 0 0 {part} 0 {at * part} cm /{name} Do Q" for at, name in enumerate(pictures))
    page.Contents = Stream(pdf, "\n".join(drawn).encode())


def jpeg_stream(pdf: Pdf, data: bytes, **entries: object) -> Stream:
    """A JPEG as a picture of a document."""
    with Image.open(io.BytesIO(data)) as opened:
        width, height, mode = *opened.size, opened.mode
    space = {"L": Name.DeviceGray, "RGB": Name.DeviceRGB, "CMYK": Name.DeviceCMYK}[mode]
    given: dict[str, object] = {
        "Type": Name.XObject, "Subtype": Name.Image, "Width": width, "Height": height, "BitsPerComponent": 8,
        "ColorSpace": space, "Filter": Name.DCTDecode,
    }  # fmt: skip
    return Stream(pdf, data, {f"/{key}": value for key, value in {**given, **entries}.items()})


@cache
def jpeg2000(mode: str = "RGB", size: tuple[int, int] = SIZE) -> bytes:
    """It as a JPEG 2000 that loses nothing."""
    written = io.BytesIO()
    grainy(size).convert(mode).save(written, "JPEG2000", irreversible=False)
    return written.getvalue()


def jpeg2000_document(mode: str = "RGB", entries: Mapping[str, object] | None = None) -> bytes:
    """One page of it; an entry that is None is left out."""
    size = (200, 283)
    with Pdf.new() as pdf:
        given: dict[str, object] = {
            "Type": Name.XObject, "Subtype": Name.Image, "Width": size[0], "Height": size[1], "BitsPerComponent": 8,
            "ColorSpace": {"L": Name.DeviceGray, "RGB": Name.DeviceRGB}[mode], "Filter": Name.JPXDecode,
        }  # fmt: skip
        told = {f"/{key}": value for key, value in {**given, **(entries or {})}.items() if value is not None}
        page_of(pdf, {"Im0": Stream(pdf, jpeg2000(mode, size), told)})
        return saved(pdf)


def flat_stream(pdf: Pdf, samples: bytes, size: tuple[int, int], space: object, **entries: object) -> Stream:
    """Pixels without loss, deflated a little."""
    given: dict[str, object] = {
        "Type": Name.XObject, "Subtype": Name.Image, "Width": size[0], "Height": size[1], "BitsPerComponent": 8,
        "ColorSpace": space, "Filter": Name.FlateDecode,
    }  # fmt: skip
    return Stream(pdf, zlib.compress(samples, 1), {f"/{key}": value for key, value in {**given, **entries}.items()})


def flat_document(
    mode: str = "RGB", entries: Mapping[str, object] | None = None, *, size: tuple[int, int] = SIZE
) -> bytes:
    """One page whose picture is stored without loss: `mode` RGB, L, CMYK, P (a table), 1 (plain black and white)."""
    picture = grainy(size)
    with Pdf.new() as pdf:
        if mode == "P":
            coded = picture.quantize(256)
            table = bytes(coded.getpalette() or []).ljust(768, b"\0")
            space: object = Array([Name.Indexed, Name.DeviceRGB, 255, pdf.make_stream(table)])
        else:
            coded = picture.convert(mode)
            space = {"RGB": Name.DeviceRGB, "L": Name.DeviceGray, "CMYK": Name.DeviceCMYK, "1": Name.DeviceGray}[mode]
        bits = {"BitsPerComponent": 1} if mode == "1" else {}
        page_of(pdf, {"Im0": flat_stream(pdf, coded.tobytes(), size, space, **{**bits, **(entries or {})})})
        return saved(pdf)


def shared_document() -> bytes:
    """Three pages: the first two draw one large picture, which hangs in a form that both use; the third another one."""
    with Pdf.new() as pdf:
        large = jpeg_stream(pdf, grainy_jpeg())
        form = pdf.make_stream(b"q 595 0 0 842 0 0 cm /Inner Do Q")
        form.Type, form.Subtype, form.BBox = Name.XObject, Name.Form, Array([0, 0, 595, 842])
        form.Resources = pdf.make_indirect(Dictionary(XObject=Dictionary(Inner=large)))
        for picture in (form, form, jpeg_stream(pdf, scan_jpeg(9, size=(310, 438)))):
            page_of(pdf, {"Shown": picture})
            if picture is form:
                pdf.pages[-1].obj.Contents = Stream(pdf, b"/Shown Do")
        return saved(pdf)


def masked_document() -> bytes:
    """A large picture with a soft mask that lets half of it fade."""
    with Pdf.new() as pdf:
        fading = Image.linear_gradient("L").resize(SIZE)
        mask = flat_stream(pdf, fading.tobytes(), SIZE, Name.DeviceGray)
        page_of(pdf, {"Im0": jpeg_stream(pdf, grainy_jpeg(), SMask=mask)})
        return saved(pdf)


def drawing_document(size_bytes: int) -> bytes:
    """A page without any picture: a drawing of so many bytes, which do not pack."""
    chance = random.Random(3)
    with Pdf.new() as pdf:
        pdf.add_blank_page(page_size=(595, 842))
        lines = bytearray()
        while len(lines) < size_bytes:
            lines += f"{chance.random() * 595:.6f} {chance.random() * 842:.6f} l\n".encode()
        pdf.pages[-1].obj.Contents = Stream(pdf, b"0 0 m\n" + bytes(lines) + b"S")
        return saved(pdf)


@cache
def too_large_scan() -> bytes:
    """Three pages as a scanner writes them, the second a little above the limit."""
    small = [scan_jpeg(number, size=(310, 438)) for number in (31, 32)]
    return pdf_of([small[0], grainy_jpeg(size=(1400, 1980)), small[1]])


@cache
def bloated_scan() -> bytes:
    """A page above the limit that is measured at once: a small scan with much in it that is no picture."""
    scan = scan_jpeg(33, size=(620, 877))
    return pdf_of([padded(scan, PAGE_LIMIT)])
