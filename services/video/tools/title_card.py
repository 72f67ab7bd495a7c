"""Makes an opening and puts it in front of a video, as the sandbox calls it: `services.video.tools.title_card:make`.

The video's own pictures and sound stay as they are, bit by bit. The card is coded with parameter sets of another
number, and the mp4 gets both in its one decoder configuration; sound begins later by an edit list.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pylopdf_fonts_zh_cn
from PIL import Image, ImageDraw, ImageFont

from services.video.domain.avcc import CannotJoin, Configuration
from services.video.tools.decoding import Blocks, opened

RESULT, PICTURE = "titled.mp4", "card.jpg"
_FONT = str(Path(pylopdf_fonts_zh_cn.__file__).parent / "NotoSansSC-Regular.otf")
_GROUND, _INK, _SOFT = (8, 18, 38), (245, 246, 248), (150, 170, 196)
#: The number of the card's parameter sets; recorders and encoders use 0.
_SET_NUMBER = 31
#: Nothing moves: what encoders hold to look ahead would be memory and time for nothing.
_STANDING = "rc-lookahead=0:mbtree=0:ref=1:scenecut=0:threads=1"
_ALONE = (1920, 1080, Fraction(25))
#: A picture of a card is for the screen, or to be put into a film by hand.
_LARGEST_PX = 3840
#: Of the shorter side: type, space between lines, and what stays free at the sides of the picture's width.
_TYPE, _PITCH, _SIDE = 0.052, 1.9, 0.08
_TURNS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}


class CannotPrepend(ValueError):
    """A video in front of which nothing can be put without coding it anew; the message is the reason's name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """How a video is turned, and by how much it begins to be decoded before it is shown."""

    turn: int
    delay: Fraction


def make(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, Any], progress: Callable[[float], None]
) -> dict[str, float]:
    """Writes `scratch / RESULT`; returns how long the card stands, `card_s`.

    `arguments`: `lines`, [label, value] each, and `seconds`. Without a source the card stands alone. Raises
    `CannotPrepend`, and whatever the library raises on a broken file.
    """
    lines = [(str(label), str(value)) for label, value in arguments["lines"]]
    target = str(Path(str(arguments["scratch"])) / RESULT)
    seconds = Fraction(str(arguments["seconds"]))
    if not sources:
        return {"card_s": float(_alone(lines, seconds, target))}
    source = Blocks(sources[0])
    delay, turn = _delay(source), _turn(source)
    source.seek(0)
    with opened(source) as (container, video):
        look = _Look(turn=turn, delay=delay)
        return {"card_s": float(_prepended(container, video, lines, seconds, target, look, progress))}


def draw(_sources: Sequence[io.RawIOBase], arguments: Mapping[str, Any], _progress: Callable[[float], None]) -> None:
    """Writes `scratch / PICTURE`, a JPEG. `arguments`: `lines` as for `make`, `width_px` and `height_px`."""
    lines = [(str(label), str(value)) for label, value in arguments["lines"]]
    width, height = int(arguments["width_px"]), int(arguments["height_px"])
    scale = min(1.0, _LARGEST_PX / max(width, height))
    made = picture(lines, max(1, round(width * scale)), max(1, round(height * scale)))
    made.save(Path(str(arguments["scratch"])) / PICTURE, "JPEG", quality=92)


def picture(lines: Sequence[tuple[str, str]], width: int, height: int) -> Image.Image:
    """The card: a label and a value in each line, as large as the picture allows."""
    image = Image.new("RGB", (width, height), _GROUND)
    pen = ImageDraw.Draw(image)
    shorter = min(width, height)
    size = max(12, round(_TYPE * shorter))
    widest = max(ImageFont.truetype(_FONT, size).getlength(f"{label}：{value}") for label, value in lines)
    size = max(8, min(size, int(size * width * (1 - 2 * _SIDE) / widest)))
    font, pitch = ImageFont.truetype(_FONT, size), round(size * _PITCH)
    top = (height - pitch * len(lines)) // 2
    for row, (label, value) in enumerate(lines):
        at = (round(_SIDE * width), top + row * pitch)
        pen.text(at, f"{label}：", font=font, fill=_SOFT)
        pen.text((at[0] + font.getlength(f"{label}："), at[1]), value, font=font, fill=_INK)
    return image


