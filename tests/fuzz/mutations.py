"""Videos to begin with, and what can be done to them: bytes, numbers in headers and tables, whole boxes, the end."""

import random
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.assets import video_fixtures as videos
from tests.assets.video_fixtures import FragmentSpec, MovieSpec, TrackSpec

#: Boxes that hold boxes, and how far into their bodies the first of them stands.
_CONTAINERS = {
    b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"edts": 0, b"dinf": 0, b"dref": 8, b"stsd": 8,
    b"mvex": 0, b"moof": 0, b"traf": 0, b"udta": 0,
}  # fmt: skip
_UPSETTING = (0, 1, 7, 8, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 50_000_000, 4_000_000, 4_000_001)
#: Behind the index nothing is parsed; so much of the media is kept.
_MEDIA_BYTES = 256
CORPUS = Path(__file__).with_name("corpus")
Change = Callable[[random.Random, bytearray], None]


def beginnings(folder: Path) -> Sequence[bytes]:
    """Real files in every layout, hand-made ones, and what was found before."""
    real = videos.real_mp4(folder / "real.mp4", seconds=1)
    made = [
        videos.rewrapped(real, folder / f"{number}.mp4", *options).read_bytes()
        for number, options in enumerate(
            (
                ["-movflags", "+faststart"],
                ["-movflags", "frag_keyframe+empty_moov+default_base_moof"],
                ["-movflags", "frag_keyframe+delay_moov"],
                ["-movflags", "+faststart", "-use_editlist", "0"],
            )
        )
    ]
    sound = TrackSpec(track_id=2, handler=b"soun", codec=b"mp4a")
    tracks = (TrackSpec(ctts=[(50, 8), (50, 0)], edits=[(60, -1, 65536), (2400, 8, 65536)]), sound)
    wide = TrackSpec(header_version=1, wide_offsets=True, edits=[(600, 0, 65536)], edits_version=1)
    return [
        *(data[: data.index(b"mdat") + _MEDIA_BYTES] if b"moof" not in data else data[:20_000] for data in made),
        videos.build(MovieSpec(tracks=tracks, index_first=True)),
        videos.build(MovieSpec(tracks=(wide,), large_boxes=True)),
        videos.build(MovieSpec(tracks=tracks, index_first=True, open_ended=True)),
        videos.fragmented([FragmentSpec(), FragmentSpec(decode_time=200, shifts=[4] * 50)]),
        *(path.read_bytes() for path in sorted(CORPUS.iterdir())),
    ]


def boxes(data: bytes | bytearray) -> list[tuple[int, int]]:
    """(offset of the header, size) of each box at every level, as far as sizes make sense."""
    found: list[tuple[int, int]] = []
    parts = [(0, len(data))]
    while parts:
        position, end = parts.pop()
        while position + 8 <= end:
            size, kind = struct.unpack_from(">I4s", data, position)
            header = 16 if size == 1 else 8
            if size == 1 and position + header <= end:
                [size] = struct.unpack_from(">Q", data, position + 8)
            if size < header or position + size > end:
                break
            found.append((position, size))
            if kind in _CONTAINERS:
                parts.append((position + header + _CONTAINERS[kind], position + size))
            position += size
    return found


def _bytes(chance: random.Random, data: bytearray) -> None:
    at = chance.randrange(len(data))
    piece = chance.randbytes(chance.randint(1, 8))
    data[at : at + len(piece)] = piece


def _number(chance: random.Random, data: bytearray) -> None:
    """In the header of a box or among the first of its body: sizes, versions, counts, times."""
    offset, size = chance.choice(boxes(data) or [(0, len(data))])
    at = offset + 4 * chance.randrange(0, max(1, min(size, 64) // 4))
    value = chance.choice((*_UPSETTING, chance.getrandbits(32), len(data), size, size + 1))
    data[at : at + 4] = struct.pack(">I", value & 0xFFFFFFFF)


def _kind(chance: random.Random, data: bytearray) -> None:
    known = boxes(data)
    if len(known) > 1:
        (one, _), (other, _) = chance.sample(known, 2)
        data[one + 4 : one + 8] = data[other + 4 : other + 8]


def _without(chance: random.Random, data: bytearray) -> None:
    """A box less; the sizes around it stay."""
    if known := boxes(data)[1:]:
        offset, size = chance.choice(known)
        del data[offset : offset + size]


def _twice(chance: random.Random, data: bytearray) -> None:
    if known := boxes(data):
        offset, size = chance.choice(known)
        data[offset:offset] = data[offset : offset + min(size, 2**16)]


def _cut(chance: random.Random, data: bytearray) -> None:
    del data[chance.randrange(len(data)) :]


CHANGES: Sequence[Change] = (_bytes, _number, _number, _number, _kind, _without, _twice, _cut)


def mutated(chance: random.Random, starts: Sequence[bytes]) -> bytes:
    """One of them, changed once to four times."""
    data = bytearray(chance.choice(starts))
    for change in chance.choices(CHANGES, k=chance.randint(1, 4)):
        if data:
            change(chance, data)
    return bytes(data)
