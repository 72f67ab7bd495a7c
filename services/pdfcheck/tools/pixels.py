"""Whether every picture of a document decodes to its end, as the sandbox calls it: `…tools.pixels:pixels`.

A file's structure can be sound while bits rotted inside a picture: a viewer then shows stripes or grey, and says
nothing. JPEGs are decoded strictly; deflated pictures must unpack to as many bytes as they have pixels, with a right
checksum, and JPEG 2000 must decode. What nobody here decodes (JBIG2, fax) is counted as not looked at.
"""

import io
import re
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, cast

import pikepdf
import simplejpeg
from PIL import Image

from services.catalogue.sniff import HEAD_BYTES, MediaType, media_type
from services.pdfcheck.domain.facts import Json
from services.pdfcheck.domain.findings import MOST_SAMPLE_BYTES
from services.pdfcheck.tools import doubtful, jpeg, png
from services.pdfcheck.tools.picture import MAX_PIXELS

_BUFFER_BYTES = 256 * 1024
_CHUNK_BYTES = 2**20
#: Decoding to an eighth reads every bit of the data and keeps few pixels.
_FRACTION = 8
#: Writers pad the end of a picture's data; more than this was left over because a decoder lost its way.
_PADDING_BYTES = 8
_LEFT_OVER = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
#: What the decoder says of a kind of JPEG that it does not know, which is not damage.
_UNKNOWN = re.compile(
    r"not implemented|unsupported (?:jpeg|color|precision)|SOF type|arithmetic|lossless", re.IGNORECASE
)
_END = b"\xff\xd9"
_COMPONENTS = {
    "/DeviceGray": 1,
    "/CalGray": 1,
    "/Indexed": 1,
    "/DeviceRGB": 3,
    "/CalRGB": 3,
    "/Lab": 3,
    "/DeviceCMYK": 4,
}
#: Filters that put bytes otherwise, and are undone before a picture is looked at.
_WRAPPING = frozenset({"/FlateDecode", "/LZWDecode", "/ASCII85Decode", "/ASCIIHexDecode", "/RunLengthDecode"})


#: How pikepdf answers a structure of unexpected types, among it names that are no text.
_SENSELESS = (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, OverflowError)


class DamagedPixels(ValueError):
    """A picture that does not decode to its end."""


class OversizedPixels(ValueError):
    """A picture that unpacks to more than :data:`MOST_SAMPLE_BYTES`."""

    def __init__(self, sample_bytes: int) -> None:
        """How many it would be."""
        super().__init__(str(sample_bytes))
        self.sample_bytes = sample_bytes


@dataclass(slots=True)
class _Looked:
    """What was found, as plain numbers. `oversized` are pages and how many bytes their picture unpacks to."""

    pictures: int = 0
    unknown: int = 0
    damaged: list[int] = field(default_factory=list)
    oversized: list[list[int]] = field(default_factory=list)
    doubtful: list[int] = field(default_factory=list)

    def told(self, *, document: bool) -> dict[str, Json]:
        """Plain data."""
        return {
            "document": document,
            "damaged": list(self.damaged),
            "oversized": list(self.oversized),
            "doubtful": list(self.doubtful),
            "pictures": self.pictures,
            "unknown": self.unknown,
        }


def pixels(
    sources: Sequence[io.RawIOBase], _arguments: Mapping[str, Json], progress: Callable[[float], None]
) -> dict[str, Json]:
    """Of `sources[0]`, a PDF (`document`), JPEG or PNG: `damaged` (pages, from 1, with a picture that does not decode),
    `oversized` (page and bytes of a picture too large to be decoded), `doubtful` (pages that may take long to
    draw), `pictures` and `unknown` (how many were looked at, and could not be). Raises what opening a file raises.
    """
    source = cast("BinaryIO", io.BufferedReader(sources[0], _BUFFER_BYTES))
    kind = media_type(source.read(HEAD_BYTES))
    source.seek(0)
    if kind is MediaType.PDF:
        return _of_document(source, progress)
    looked = _Looked(pictures=1)
    try:
        if kind is MediaType.JPEG:
            check_jpeg(jpeg.read(source.read()).data)
        elif kind is MediaType.PNG:  # others were decoded, or their checksums looked at, when they became pages
            png.check_rows(source.read())
    except (DamagedPixels, jpeg.DamagedError):
        looked.damaged = [1]
    return looked.told(document=False)


