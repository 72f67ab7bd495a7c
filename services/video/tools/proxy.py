"""A copy of a video that browsers play, as the sandbox calls it: `services.video.tools.proxy:proxy`.

It is for looking only: smaller, H.264 and AAC, its index in front. What cannot be decoded is passed over.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from services.video.tools.decoding import Blocks, NoPicture, opened

#: The one file in the scratch folder.
RESULT = "proxy.mp4"
#: The shorter side of the picture at most, and what is spent on it (CRF of x264).
LINES, QUALITY = 720, "26"
_SOUND_RATE, _SOUND_BITS = 48_000, 96_000
#: How often it says how far it is.
_STEP = 0.01
#: Picture times in the copy: what containers commonly count in.
_TICK = Fraction(1, 90_000)
#: Packets in a row that are no good: then it is the stream that is broken, not a place in it.
_MOST_BROKEN = 250
#: A pixel that is said to be flatter is a mistake.
_FLATTEST = Fraction(1, 8)
_TURNS = {90: ("transpose", "cclock"), 180: ("rotate", "PI"), 270: ("transpose", "clock")}


def proxy(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, object], progress: Callable[[float], None]
) -> dict[str, float]:
    """Writes `scratch / RESULT`, upright and with square pixels; returns `width_px`, `height_px` and `duration_s`.

    `arguments`: `duration_s` of the original, for the progress. Raises `NoPicture`, and whatever the library raises on
    a file of which nothing can be read.
    """
    target = Path(str(arguments["scratch"])) / RESULT
    whole_s = float(str(arguments["duration_s"]))
    with opened(Blocks(sources[0]), threads=0) as (container, video):
        sound = next(iter(container.streams.audio), None)
        with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as out:
            pictures = _Pictures(out, video)
            sounds = _Sounds(out, sound) if sound is not None else None
            lasting_s = told = 0.0
            for stream, frame in _frames(container, video, sound):
                if stream is video:
                    lasting_s = max(lasting_s, float(frame.time or 0))
                    pictures.add(frame)
                elif sounds is not None:
                    sounds.add(frame)
                if whole_s and lasting_s / whole_s - told >= _STEP:
                    told = lasting_s / whole_s
                    progress(min(1.0, told))
            if pictures.size_px is None:
                raise NoPicture
            pictures.end()
            if sounds is not None:
                sounds.end()
    progress(1)
    return {"width_px": pictures.size_px[0], "height_px": pictures.size_px[1], "duration_s": lasting_s}


def _frames(container: Any, video: Any, sound: Any) -> Iterator[tuple[Any, Any]]:
    """(stream, frame) in the order of the file; a sound that nobody here can decode is left out."""
    wanted = [video] if sound is None or sound.codec_context is None else [video, sound]
    broken = 0
    for packet in container.demux(*wanted):
        try:
            for frame in packet.decode():
                broken = 0
                yield packet.stream, frame
        except av.error.FFmpegError:
            broken += 1
            if broken > _MOST_BROKEN:
                return


class _Pictures:
    """The picture track: its size is that of the first frame, and later ones are fitted to it."""

    def __init__(self, out: Any, video: Any) -> None:
        self.size_px: tuple[int, int] | None = None
        self._out = out
        self._stream = out.add_stream("libx264", rate=min(Fraction(video.average_rate or 25), Fraction(60)))
        self._stream.options = {"preset": "veryfast", "crf": QUALITY}
        self._stream.codec_context.time_base = _TICK
        self._ratio = Fraction(video.sample_aspect_ratio or 1)
        self._shape: tuple[object, ...] | None = None
        self._graph: Any = None
        self._last = -1

    def add(self, frame: Any) -> None:
        """A frame without a time, or one that does not come after the last, is left out."""
        if frame.pts is None:
            return
        turn = round(frame.rotation) % 360
        shape = (frame.width, frame.height, frame.format.name, frame.time_base, turn)
        if shape != self._shape:
            self._shape, self._graph = shape, self._fitting(frame, turn)
        self._graph.push(frame)
        fitted = self._graph.pull()
        moment = round(fitted.pts * fitted.time_base / _TICK)
        if moment <= self._last:
            return
        fitted.pts, fitted.time_base, self._last = moment, _TICK, moment
        fitted.pict_type = av.video.frame.PictureType.NONE  # the encoder decides, not the original
        self._out.mux(self._stream.encode(fitted))

    def end(self) -> None:
        """What the encoder still holds."""
        self._out.mux(self._stream.encode(None))

    def _fitting(self, frame: Any, turn: int) -> Any:
        if self.size_px is None:
            self.size_px = _size(frame, self._ratio, turn)
            self._stream.width, self._stream.height = self.size_px
            self._stream.pix_fmt = "yuv420p"
        width, height = self.size_px
        before = (height, width) if turn in (90, 270) else (width, height)
        graph = av.filter.Graph()
        nodes = [
            graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format.name, time_base=frame.time_base
            ),
            graph.add("scale", f"{before[0]}:{before[1]}"),
            graph.add("format", "yuv420p"),
            *([graph.add(*_TURNS[turn])] if turn in _TURNS else []),
            graph.add("setsar", "1"),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*nodes).configure()
        return graph


def _size(frame: Any, ratio: Fraction, turn: int) -> tuple[int, int]:
    """As it is shown: turned, with square pixels, at most `LINES`, both sides even as 4:2:0 wants."""
    width, height = frame.width * float(ratio if _FLATTEST < ratio < 1 / _FLATTEST else 1), float(frame.height)
    if turn in (90, 270):
        width, height = height, width
    scale = min(1.0, LINES / min(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


class _Sounds:
    """The sound track, in stereo; silence where the original has a gap, so that it stays with the picture."""

    def __init__(self, out: Any, sound: Any) -> None:
        self._out = out
        self._stream = out.add_stream("aac", rate=_SOUND_RATE)
        self._stream.bit_rate, self._stream.layout = _SOUND_BITS, "stereo"
        self._shape: tuple[object, ...] | None = None
        self._graph: Any = None
        self._at = sound.time_base

    def add(self, frame: Any) -> None:
        """A frame in any rate and layout; when they change, what was held is let out first."""
        shape = (frame.sample_rate, frame.format.name, frame.layout.name)
        if shape != self._shape:
            self._flush()
            self._shape, self._graph = shape, self._fitting(frame)
        self._graph.push(frame)
        self._pull()

    def end(self) -> None:
        """What filter and encoder still hold."""
        self._flush()
        self._out.mux(self._stream.encode(None))

    def _flush(self) -> None:
        if self._graph is not None:
            self._graph.push(None)
            self._pull()

    def _pull(self) -> None:
        while True:
            try:
                frame = self._graph.pull()
            except (BlockingIOError, EOFError):
                return
            self._out.mux(self._stream.encode(frame))

    def _fitting(self, frame: Any) -> Any:
        graph = av.filter.Graph()
        nodes = [
            graph.add_abuffer(
                sample_rate=frame.sample_rate, format=frame.format.name, layout=frame.layout.name,
                time_base=frame.time_base or self._at,
            ),
            graph.add("aresample", f"{_SOUND_RATE}:async=1000"),
            graph.add("aformat", f"sample_fmts=fltp:sample_rates={_SOUND_RATE}:channel_layouts=stereo"),
            graph.add("abuffersink"),
        ]  # fmt: skip
        graph.link_nodes(*nodes).configure()
        return graph