def _coded(image: Image.Image, rate: Fraction, seconds: Fraction, form: str, ratio: Any) -> tuple[bytes, list[Any]]:
    """The decoder configuration, and a packet for each picture, numbered in time by `1 / rate`."""
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = image.width, image.height, form
    encoder.time_base, encoder.framerate = 1 / rate, rate
    if ratio:
        encoder.sample_aspect_ratio = ratio
    encoder.flags |= av.codec.context.Flags.global_header
    settings = f"sps-id={_SET_NUMBER}:keyint=250:bframes=0:annexb=0:{_STANDING}"
    encoder.options = {"preset": "veryfast", "crf": "16", "x264-params": settings}
    frame = _frame(image).reformat(format=form)
    packets = []
    for number in range(max(1, int(seconds * rate))):
        frame.pts, frame.time_base = number, 1 / rate
        packets += encoder.encode(frame)
    return bytes(encoder.extradata), [*packets, *encoder.encode(None)]


def _frame(image: Image.Image) -> Any:
    return av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")


def _alone(lines: Sequence[tuple[str, str]], seconds: Fraction, target: str) -> Fraction:
    width, height, rate = _ALONE
    with av.open(target, "w", format="mp4") as out:
        stream: Any = out.add_stream("libx264", rate=rate, options={"preset": "medium", "crf": "16"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        frame = _frame(picture(lines, width, height))
        count = max(1, int(seconds * rate))
        for number in range(count):
            frame.pts, frame.time_base = number, 1 / rate
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return count / rate


def _prepended(
    container: Any, video: Any, lines: Sequence[tuple[str, str]], seconds: Fraction, target: str, look: _Look,
    progress: Callable[[float], None],
) -> Fraction:  # fmt: skip
    rate = Fraction(video.average_rate or 25)
    width, height = (video.height, video.width) if look.turn in (90, 270) else (video.width, video.height)
    image = picture(lines, width, height)
    image = image if look.turn not in _TURNS else image.transpose(_TURNS[look.turn])
    form = video.codec_context.pix_fmt or "yuv420p"
    configuration, packets = _coded(image, rate, seconds, form, video.sample_aspect_ratio)
    try:
        both = Configuration.read(bytes(video.codec_context.extradata or b"")).joined(Configuration.read(configuration))
    except CannotJoin as error:
        raise CannotPrepend("configuration") from error
    card_s = len(packets) / rate
    sounds = list(container.streams.audio)
    with av.open(target, "w", format="mp4") as out:
        streams = {each.index: out.add_stream_from_template(each) for each in (video, *sounds)}
        streams[video.index].codec_context.extradata = both
        for packet in packets:
            moved = av.Packet(bytes(packet))
            moved.stream, moved.time_base = streams[video.index], 1 / rate
            moved.pts, moved.dts, moved.duration, moved.is_keyframe = packet.pts, packet.dts, 1, packet.is_keyframe
            out.mux(moved)
        for packet in _shifted(container, [video, *sounds], card_s + look.delay, progress):
            packet.stream = streams[packet.stream.index]
            out.mux(packet)
    return card_s + look.delay


def _delay(source: io.RawIOBase) -> Fraction:
    """By how much the video's first decoding time lies before its first picture: so much longer the card's last picture
    stands. Raises `CannotPrepend` where an edit list cuts the beginning off.
    """
    with opened(source) as (container, video):
        if video.codec_context.name != "h264":
            raise CannotPrepend("codec")
        packet = next((each for each in container.demux(video) if each.dts is not None), None)
        if packet is None or packet.is_discard or packet.pts < 0:
            raise CannotPrepend("edited")
        return Fraction(max(0, -packet.dts * packet.time_base))


def _turn(source: io.RawIOBase) -> int:
    """How the picture is turned, in degrees. Looked at apart: a demuxer that is sent back may begin behind sound that
    belongs before the first picture.
    """
    source.seek(0)
    with opened(source) as (container, video):
        return int(round(next(container.decode(video)).rotation) % 360)


def _shifted(
    container: Any, streams: Sequence[Any], later_s: Fraction, progress: Callable[[float], None]
) -> Iterator[Any]:
    """Every packet, so much later."""
    whole = float(container.duration or 0) / av.time_base
    for packet in container.demux(*streams):
        if packet.dts is None:
            continue
        if whole:
            progress(min(1.0, float(packet.dts * packet.time_base) / whole) if packet.dts > 0 else 0.0)
        shift = round(later_s / packet.time_base)
        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
        yield packet
