"""Videos made by code: exact sample tables written by hand, and real H.264 files from the bundled ffmpeg.

The hand-made ones hold no pictures: their samples are zeros, which is all that a reader of the index ever looks at.
Times are in units of 1/600 s for the movie and 1/100 s for the media unless a test says otherwise, so that the
duration limit is met to the unit. Nothing here comes from a person; ID numbers are made up and fit GB 11643.
"""

import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import imageio_ffmpeg

MOVIE_TIMESCALE, MEDIA_TIMESCALE = 600, 100
FTYP_MP4 = (b"isom", b"iso2", b"avc1", b"mp41")
FTYP_QUICKTIME = (b"qt  ",)
_IDENTITY = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
ROTATED_90 = (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
ID_NUMBER = "510101199003070016"
FILE_NAME = f"张三{ID_NUMBER}.mp4"


@dataclass(frozen=True)
class Bytes:
    """Bytes in memory as a source, counting nothing."""

    data: bytes

    @property
    def size_bytes(self) -> int:
        """Their number."""
        return len(self.data)

    def read_at(self, offset: int, length: int) -> bytes:
        """A slice."""
        return self.data[offset : offset + length]


@dataclass(frozen=True)
class Stored(Bytes):
    """The same as a source for the sandbox."""

    async def read(self, offset: int, length: int) -> bytes:
        """A slice."""
        return self.read_at(offset, length)


@dataclass(frozen=True)
class File:
    """A file on disk as a source; opened for each read."""

    path: Path

    @property
    def size_bytes(self) -> int:
        """Its length."""
        return self.path.stat().st_size

    def read_at(self, offset: int, length: int) -> bytes:
        """A range."""
        with self.path.open("rb") as content:
            content.seek(offset)
            return content.read(length)


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box with a 32-bit size."""
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def large_box(kind: bytes, *parts: bytes) -> bytes:
    """A box with a 64-bit size."""
    body = b"".join(parts)
    return struct.pack(">I4sQ", 1, kind, 16 + len(body)) + body


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A box with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def u32s(*values: int) -> bytes:
    """Big-endian 32-bit numbers, unsigned or, when negative, signed."""
    return b"".join(struct.pack(">i" if value < 0 else ">I", value) for value in values)


def table(kind: bytes, rows: Sequence[Sequence[int]], *, version: int = 0) -> bytes:
    """A table of 32-bit columns behind its entry count."""
    return full_box(kind, version, 0, u32s(len(rows)), *(u32s(*row) for row in rows))


def ftyp(brands: Sequence[bytes] = FTYP_MP4) -> bytes:
    """The first brand is the major one."""
    return box(b"ftyp", brands[0], u32s(512), *brands)


@dataclass(frozen=True, kw_only=True)
class TrackSpec:
    """One track of a hand-made file; media times in `timescale`, edits in the movie's timescale.

    `stts` and `ctts` are (count, value) rows; `edits` are (duration, media_time, rate) rows. The header durations
    follow the samples unless they are given.
    """

    stts: Sequence[tuple[int, int]] = ((100, 4),)
    ctts: Sequence[tuple[int, int]] = ()
    ctts_version: int = 0
    edits: Sequence[tuple[int, int, int]] = ()
    edits_version: int = 0
    timescale: int = MEDIA_TIMESCALE
    handler: bytes = b"vide"
    codec: bytes = b"avc1"
    width: int = 1920
    height: int = 1080
    enabled: bool = True
    matrix: tuple[int, ...] = _IDENTITY
    track_id: int = 1
    sample_bytes: int = 8
    tkhd_duration: int | None = None
    mdhd_duration: int | None = None
    header_version: int = 0
    wide_offsets: bool = False
    self_contained: bool = True
    #: Replaces boxes of `stbl` by kind; an empty value leaves the box out.
    stbl: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        """How many samples `stts` lists."""
        return sum(count for count, _ in self.stts)

    @property
    def media_duration(self) -> int:
        """The sum of the samples' durations."""
        return sum(count * delta for count, delta in self.stts)


@dataclass(frozen=True, kw_only=True)
class MovieSpec:
    """A hand-made file. `index_first` puts `moov` before the samples."""

    tracks: Sequence[TrackSpec] = (TrackSpec(),)
    brands: Sequence[bytes] = FTYP_MP4
    mvhd_duration: int | None = None
    index_first: bool = False
    large_boxes: bool = False
    #: `mdat` of size 0, reaching to the end of the file.
    open_ended: bool = False
    extra_in_moov: bytes = b""


def build(spec: MovieSpec) -> bytes:
    """The file's bytes."""
    head = ftyp(spec.brands)
    media = bytes(sum(track.samples * track.sample_bytes for track in spec.tracks))
    wrap = large_box if spec.large_boxes else box
    mdat = struct.pack(">I4s", 0, b"mdat") + media if spec.open_ended else wrap(b"mdat", media)
    header = len(mdat) - len(media)
    if not spec.index_first:
        return head + mdat + _moov(spec, len(head) + header)
    size = len(_moov(spec, 0))
    return head + _moov(spec, len(head) + size + header) + mdat


def _moov(spec: MovieSpec, first_sample: int) -> bytes:
    traks = []
    for track in spec.tracks:
        traks.append(trak(track, first_sample))
        first_sample += track.samples * track.sample_bytes
    longest = max((_in_movie(track) for track in spec.tracks), default=0)
    mvhd_duration = longest if spec.mvhd_duration is None else spec.mvhd_duration
    mvhd = full_box(b"mvhd", 0, 0, u32s(0, 0, MOVIE_TIMESCALE, mvhd_duration), bytes(80))
    return (large_box if spec.large_boxes else box)(b"moov", mvhd, *traks, spec.extra_in_moov)


def _in_movie(track: TrackSpec) -> int:
    if track.edits:
        return sum(duration for duration, _, _ in track.edits)
    return track.media_duration * MOVIE_TIMESCALE // track.timescale


def trak(track: TrackSpec, first_sample: int = 0) -> bytes:
    """The `trak` box of a track whose samples lie in one chunk at `first_sample`."""
    tkhd_duration = _in_movie(track) if track.tkhd_duration is None else track.tkhd_duration
    mdhd_duration = track.media_duration if track.mdhd_duration is None else track.mdhd_duration
    version, wide = track.header_version, track.header_version == 1
    times = bytes(16 if wide else 8)
    tkhd = full_box(
        b"tkhd", version, int(track.enabled), times, u32s(track.track_id, 0), _duration(tkhd_duration, wide=wide),
        bytes(16), u32s(*track.matrix), u32s(320 << 16, 240 << 16),
    )  # fmt: skip
    mdhd = full_box(b"mdhd", version, 0, times, u32s(track.timescale), _duration(mdhd_duration, wide=wide), bytes(4))
    hdlr = full_box(b"hdlr", 0, 0, bytes(4), track.handler, bytes(13))
    url = full_box(b"url ", 0, int(track.self_contained))
    dinf = box(b"dinf", full_box(b"dref", 0, 0, u32s(1), url))
    minf = box(b"minf", dinf, box(b"stbl", *_stbl(track, first_sample)))
    return box(b"trak", tkhd, _edts(track), box(b"mdia", mdhd, hdlr, minf))


def _duration(value: int, *, wide: bool) -> bytes:
    return struct.pack(">Q" if wide else ">I", value)


def _stbl(track: TrackSpec, first_sample: int) -> list[bytes]:
    count = track.samples
    chunk = struct.pack(">Q" if track.wide_offsets else ">I", first_sample)
    boxes = {
        b"stsd": full_box(b"stsd", 0, 0, u32s(1), _sample_entry(track)),
        b"stts": table(b"stts", track.stts),
        b"ctts": table(b"ctts", track.ctts, version=track.ctts_version) if track.ctts else b"",
        b"stsc": table(b"stsc", [(1, count, 1)] if count else []),
        b"stsz": full_box(b"stsz", 0, 0, u32s(track.sample_bytes, count)),
        b"stco": full_box(
            b"co64" if track.wide_offsets else b"stco", 0, 0, u32s(1 if count else 0), chunk if count else b""
        ),
    }
    return list((boxes | track.stbl).values())


def _sample_entry(track: TrackSpec) -> bytes:
    if track.handler == b"vide":
        size = struct.pack(">HH", track.width, track.height)
        return box(track.codec, bytes(6), struct.pack(">H", 1), bytes(16), size, bytes(50))
    return box(track.codec, bytes(6), struct.pack(">H", 1), bytes(20))


def _edts(track: TrackSpec) -> bytes:
    if not track.edits:
        return b""
    row = ">QqI" if track.edits_version == 1 else ">IiI"
    rows = b"".join(struct.pack(row, *edit) for edit in track.edits)
    return box(b"edts", full_box(b"elst", track.edits_version, 0, u32s(len(track.edits)), rows))


def lasting(hundredths: int, **changes: object) -> bytes:
    """A file that plays and sounds for exactly that many hundredths of a second, one sample each second and a rest."""
    whole, rest = divmod(hundredths, 100)
    rows = [(whole, 100)] + ([(1, rest)] if rest else [])
    sound = TrackSpec(stts=rows, track_id=2, handler=b"soun", codec=b"mp4a")
    return build(replace(MovieSpec(tracks=(TrackSpec(stts=rows), sound)), **changes))  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class FragmentSpec:
    """One `moof` with one track and one run: `decode_time` None leaves `tfdt` out; `shifts` are signed."""

    decode_time: int | None = 0
    count: int = 50
    duration: int = 4
    sample_bytes: int = 8
    shifts: Sequence[int] = ()
    track_id: int = 1


def fragmented(fragments: Sequence[FragmentSpec], *, defaults: bool = True) -> bytes:
    """A file whose `moov` lists no sample; `defaults` puts durations and sizes into `trex` instead of `tfhd`."""
    empty = TrackSpec(stts=(), mdhd_duration=0, tkhd_duration=0)
    first = fragments[0]
    trex_values = (first.duration, first.sample_bytes) if defaults else (0, 0)
    mvex = box(b"mvex", full_box(b"trex", 0, 0, u32s(1, 1, *trex_values, 0)))
    parts = [ftyp(), _moov(MovieSpec(tracks=(empty,), mvhd_duration=0, extra_in_moov=mvex), 0)]
    for fragment in fragments:
        moof = _moof(fragment, 0, in_tfhd=not defaults)
        parts.append(_moof(fragment, len(moof) + 8, in_tfhd=not defaults))
        parts.append(box(b"mdat", bytes(fragment.count * fragment.sample_bytes)))
    return b"".join(parts)


def _moof(fragment: FragmentSpec, data_offset: int, *, in_tfhd: bool) -> bytes:
    flags = 0x20000 | (0x18 if in_tfhd else 0)
    values = (fragment.duration, fragment.sample_bytes) if in_tfhd else ()
    tfhd = full_box(b"tfhd", 0, flags, u32s(fragment.track_id, *values))
    time = fragment.decode_time
    tfdt = b"" if time is None else full_box(b"tfdt", 1, 0, struct.pack(">Q", time))
    trun_flags = 0x1 | (0x800 if fragment.shifts else 0)
    trun = full_box(b"trun", 1, trun_flags, u32s(fragment.count, data_offset, *fragment.shifts))
    return box(b"moof", full_box(b"mfhd", 0, 0, u32s(1)), box(b"traf", tfhd, tfdt, trun))


def ffmpeg(*arguments: str) -> None:
    """Run the bundled ffmpeg. Raises `CalledProcessError` with what it complained about."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def real_mp4(target: Path, *, seconds: int = 2, sounds: int = 1) -> Path:
    """A real H.264 file of 640×480 at 25 frames a second with B-frames, AAC sound, and its index at the end."""
    inputs = ["-f", "lavfi", "-i", f"testsrc2=s=640x480:r=25:d={seconds}"]
    maps = ["-map", "0:v"]
    for number in range(sounds):
        inputs += ["-f", "lavfi", "-i", f"sine=frequency={440 * (number + 1)}:d={seconds}"]
        maps += ["-map", f"{number + 1}:a"]
    coding = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-bf",
        "3",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
        "-threads",
        "1",
    ]
    ffmpeg(*inputs, *maps, *coding, str(target))
    return target


def rewrapped(source: Path, target: Path, *options: str, before: Sequence[str] = ()) -> Path:
    """The same samples in another container or layout."""
    ffmpeg(*before, "-i", str(source), "-map", "0", "-c", "copy", *options, str(target))
    return target