def _of_document(source: BinaryIO, progress: Callable[[float], None]) -> dict[str, Json]:
    looked = _Looked()
    known: dict[tuple[int, int], Exception | None] = {}
    with pikepdf.open(source, suppress_warnings=True, access_mode=pikepdf.AccessMode.stream) as pdf:
        for number, page in enumerate(pdf.pages, start=1):
            wrong = []
            for image in _images(page.obj):
                if image.objgen not in known:
                    known[image.objgen] = _fault_of(image, looked)
                wrong.append(known[image.objgen])
            sizes = [each.sample_bytes for each in wrong if isinstance(each, OversizedPixels)]
            looked.damaged += [number] if any(isinstance(each, DamagedPixels) for each in wrong) else []
            looked.oversized += [[number, max(sizes)]] if sizes else []
            looked.doubtful += [number] if _is_doubtful(page.obj) else []
            progress(number / len(pdf.pages))
        if pdf.get_warnings():  # what had to be repaired is drawn before it is believed
            looked.doubtful = list(range(1, len(pdf.pages) + 1))
    return looked.told(document=True)


def _is_doubtful(page: pikepdf.Object) -> bool:
    try:
        return doubtful.is_doubtful(page)
    except _SENSELESS:
        return True


def _images(page: pikepdf.Object) -> Iterator[pikepdf.Stream]:
    """The pictures that a page draws with, those of forms inside included; each form is gone into once."""
    waiting: list[pikepdf.Object] = [page]
    entered: set[tuple[int, int]] = set()
    while waiting:
        resources = waiting.pop().get("/Resources")
        drawn = resources.get("/XObject") if isinstance(resources, pikepdf.Dictionary) else None
        for target in drawn.values() if isinstance(drawn, pikepdf.Dictionary) else ():
            if not isinstance(target, pikepdf.Stream):
                continue
            if target.get("/Subtype") == "/Image":
                yield target
            elif target.get("/Subtype") == "/Form" and target.objgen not in entered:
                entered.add(target.objgen)
                waiting.append(target)


def _fault_of(image: pikepdf.Stream, looked: _Looked) -> DamagedPixels | OversizedPixels | None:
    looked.pictures += 1
    try:
        if not _checked(image):
            looked.unknown += 1
    except (DamagedPixels, OversizedPixels) as error:
        return error
    except _SENSELESS as error:
        return DamagedPixels(str(error))
    return None


def _checked(image: pikepdf.Stream) -> bool:
    """Whether it could be looked at. Raises `DamagedPixels` and `OversizedPixels`."""
    _check_size(_least_bytes(image.stream_dict, unknown_components=1))
    filters = filters_of(image)
    inner = filters[-1] if filters else ""
    if any(each not in _WRAPPING for each in filters[:-1]):
        return False
    if inner == "/DCTDecode":
        data = image.read_raw_bytes() if len(filters) == 1 else unwrapped(image)
        _check_size(3 * _stated_pixels(data, "JPEG"))
        check_jpeg(data)
        return True
    if inner == "/JPXDecode" and len(filters) == 1:
        data = image.read_raw_bytes()
        _check_size(3 * _stated_pixels(data, "JPEG2000"))
        if not _decodes(data, "JPEG2000"):
            raise DamagedPixels("JPEG 2000")
        return True
    if filters == ["/FlateDecode"]:
        _check_deflated(image)
        return True
    return False


