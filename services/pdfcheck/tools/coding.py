"""How the pixels of one picture in a PDF are stored, and how else they could be: losslessly, or as a JPEG.

What must not become a JPEG has no pixels here: print in black and white (1-bit, JBIG2, fax), colour keys, inks
(Separation, DeviceN) and Lab, and masks. Everything that a picture says beside its coding is kept: profile, soft mask,
rendering intent, inversion of CMYK.
"""

import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
import oxipng
import pikepdf
from PIL import Image

from services.pdfcheck.tools import fax, jpeg_pixels
from services.pdfcheck.tools.drawn import said
from services.pdfcheck.tools.jpeg_pixels import CannotDecode, Pixels
from services.pdfcheck.tools.pixels import filters_of, unwrapped

#: Most pixels that are coded anew: A3 at 600 dpi has 70 million.
MAX_RECODED_PIXELS = 75_000_000
#: Level of oxipng: the next takes twice the time for 2 % less.
_PNG_LEVEL = 1
_PNG_SIGNATURE_BYTES = 8
_WRAPPING = frozenset({"/FlateDecode", "/LZWDecode", "/ASCII85Decode", "/ASCIIHexDecode", "/RunLengthDecode"})
_COMPONENTS = {"/DeviceGray": 1, "/CalGray": 1, "/DeviceRGB": 3, "/CalRGB": 3, "/DeviceCMYK": 4}
#: Entries of a picture that tell of its coding, and are left out where it is coded otherwise.
_OF_CODING = ("/Filter", "/DecodeParms", "/F", "/FFilter", "/FDecodeParms", "/Length", "/DL")
_INVERTED_CMYK = [1, 0] * 4


class Kind(StrEnum):
    """What a picture is coded in."""

    JPEG = "jpeg"
    #: Deflate and its like, which lose nothing: right for screenshots, three times too large for scans.
    LOSSLESS = "lossless"
    JPEG2000 = "jpeg2000"
    #: Black and white without grey.
    BILEVEL = "bilevel"
    #: Inks, masks, colour keys and what nobody here decodes.
    SPECIAL = "special"


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """The same picture otherwise: `data` as they stand in the file, `entries` what its dictionary says of them.

    `without_table`: its colours do not stand in a table any more, but are those that the table was in.
    """

    data: bytes
    entries: Mapping[str, object] = field(default_factory=dict)
    without_table: bool = False

    def stream(self, pdf: pikepdf.Pdf, original: pikepdf.Stream) -> pikepdf.Stream:
        """A new picture for `pdf`, which says everything else that the original says."""
        kept = {key: value for key, value in original.stream_dict.items() if key not in _OF_CODING}
        space = original.get("/ColorSpace")
        if self.without_table and isinstance(space, pikepdf.Array):
            kept["/ColorSpace"] = space[1]
        return pikepdf.Stream(pdf, self.data, {**kept, **self.entries})


@dataclass(frozen=True, kw_only=True, slots=True)
class Coded:
    """What a picture's dictionary says of it; sizes in pixels, `colours` 0 where they are none that a JPEG has."""

    kind: Kind
    width: int
    height: int
    bits: int
    colours: int
    is_indexed: bool = False

    @property
    def recodable(self) -> bool:
        """Whether it may become a JPEG, or another one."""
        fits = 0 < self.width * self.height <= MAX_RECODED_PIXELS
        return fits and self.kind in (Kind.JPEG, Kind.LOSSLESS, Kind.JPEG2000) and self.colours > 0


def coded(image: pikepdf.Stream) -> Coded:
    """By its dictionary alone."""
    filters = filters_of(image)
    inner = filters[-1] if filters else ""
    is_mask, bits = said(image, "/ImageMask") is True, said(image, "/BitsPerComponent")
    width, height = said(image, "/Width"), said(image, "/Height")
    sides = width if isinstance(width, int) else 0, height if isinstance(height, int) else 0
    colours, is_indexed = _colours(image.get("/ColorSpace"))
    depth = 1 if is_mask else bits if isinstance(bits, int) else 8
    told = Coded(
        kind=_kind(filters, inner, depth), width=sides[0], height=sides[1], bits=depth, colours=colours,
        is_indexed=is_indexed,
    )  # fmt: skip
    if _is_plain(image, is_mask=is_mask) and not _says_otherwise(image, told):
        return told
    return replace(told, colours=0, kind=told.kind if told.kind in (Kind.BILEVEL, Kind.JPEG) else Kind.SPECIAL)


def _says_otherwise(image: pikepdf.Stream, told: Coded) -> bool:
    """Whether its values mean something else than usual, in a way that would have to be carried over."""
    if told.kind is Kind.JPEG:
        return "/ColorTransform" in _parameters(image)
    return "/Decode" in image and (told.is_indexed or told.colours == 4)


def _parameters(image: pikepdf.Stream) -> pikepdf.Dictionary:
    """Of the innermost filter; empty where there are none."""
    told = image.get("/DecodeParms")
    own = told[-1] if isinstance(told, pikepdf.Array) and len(told) else told
    return own if isinstance(own, pikepdf.Dictionary) else pikepdf.Dictionary()


