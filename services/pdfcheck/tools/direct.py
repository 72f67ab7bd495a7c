"""A page that is one JPEG, as scanners write them, from its data: decoded at a reduced size instead of drawn.

Whatever is not exactly that is drawn by pdfium: another box than the picture fills, colours that are converted (ICC,
CMYK, Decode), masks, notes, anything that is drawn besides, and data that does not decode without a complaint.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import pikepdf
import simplejpeg
from PIL import Image

from services.pdfcheck.tools.picture import MAX_PIXELS

Matrix = tuple[float, float, float, float, float, float]
#: A scanner's content is a line; more than this is something else.
_LONGEST_CONTENT = 4096
#: How far the picture's edges may lie from the page's, of its side: about a pixel on the screen.
_EDGE = 0.001
#: How far pixels may be from square before the picture is stretched as the page wants it.
_SQUARE = 0.005
#: A picture that is so much wider than was asked for is as good, and need not be made smaller.
WIDER = 1 / 8
_DEEPEST = 64
_SPACES = {"/DeviceGray": 1, "/DeviceRGB": 3}
#: What a picture may have besides; everything else means something that is not looked at here.
_HARMLESS = frozenset(
    {"/Type", "/Subtype", "/Width", "/Height", "/BitsPerComponent", "/ColorSpace", "/Filter", "/Length", "/Name",
     "/Interpolate"}
)  # fmt: skip
#: What a page may have besides what is looked at.
_OF_PAGES = frozenset(
    {"/Type", "/Parent", "/MediaBox", "/CropBox", "/Rotate", "/Resources", "/Contents", "/Annots", "/TrimBox",
     "/BleedBox", "/ArtBox", "/LastModified", "/Metadata", "/Tabs", "/StructParents", "/Thumb", "/PieceInfo", "/ID"}
)  # fmt: skip
_TURNED = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}
#: Signs of a matrix's a, b, c, d to what puts its picture the same way.
_PLACED: dict[tuple[int, int, int, int], Image.Transpose | None] = {
    (1, 0, 0, 1): None,
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (0, 1, 1, 0): Image.Transpose.TRANSVERSE,
    (0, -1, -1, 0): Image.Transpose.TRANSPOSE,
    (0, 1, -1, 0): Image.Transpose.ROTATE_90,
    (0, -1, 1, 0): Image.Transpose.ROTATE_270,
}
_SIDEWAYS = frozenset(
    {Image.Transpose.TRANSVERSE, Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """The one JPEG of a page. `turns` put it upright, in order."""

    data: bytes
    components: int
    turns: tuple[Image.Transpose, ...]

    @property
    def sideways(self) -> bool:
        """Whether its width becomes the page's height."""
        return sum(turn in _SIDEWAYS for turn in self.turns) % 2 == 1


@dataclass(frozen=True, kw_only=True, slots=True)
class _Frame:
    width: int
    height: int
    components: int


def scan_of(pdf: pikepdf.Pdf, number: int) -> Scan | None:
    """What page `number` (from 1) is, None where it has to be drawn."""
    if pdf.get_warnings() or number > len(pdf.pages):
        return None
    page = pdf.pages[number - 1].obj
    if not set(page.keys()) <= _OF_PAGES or len(page.get("/Annots", pikepdf.Array())):
        return None
    resources = _inherited(page, "/Resources")
    if not isinstance(resources, pikepdf.Dictionary) or "/ColorSpace" in resources:
        return None  # a colour space there may stand in for the plain ones
    shown = _shown(_content(page))
    box, rotation = _box(page), _inherited(page, "/Rotate", 0)
    if shown is None or box is None or rotation not in (0, *_TURNED):
        return None
    name, matrix = shown
    images = resources.get("/XObject")
    image = images.get(name) if isinstance(images, pikepdf.Dictionary) else None
    placed = _placed(matrix, box)
    if placed is None or not isinstance(image, pikepdf.Stream):
        return None
    read = _plain_jpeg(image)
    turns = (*placed, *([_TURNED[int(rotation)]] if rotation else []))
    return None if read is None else Scan(data=read[0], components=read[1], turns=turns)


