"""How a picture is stored, and how else: without loss always the same pixels, as a JPEG everything else as it was."""

import io
import zlib
from collections.abc import Iterator

import numpy as np
import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image

from services.pdfcheck.tools import coding, jpeg_pixels
from services.pdfcheck.tools.coding import Coded, Kind
from services.pdfcheck.tools.jpeg_pixels import CannotDecode
from tests.assets import large_pages as made

WIDTH, HEIGHT = made.SIZE


#: Pictures live as long as their documents.
_HELD: list[Pdf] = []


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    while _HELD:
        _HELD.pop().close()


def new() -> Pdf:
    _HELD.append(Pdf.new())
    return _HELD[-1]


def picture(document: bytes) -> Stream:
    _HELD.append(pikepdf.open(io.BytesIO(document)))
    found = _HELD[-1].pages[0].obj.Resources.XObject.Im0
    assert isinstance(found, Stream)
    return found


def told(stream: Stream) -> Coded:
    return coding.coded(stream)


def smaller(stream: Stream) -> Stream:
    variant = coding.lossless(stream, told(stream))
    assert variant is not None
    assert len(variant.data) < len(stream.read_raw_bytes())
    return variant.stream(_HELD[-1], stream)


def changed(stream: Stream, data: bytes) -> Stream:
    return coding.as_jpeg(told(stream), data, made.SIZE).stream(_HELD[-1], stream)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "1"])
def test_deflated_pixels_are_packed_better_and_stay(mode: str) -> None:
    stream = picture(made.flat_document(mode))
    packed = smaller(stream)
    assert packed.read_bytes() == stream.read_bytes()
    for key in ("/Width", "/Height", "/BitsPerComponent"):
        assert packed[key] == stream[key]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": 1}, {"subsampling": 2}], ids=str)
def test_a_jpeg_is_packed_better_and_decodes_to_the_same(mode: str, options: dict[str, int]) -> None:
    pdf = new()
    stream = made.jpeg_stream(pdf, made.grainy_jpeg(95, mode=mode, **options))
    packed = smaller(stream).read_raw_bytes()
    first, second = (np.asarray(Image.open(io.BytesIO(data))) for data in (stream.read_raw_bytes(), packed))
    assert np.array_equal(first, second)


def test_a_jpeg_that_was_deflated_on_top_is_one_again() -> None:
    pdf = new()
    data = zlib.compress(made.grainy_jpeg(80))
    stream = made.jpeg_stream(pdf, made.grainy_jpeg(80))
    twice = Stream(
        pdf, data, {**dict(stream.stream_dict.items()), "/Filter": Array([Name.FlateDecode, Name.DCTDecode])}
    )
    assert told(twice).kind is Kind.JPEG
    packed = smaller(twice)
    assert packed.Filter == Name.DCTDecode
    assert Image.open(io.BytesIO(packed.read_raw_bytes())).size == made.SIZE


def test_what_is_packed_well_already_stays() -> None:
    packed = jpeg_pixels.smaller(made.grainy_jpeg(95))
    pdf = new()
    assert coding.lossless(made.jpeg_stream(pdf, packed), told(made.jpeg_stream(pdf, packed))) is None


@pytest.mark.parametrize(
    ("entries", "kind"),
    [
        ({"ImageMask": True, "BitsPerComponent": 1}, Kind.BILEVEL),
        ({"BitsPerComponent": 1}, Kind.BILEVEL),
        ({"Filter": Name.JBIG2Decode}, Kind.BILEVEL),
        ({"Filter": Name.CCITTFaxDecode}, Kind.BILEVEL),
        ({"Mask": Array([250, 255, 250, 255, 250, 255])}, Kind.SPECIAL),
        ({"ColorSpace": Array([Name.Separation, Name.Red, Name.DeviceRGB, Dictionary()])}, Kind.LOSSLESS),
        ({"ColorSpace": Array([Name.Lab, Dictionary()])}, Kind.LOSSLESS),
        ({"ColorSpace": Name.Pattern}, Kind.LOSSLESS),
        ({"Filter": Array([Name.DCTDecode, Name.FlateDecode])}, Kind.SPECIAL),
        ({"Filter": Name.Nobody}, Kind.SPECIAL),
        ({"Width": -5}, Kind.LOSSLESS),
        ({"Width": 100_000, "Height": 100_000}, Kind.LOSSLESS),
        ({"Width": Name.Wide}, Kind.LOSSLESS),
    ],
    ids=str,
)
def test_what_must_not_become_a_jpeg_does_not(entries: dict[str, object], kind: Kind) -> None:
    stream = picture(made.flat_document("RGB", entries))
    assert told(stream).kind is kind
    assert not told(stream).recodable