def _kind(filters: list[str], inner: str, bits: int) -> Kind:
    if any(each not in _WRAPPING for each in filters[:-1]):
        return Kind.SPECIAL
    if inner in ("/JBIG2Decode", "/CCITTFaxDecode"):
        return Kind.BILEVEL
    if inner == "/DCTDecode":
        return Kind.JPEG
    if inner == "/JPXDecode":
        return Kind.JPEG2000
    if inner and inner not in _WRAPPING:
        return Kind.SPECIAL
    return Kind.BILEVEL if bits == 1 else Kind.LOSSLESS


def _is_plain(image: pikepdf.Stream, *, is_mask: bool) -> bool:
    """Whether nothing hangs on exact values: no stencil, no colour key, no premultiplied soft mask."""
    mask = image.get("/SMask")
    premultiplied = isinstance(mask, pikepdf.Stream) and "/Matte" in mask
    inside = said(image, "/SMaskInData")
    return not (is_mask or isinstance(image.get("/Mask"), pikepdf.Array) or premultiplied or inside not in (None, 0))


def _colours(space: object) -> tuple[int, bool]:
    """(colours that a JPEG of it has, or 0; whether they stand in a table)."""
    if isinstance(space, pikepdf.Name):
        return _COMPONENTS.get(str(space), 0), False
    if not isinstance(space, pikepdf.Array) or not len(space):
        return 0, False
    family = str(space[0])
    if family == "/ICCBased" and isinstance(space[1], pikepdf.Stream):
        number = said(space[1], "/N")
        return (number if isinstance(number, int) and number in (1, 3, 4) else 0), False
    if family == "/Indexed":
        base = _colours(space[1])[0]
        return (base, True) if base in (1, 3) else (0, True)
    return _COMPONENTS.get(family, 0), False


def lossless(image: pikepdf.Stream, told: Coded) -> Variant | None:
    """The same pixels in fewer bytes, proven by decoding both; None where that gains nothing.

    Raises :class:`CannotDecode`, `pikepdf.PdfError`.
    """
    if told.kind is Kind.JPEG or "/DCTDecode" in filters_of(image):
        return _smaller_jpeg(image)
    if set(filters_of(image)) <= _WRAPPING and told.bits in (1, 2, 4, 8, 16):
        return _deflated(image, told)
    return None


def jpeg_data(image: pikepdf.Stream) -> bytes:
    """A JPEG without what was put around it."""
    return image.read_raw_bytes() if len(filters_of(image)) == 1 else unwrapped(image)


def _smaller_jpeg(image: pikepdf.Stream) -> Variant | None:
    data = jpeg_data(image)
    smaller = jpeg_pixels.smaller(data)
    if len(smaller) >= len(image.read_raw_bytes()):
        return None
    entries: dict[str, object] = {"/Filter": pikepdf.Name.DCTDecode}
    if "/ColorTransform" in _parameters(image):
        entries["/DecodeParms"] = pikepdf.Dictionary(ColorTransform=_parameters(image)["/ColorTransform"])
    return Variant(data=smaller, entries=entries)


def pixels_of(image: pikepdf.Stream, told: Coded) -> Pixels:
    """What would be coded as a JPEG: (height, width, 1, 3 or 4 colours). Raises :class:`CannotDecode`,
    `pikepdf.PdfError`.
    """
    if told.kind is Kind.JPEG:
        pixels = jpeg_pixels.decoded(jpeg_data(image))
        if pixels.shape[2] != told.colours:
            raise CannotDecode("other colours than were promised")
        return pixels
    if told.kind is Kind.JPEG2000:
        return _of_jpeg2000(image, told)
    pixels = _samples(image, told)
    return _through_table(image, pixels, told) if told.is_indexed else pixels


def as_jpeg(told: Coded, data: bytes, size: tuple[int, int]) -> Variant:
    """A JPEG of (width, height) `size` in the picture's place."""
    entries: dict[str, object] = {
        "/Filter": pikepdf.Name.DCTDecode, "/Width": size[0], "/Height": size[1], "/BitsPerComponent": 8,
    }  # fmt: skip
    if told.colours == 4 and told.kind is not Kind.JPEG:  # as every program writes CMYK in a JPEG
        entries["/Decode"] = pikepdf.Array(_INVERTED_CMYK)
    return Variant(data=data, entries=entries, without_table=told.is_indexed)


def _of_jpeg2000(image: pikepdf.Stream, told: Coded) -> Pixels:
    try:
        opened = Image.open(io.BytesIO(jpeg_data(image)), formats=("JPEG2000",))
        if opened.width * opened.height > MAX_RECODED_PIXELS or opened.mode != {1: "L", 3: "RGB"}.get(told.colours):
            raise CannotDecode("JPEG 2000 of another kind")
        pixels = np.asarray(opened)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise CannotDecode("JPEG 2000") from error
    return np.ascontiguousarray(pixels if pixels.ndim == 3 else pixels[:, :, None])