def decoded(scan: Scan, width_px: int, height_px: int) -> Image.Image | None:
    """Upright, so large or up to `WIDER` larger, or as large as the scan is where that is less; None where the data
    is not sound.
    """
    wanted = (height_px, width_px) if scan.sideways else (width_px, height_px)
    space = "GRAY" if scan.components == 1 else "RGB"
    try:
        pixels = simplejpeg.decode_jpeg(
            scan.data, colorspace=space, min_width=wanted[0], min_height=1, min_factor=1, fastdct=True
        )
    except ValueError:
        return None
    image = Image.fromarray(pixels[:, :, 0] if scan.components == 1 else pixels)
    if not _fits(image.size, wanted):
        image = image.resize(wanted, Image.Resampling.BILINEAR)
    for turn in scan.turns:
        image = image.transpose(turn)
    return image


def _fits(size: tuple[int, int], wanted: tuple[int, int]) -> bool:
    """Whether it may stay as it is: pixels as good as square, and not much larger than what is wanted."""
    across, down = size[0] / wanted[0], size[1] / wanted[1]
    return abs(across / down - 1) <= _SQUARE and across <= 1 + WIDER


def _inherited(page: pikepdf.Object, key: str, default: object = None) -> object:
    """An attribute of the page or of what it hangs on."""
    node: object = page
    for _ in range(_DEEPEST):
        if not isinstance(node, pikepdf.Dictionary):
            break
        if key in node:
            return node[key]
        node = node.get("/Parent")
    return default


def _box(page: pikepdf.Object) -> tuple[float, float, float, float] | None:
    """What of the page is seen: left, bottom, right, top."""
    media, crop = _rectangle(_inherited(page, "/MediaBox")), _rectangle(_inherited(page, "/CropBox"))
    if media is None or crop is None:
        return media
    box = (max(media[0], crop[0]), max(media[1], crop[1]), min(media[2], crop[2]), min(media[3], crop[3]))
    return box if box[0] < box[2] and box[1] < box[3] else None


def _rectangle(told: object) -> tuple[float, float, float, float] | None:
    if not isinstance(told, pikepdf.Array) or len(told) != 4:
        return None
    try:
        one, two, three, four = (float(each) for each in told)
    except (TypeError, ValueError):
        return None
    return min(one, three), min(two, four), max(one, three), max(two, four)


def _content(page: pikepdf.Object) -> str:
    """The page's content, "" where it is more than a scanner's."""
    told = page.get("/Contents")
    streams = list(told) if isinstance(told, pikepdf.Array) else [told]
    pieces = [_short(stream) if isinstance(stream, pikepdf.Stream) else None for stream in streams[:8]]
    if len(streams) > len(pieces) or None in pieces:
        return ""
    return "\n".join(piece for piece in pieces if piece)


def _short(stream: pikepdf.Stream) -> str | None:
    """Its text, None where it is long or coded otherwise; never unpacked beyond the limit."""
    filters, raw = stream.stream_dict.get("/Filter"), b""
    if isinstance(filters, pikepdf.Array) and len(filters) == 1:
        filters = filters[0]
    if "/DecodeParms" in stream.stream_dict or int(stream.stream_dict.get("/Length", 0)) > _LONGEST_CONTENT:
        return None
    raw = stream.read_raw_bytes()
    if filters is None:
        return raw.decode("latin-1")
    if filters != "/FlateDecode":
        return None
    try:
        opened = zlib.decompressobj().decompress(raw, _LONGEST_CONTENT + 1)
    except zlib.error:
        return None
    return opened.decode("latin-1") if len(opened) <= _LONGEST_CONTENT else None