def _check_size(sample_bytes: int) -> None:
    if sample_bytes > MOST_SAMPLE_BYTES:
        raise OversizedPixels(sample_bytes)


def _stated_pixels(data: bytes, form: str) -> int:
    """What its header says; 0 for one that cannot be read."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=(form,)) as picture:
            return picture.width * picture.height
    except Image.DecompressionBombError:
        return MOST_SAMPLE_BYTES
    except (OSError, SyntaxError, ValueError):
        return 0


def filters_of(image: pikepdf.Stream) -> list[str]:
    """Their names, the outermost first."""
    told = image.stream_dict.get("/Filter")
    return [str(each) for each in told] if isinstance(told, pikepdf.Array) else [] if told is None else [str(told)]


def unwrapped(image: pikepdf.Stream) -> bytes:
    """Without what was put around the picture's own coding, which the library does not undo by itself."""
    around: dict[str, object] = {"/Filter": pikepdf.Array(list(image.stream_dict.Filter)[:-1])}
    parameters = image.stream_dict.get("/DecodeParms")
    if isinstance(parameters, pikepdf.Array):
        around["/DecodeParms"] = pikepdf.Array(list(parameters)[:-1])
    with pikepdf.new() as nowhere:
        return pikepdf.Stream(nowhere, image.read_raw_bytes(), around).read_bytes()


def check_jpeg(data: bytes) -> None:
    """Raises `DamagedPixels` for a JPEG that does not decode without a complaint. Padding in front of its end, and an
    end that is missing behind complete data, are none.
    """
    if _END not in data[-64:]:
        data += _END
    try:
        simplejpeg.decode_jpeg(data, colorspace="GRAY", min_factor=_FRACTION, fastdct=True, fastupsample=True)
    except ValueError as error:
        said = str(error)
        left_over = _LEFT_OVER.search(said)
        if left_over is not None and int(left_over[1]) <= _PADDING_BYTES:
            return
        if _UNKNOWN.search(said) and _decodes(data, "JPEG"):
            return
        raise DamagedPixels(said) from error


def _decodes(data: bytes, form: str) -> bool:
    """Whether Pillow decodes it to its end; of more pixels than any page has that is taken for granted."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=(form,)) as picture:
            if picture.width * picture.height <= MAX_PIXELS:
                picture.load()
    except Image.DecompressionBombError:
        return True
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def _check_deflated(image: pikepdf.Stream) -> None:
    """The stream's own checksum, where it has one, and enough bytes for the picture's pixels."""
    inflating, unpacked = zlib.decompressobj(), 0
    data, least = image.read_raw_bytes(), _least_bytes(image.stream_dict)
    try:
        while data and not inflating.eof and (not least or unpacked <= 2 * least):
            unpacked += len(inflating.decompress(data, _CHUNK_BYTES))
            data = inflating.unconsumed_tail
    except zlib.error as error:
        raise DamagedPixels(str(error)) from error
    if unpacked < least:
        raise DamagedPixels("too few pixels")


def _least_bytes(told: pikepdf.Dictionary, *, unknown_components: int = 0) -> int:
    """Bytes that the pixels take, without what a predictor adds; 0 where that cannot be told, but for the number of
    components, which may be taken for `unknown_components`.
    """
    is_mask = _plain(told, "/ImageMask") is True
    width, height = _plain(told, "/Width"), _plain(told, "/Height")
    bits = 1 if is_mask else _plain(told, "/BitsPerComponent")
    space = told.get("/ColorSpace")
    name = space[0] if isinstance(space, pikepdf.Array) and len(space) else space
    components = 1 if is_mask else _COMPONENTS.get(str(name), unknown_components)
    if not (isinstance(width, int) and isinstance(height, int) and isinstance(bits, int)):
        return 0
    return max(0, (width * components * bits + 7) // 8 * height)


def _plain(told: pikepdf.Dictionary, key: str) -> object:
    """What stands there: pikepdf gives numbers and truths as Python's own."""
    return told.get(key)