def _raw(image: pikepdf.Stream, told: Coded) -> tuple[bytes, int]:
    """(its samples, row by row; colours per pixel, 1 where they stand in a table)."""
    space = image.get("/ColorSpace")
    colours = 1 if told.is_indexed or told.bits == 1 else told.colours or _stored_colours(space)
    row = (told.width * colours * told.bits + 7) // 8
    data = image.read_bytes(pikepdf.StreamDecodeLevel.generalized) if filters_of(image) else image.read_raw_bytes()
    if not colours or row <= 0 or told.height <= 0 or len(data) < row * told.height:
        raise CannotDecode("too few samples")
    return data[: row * told.height], colours


def _stored_colours(space: object) -> int:
    """Of a picture whose colours are inks or of a mask, 0 where that cannot be told."""
    if space is None:
        return 1
    one_ink = isinstance(space, pikepdf.Array) and len(space) > 0 and space[0] in ("/Separation", "/Indexed")
    return 1 if one_ink else _colours(space)[0]


def _samples(image: pikepdf.Stream, told: Coded) -> Pixels:
    data, colours = _raw(image, told)
    shape = (told.height, told.width, colours)
    if told.bits == 16:
        pixels = (np.frombuffer(data, dtype=">u2") >> 8).astype(np.uint8).reshape(shape)
    elif told.bits == 8:
        pixels = np.frombuffer(data, dtype=np.uint8).reshape(shape)
    elif colours == 1 and told.bits in (2, 4):
        pixels = _unpacked(data, told)
    else:
        raise CannotDecode("bits")
    if told.colours == 4:
        pixels = 255 - pixels
    return np.ascontiguousarray(pixels)


def _unpacked(data: bytes, told: Coded) -> Pixels:
    """Two or four bits a pixel: as they are for a table, else spread over 0 to 255."""
    row = (told.width * told.bits + 7) // 8
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8).reshape(told.height, row), axis=1)
    parts = bits[:, : told.width * told.bits].reshape(told.height, told.width, told.bits)
    weights = (1 << np.arange(told.bits - 1, -1, -1)).astype(np.uint8)
    spread = 1 if told.is_indexed else 255 // ((1 << told.bits) - 1)
    values: Pixels = ((parts * weights).sum(axis=2) * spread).astype(np.uint8)
    return values[:, :, None]


def _through_table(image: pikepdf.Stream, pixels: Pixels, told: Coded) -> Pixels:
    space = image.get("/ColorSpace")
    if not isinstance(space, pikepdf.Array) or len(space) < 4:
        raise CannotDecode("no table")
    table_said = space[3]
    content = table_said.read_bytes() if isinstance(table_said, pikepdf.Stream) else bytes(table_said)
    rows = len(content) // told.colours
    table = np.frombuffer(content[: rows * told.colours], dtype=np.uint8).reshape(rows, told.colours)
    if not rows:
        raise CannotDecode("no table")
    looked_up: Pixels = np.ascontiguousarray(table[np.minimum(pixels[:, :, 0], rows - 1)])
    return looked_up


def _deflated(image: pikepdf.Stream, told: Coded) -> Variant | None:
    """Filtered as PNG does and deflated well; CMYK, which PNG does not know, is only deflated. Black and white as a
    fax, where that is less.
    """
    data, colours = _raw(image, told)
    stored = len(image.read_raw_bytes())
    packed, parameters = b"", {"/Colors": colours, "/BitsPerComponent": told.bits, "/Columns": told.width}
    entries: dict[str, object] = {"/Filter": pikepdf.Name.FlateDecode}
    if colours in (1, 3):
        packed = _idat(data, told, colours)
    if packed and len(packed) < stored:
        entries["/DecodeParms"] = pikepdf.Dictionary({"/Predictor": 15, **parameters})
    else:  # nothing that a filter could foresee
        packed = zlib.compress(data, 9)
    faxed = fax.packed(data, told.width, told.height) if told.bits == 1 and colours == 1 else None
    if faxed is not None and len(faxed[0]) < min(len(packed), stored):
        return Variant(data=faxed[0], entries=faxed[1])
    if len(packed) >= stored:
        return None
    with pikepdf.new() as nowhere:
        proven = pikepdf.Stream(nowhere, packed, entries).read_bytes() == data
    return Variant(data=packed, entries=entries) if proven else None


def _idat(data: bytes, told: Coded, colours: int) -> bytes:
    """The compressed data of a PNG of the samples."""
    kind = oxipng.ColorType.grayscale() if colours == 1 else oxipng.ColorType.rgb()
    made = oxipng.RawImage(data, told.width, told.height, color_type=kind, bit_depth=told.bits)
    png = made.create_optimized_png(
        level=_PNG_LEVEL, bit_depth_reduction=False, color_type_reduction=False, palette_reduction=False,
        grayscale_reduction=False, interlace=oxipng.Interlacing.Off,
    )  # fmt: skip
    at, found = _PNG_SIGNATURE_BYTES, bytearray()
    while at + 8 <= len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        if png[at + 4 : at + 8] == b"IDAT":
            found += png[at + 8 : at + 8 + length]
        at += 12 + length
    return bytes(found)