def _shown(content: str) -> tuple[str, Matrix] | None:
    """The name of the one picture that is drawn and its matrix; None where anything else is said."""
    matrix: Matrix = (1, 0, 0, 1, 0, 0)
    kept: list[Matrix] = []
    found: tuple[str, Matrix] | None = None
    for operands, operator in _operations(content):
        match operator, operands:
            case "q", []:
                kept.append(matrix)
            case "Q", [] if kept:
                matrix = kept.pop()
            case "cm", [_, _, _, _, _, _]:
                try:
                    matrix = _times(tuple(map(float, operands)), matrix)  # type: ignore[arg-type]  # six, as matched
                except ValueError:
                    return None
            case "Do", [name] if name.startswith("/") and found is None:
                found = name, matrix
            case _:
                return None
    return found


def _operations(content: str) -> Iterator[tuple[list[str], str]]:
    operands: list[str] = []
    for word in content.replace("/", " /").split():
        if word in ("q", "Q", "cm", "Do"):
            yield operands, word
            operands = []
        else:
            operands.append(word)
    if operands:
        yield operands, ""


def _times(one: Matrix, two: Matrix) -> Matrix:
    a, b, c, d, e, f = one
    g, h, i, j, k, m = two
    return (a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m)


def _placed(matrix: Matrix, box: tuple[float, float, float, float]) -> tuple[Image.Transpose, ...] | None:
    """How a picture that fills the page is turned on it; None where it lies otherwise."""
    a, b, c, d, e, f = matrix
    signs = tuple(0 if abs(each) < 1e-6 else 1 if each > 0 else -1 for each in (a, b, c, d))
    if signs not in _PLACED:
        return None
    edges = (min(e, e + a + c), min(f, f + b + d), max(e, e + a + c), max(f, f + b + d))
    sides = (box[2] - box[0], box[3] - box[1]) * 2
    if any(abs(edge - due) > _EDGE * side for edge, due, side in zip(edges, box, sides, strict=True)):
        return None
    turn = _PLACED[signs]
    return () if turn is None else (turn,)


def _plain_jpeg(image: pikepdf.Stream) -> tuple[bytes, int] | None:
    """Its data and number of components, where nothing is done to its colours."""
    told = image.stream_dict
    filters = told.get("/Filter")
    if isinstance(filters, pikepdf.Array) and len(filters) == 1:
        filters = filters[0]
    plain = set(told.keys()) <= _HARMLESS and filters == "/DCTDecode" and told.get("/BitsPerComponent", 8) == 8
    components = _SPACES.get(str(told.get("/ColorSpace")))
    if not plain or components is None:
        return None
    data = image.read_raw_bytes()
    frame = _frame(data)
    if frame is None or frame.components != components or frame.width * frame.height > MAX_PIXELS:
        return None
    if _number(told, "/Width") != frame.width or _number(told, "/Height") != frame.height:
        return None
    return data, components


def _number(told: pikepdf.Dictionary, key: str) -> object:
    """What stands there: pikepdf gives numbers as Python's own."""
    return told.get(key)


def _frame(data: bytes) -> _Frame | None:
    """What the head of a JPEG says; None for what is neither grey nor plain YCbCr of eight bits."""
    at, adobe = 2, 1
    while data[at : at + 1] == b"\xff" and at + 10 < len(data):
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
            adobe = body[11]
        if marker in (0xC0, 0xC1, 0xC2) and len(body) >= 6:
            return _judged(body, adobe)
        if 0xC0 <= marker <= 0xCF and marker != 0xC4:
            return None
        at += 2 + length
    return None


def _judged(body: bytes, adobe: int) -> _Frame | None:
    components = body[5]
    identifiers = bytes(body[6 : 6 + 3 * components : 3])
    converted = components == 3 and (adobe != 1 or identifiers == b"RGB")
    if body[0] != 8 or components not in (1, 3) or converted:
        return None
    width, height = int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")
    return _Frame(width=width, height=height, components=components) if width and height else None