def test_a_mask_that_was_multiplied_in_keeps_the_picture_from_changing() -> None:
    stream = picture(made.masked_document())
    assert told(stream).recodable
    stream.SMask.Matte = Array([1, 1, 1])
    assert not told(stream).recodable


def test_a_jpeg_that_says_how_it_is_to_be_read_stays_one_of_its_kind() -> None:
    pdf = new()
    stream = made.jpeg_stream(pdf, made.grainy_jpeg(95), DecodeParms=Dictionary(ColorTransform=0))
    assert not told(stream).recodable
    assert smaller(stream).DecodeParms.ColorTransform == 0


@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_pixels_are_those_that_a_viewer_shows(mode: str) -> None:
    stream = picture(made.flat_document(mode))
    pixels = coding.pixels_of(stream, told(stream))
    expected = made.grainy().quantize(256).convert("RGB") if mode == "P" else made.grainy().convert(mode)
    assert np.array_equal(pixels.squeeze(), np.asarray(expected))


@pytest.mark.parametrize("bits", [2, 4])
def test_few_bits_are_spread_over_all_greys(bits: int) -> None:
    most = (1 << bits) - 1
    row = bytes([0b00011011] if bits == 2 else [0x0F, 0x80])
    size = (4, 1) if bits == 2 else (3, 1)
    pdf = new()
    stream = made.flat_stream(pdf, row, size, Name.DeviceGray, BitsPerComponent=bits)
    pixels = coding.pixels_of(stream, told(stream))
    assert pixels.reshape(-1).tolist() == ([0, 85, 170, 255] if most == 3 else [0, 255, 136])


def test_of_sixteen_bits_the_upper_eight_are_taken() -> None:
    pdf = new()
    samples = np.array([[0x1234, 0xFF00]], dtype=">u2").tobytes()
    stream = made.flat_stream(pdf, samples, (2, 1), Name.DeviceGray, BitsPerComponent=16)
    assert coding.pixels_of(stream, told(stream)).reshape(-1).tolist() == [0x12, 0xFF]


def test_cmyk_becomes_a_jpeg_as_every_program_writes_it() -> None:
    stream = picture(made.flat_document("CMYK"))
    pixels = coding.pixels_of(stream, told(stream))
    data = jpeg_pixels.encoded(pixels, 95, "444")
    made_jpeg = changed(stream, data)
    assert list(made_jpeg.Decode) == [1, 0] * 4
    assert np.array_equal(jpeg_pixels.decoded(data).shape, (HEIGHT, WIDTH, 4))


def test_a_table_of_colours_is_left_behind() -> None:
    stream = picture(made.flat_document("P"))
    data = jpeg_pixels.encoded(coding.pixels_of(stream, told(stream)), 90, "444")
    made_jpeg = changed(stream, data)
    assert made_jpeg.ColorSpace == Name.DeviceRGB
    assert told(made_jpeg).colours == 3


def test_too_few_samples_are_said_to_be() -> None:
    stream = picture(made.flat_document("RGB", {"Height": 5000}))
    with pytest.raises(CannotDecode):
        coding.pixels_of(stream, told(stream))
    with pytest.raises(CannotDecode):
        coding.lossless(stream, told(stream))
