"""Where the index may lie, and every way in which a file can be broken."""

import struct
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.video.domain.bmff import boxes, movie, tables
from services.video.domain.bmff.boxes import Box, BoxBudget, children
from services.video.domain.bmff.errors import BmffError, Damaged, NotMp4, Reason, Truncated
from services.video.domain.bmff.movie import Movie, read_movie
from services.video.domain.bmff.source import Range, Reader
from tests.assets import video_fixtures as videos
from tests.assets.video_fixtures import Bytes, MovieSpec, TrackSpec, box, full_box, u32s


def read(data: bytes) -> Movie:
    return read_movie(Bytes(data))


def with_stbl(**boxes_by_kind: bytes) -> bytes:
    return videos.build(
        MovieSpec(tracks=(TrackSpec(stbl={kind.encode(): value for kind, value in boxes_by_kind.items()}),))
    )


@pytest.mark.parametrize(
    "spec",
    [
        MovieSpec(),
        MovieSpec(index_first=True),
        MovieSpec(large_boxes=True),
        MovieSpec(index_first=True, open_ended=True),
        MovieSpec(tracks=(TrackSpec(header_version=1, wide_offsets=True),)),
        MovieSpec(tracks=(TrackSpec(), TrackSpec(track_id=2, handler=b"soun", codec=b"mp4a"))),
        MovieSpec(tracks=(TrackSpec(), TrackSpec(track_id=2, handler=b"tmcd", codec=b"tmcd"))),
    ],
)
def test_every_layout_is_read(spec: MovieSpec) -> None:
    found = read(videos.build(spec))
    assert found.truncated is None
    assert found.tracks[0].timing.sample_count == 100
    assert found.tracks[0].timing.composition_end == 400


def test_rubbish_behind_the_index_is_ignored_as_players_do() -> None:
    assert read(videos.build(MovieSpec()) + bytes(20)).truncated is None
    assert read(videos.build(MovieSpec()) + b"\xff\xff\xff\xffGARBAGE.").truncated is None


@pytest.mark.parametrize(
    ("start", "found"),
    [
        (b"\x1a\x45\xdf\xa3" + bytes(20), "Matroska / WebM"),
        (b"RIFF\x00\x00\x00\x00AVI " + bytes(20), "AVI"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\n", "HLS (m3u8)"),
        ((b"G" + bytes(187)) * 3, "MPEG-TS"),
        (b"G" + bytes(187), "?"),
        (box(b"moov", bytes(8)), "QuickTime (mov)"),
        (box(b"wide") + box(b"mdat", bytes(9)), "QuickTime (mov)"),
        (b"abc", "?"),
    ],
)
def test_other_kinds_of_file_are_named(start: bytes, found: str) -> None:
    with pytest.raises(NotMp4) as refused:
        read(start)
    assert refused.value.found == found


@pytest.mark.parametrize(
    ("brands", "reason"),
    [
        ((b"qt  ",), Reason.QUICKTIME),
        ((b"qt  ", b"\x00\x00\x00\x00"), Reason.QUICKTIME),
        ((b"3gp5",), Reason.OTHER_BRAND),
        ((b"heic", b"mif1"), Reason.OTHER_BRAND),
    ],
)
def test_brands_that_are_not_mp4(brands: tuple[bytes, ...], reason: Reason) -> None:
    with pytest.raises(NotMp4) as refused:
        read(videos.build(MovieSpec(brands=brands)))
    assert refused.value.reason is reason


@pytest.mark.parametrize("brands", [(b"qt  ", b"mp42"), (b"mp42",), (b"M4V ",), (b"3gp5", b"isom")])
def test_brands_that_are_mp4(brands: tuple[bytes, ...]) -> None:
    assert read(videos.build(MovieSpec(brands=brands))).tracks


def test_a_recording_without_index_is_truncated() -> None:
    with pytest.raises(Truncated) as refused:
        read(videos.ftyp() + box(b"mdat", bytes(100)))
    assert refused.value.reason is Reason.NO_INDEX


@pytest.mark.parametrize("cut", [1, 100, 500])
def test_an_index_that_ends_too_early_is_truncated(cut: int) -> None:
    with pytest.raises(Truncated) as refused:
        read(videos.build(MovieSpec())[:-cut])
    assert (refused.value.reason, refused.value.found) == (Reason.BOX_PAST_END, "moov")


def test_media_that_end_at_the_end_of_the_file_are_whole_and_one_byte_less_is_not() -> None:
    whole = videos.build(MovieSpec(index_first=True, open_ended=True))
    assert read(whole).truncated is None
    truncated = read(whole[:-1]).truncated
    assert truncated is not None
    assert truncated.reason is Reason.SAMPLE_PAST_END


def test_a_media_box_past_the_end_is_truncated_but_measured() -> None:
    found = read(videos.build(MovieSpec(index_first=True))[:-1])
    assert found.truncated is not None
    assert found.truncated.reason is Reason.BOX_PAST_END
    assert found.tracks[0].timing.composition_end == 400


def _lying_table(kind: bytes, count: int, rest: bytes = b"") -> bytes:
    return full_box(kind, 0, 0, u32s(count), rest)


def one_track(**changes: object) -> bytes:
    return videos.build(MovieSpec(tracks=(replace(TrackSpec(), **changes),)))  # type: ignore[arg-type]


MANY = 50_000_000
MANY_TIMES = videos.table(b"stts", [(MANY, 4)])

DAMAGED: dict[str, tuple[Callable[[], bytes], Reason]] = {
    "50 million samples without their sizes": (
        lambda: with_stbl(stsz=full_box(b"stsz", 0, 0, u32s(0, MANY)), stts=MANY_TIMES),
        Reason.TABLE_TOO_LARGE,
    ),
    "50 million samples that no chunk holds": (
        lambda: with_stbl(stsz=full_box(b"stsz", 0, 0, u32s(1, MANY)), stts=MANY_TIMES),
        Reason.CONTRADICTION,
    ),
    "a few more sizes than there are": (
        lambda: with_stbl(stsz=full_box(b"stsz", 0, 0, u32s(0, 100), bytes(99 * 4))), Reason.TABLE_SHORT,
    ),
    "more times than sizes": (lambda: with_stbl(stts=videos.table(b"stts", [(101, 4)])), Reason.CONTRADICTION),
    "times that are cut": (lambda: with_stbl(stts=_lying_table(b"stts", 2, u32s(100, 4))), Reason.TABLE_SHORT),
    "times without end": (lambda: with_stbl(stts=_lying_table(b"stts", 0xFFFFFFFF)), Reason.TABLE_TOO_LARGE),
    "a negative step": (lambda: with_stbl(stts=videos.table(b"stts", [(100, 2**31)])), Reason.BAD_VALUE),
    "a negative count of shifts": (lambda: with_stbl(ctts=videos.table(b"ctts", [(-5, 4)])), Reason.BAD_VALUE),
    "no times": (lambda: with_stbl(stts=b""), Reason.MISSING_BOX),
    "no places": (lambda: with_stbl(stco=b""), Reason.MISSING_BOX),
    "two tables of places": (
        lambda: with_stbl(co64=full_box(b"co64", 0, 0, u32s(1, 0, 40))), Reason.DUPLICATE_BOX,
    ),
    "two tables of times": (
        lambda: with_stbl(more=videos.table(b"stts", [(1, 1)])), Reason.DUPLICATE_BOX,
    ),
    "chunks from the second": (lambda: with_stbl(stsc=videos.table(b"stsc", [(2, 100, 1)])), Reason.CONTRADICTION),
    "chunks backwards": (
        lambda: with_stbl(stsc=videos.table(b"stsc", [(1, 50, 1), (1, 50, 1)])), Reason.CONTRADICTION,
    ),
    "chunks that hold nobody knows what": (lambda: with_stbl(stsc=videos.table(b"stsc", [])), Reason.CONTRADICTION),
    "chunks that hold nothing": (lambda: with_stbl(stsc=videos.table(b"stsc", [(1, 0, 1)])), Reason.CONTRADICTION),
    "a time without end": (lambda: with_stbl(stts=videos.table(b"stts", [(2**32 - 1, 2**31 - 1)])), Reason.BAD_VALUE),
    "sizes without end": (
        lambda: with_stbl(
            stsz=full_box(b"stsz", 0, 0, u32s(2**32 - 1, 2**32 - 1)), stts=videos.table(b"stts", [(2**32 - 1, 1)])
        ),
        Reason.BAD_VALUE,
    ),
    "no description": (lambda: with_stbl(stsd=full_box(b"stsd", 0, 0, u32s(0))), Reason.MISSING_BOX),
    "sizes of 5 bits": (
        lambda: with_stbl(stsz=b"", stz2=full_box(b"stz2", 0, 0, u32s(5, 100), bytes(100))), Reason.BAD_VALUE,
    ),
    "no clock": (lambda: one_track(timescale=0, edits=[(600, 0, 0x10000)]), Reason.BAD_VALUE),
    "samples elsewhere": (lambda: one_track(self_contained=False), Reason.EXTERNAL_DATA),
    "an edit before the start": (
        lambda: one_track(edits=[(600, -2, 0x10000)]), Reason.BAD_VALUE,
    ),
    "two indexes": (lambda: videos.build(MovieSpec()) + box(b"moov"), Reason.DUPLICATE_BOX),
    "two tracks of one number": (
        lambda: videos.build(MovieSpec(tracks=(TrackSpec(), TrackSpec()))), Reason.DUPLICATE_BOX,
    ),
    "a compressed index": (lambda: videos.ftyp() + box(b"moov", box(b"cmov")), Reason.COMPRESSED_INDEX),
    "an index without header": (lambda: videos.ftyp() + box(b"moov", box(b"free")), Reason.MISSING_BOX),
    "a box smaller than its header": (
        lambda: videos.ftyp() + box(b"moov", struct.pack(">I4s", 7, b"trak")), Reason.BOX_SIZE,
    ),
    "a box larger than its parent": (
        lambda: videos.ftyp() + box(b"moov", struct.pack(">I4s", 900, b"trak")), Reason.BOX_SIZE,
    ),
    "a top-level box of impossible size": (
        lambda: videos.ftyp() + struct.pack(">I4sQ", 1, b"mdat", 3), Reason.BOX_SIZE,
    ),
    "an unknown box past the end": (lambda: videos.ftyp() + struct.pack(">I4s", 900, b"\x00abc"), Reason.BOX_SIZE),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGED)
def test_damage_has_a_name(case: str) -> None:
    make, reason = DAMAGED[case]
    with pytest.raises(Damaged) as refused:
        read(make())
    assert refused.value.reason is reason


def test_a_bomb_of_boxes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes.BoxBudget.__init__, "__defaults__", (1000,))
    bomb = videos.ftyp() + box(b"free") * 1200
    with pytest.raises(Damaged) as refused:
        read(bomb)
    assert refused.value.reason is Reason.TOO_MANY_BOXES


def test_deep_nesting_is_not_followed() -> None:
    nested = b""
    for _ in range(2000):
        nested = box(b"udta", nested)
    assert read(videos.build(MovieSpec(extra_in_moov=nested))).tracks


def test_the_index_is_held_up_to_its_cap_only(monkeypatch: pytest.MonkeyPatch) -> None:
    data = videos.build(MovieSpec())
    moov = len(data) - data.index(b"moov") - 4
    monkeypatch.setattr(movie, "MAX_INDEX_BYTES", moov)
    assert read(data).tracks
    monkeypatch.setattr(movie, "MAX_INDEX_BYTES", moov - 1)
    with pytest.raises(Damaged) as refused:
        read(data)
    assert refused.value.reason is Reason.INDEX_TOO_LARGE


def test_table_entries_up_to_the_cap_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_ENTRIES", 3)
    assert read(with_stbl(stts=videos.table(b"stts", [(98, 4), (1, 4), (1, 4)]))).tracks
    with pytest.raises(Damaged):
        read(with_stbl(stts=videos.table(b"stts", [(97, 4), (1, 4), (1, 4), (1, 4)])))


def test_a_lying_table_costs_no_memory() -> None:
    data = DAMAGED["50 million samples without their sizes"][0]()
    tracemalloc.start()
    with pytest.raises(BmffError):
        read(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_compact_and_listed_sizes_place_the_last_sample() -> None:
    spec = MovieSpec()
    constant = read(videos.build(spec)).tracks[0].data_end
    listed = full_box(b"stsz", 0, 0, u32s(0, 100), u32s(*[8] * 100))
    for bits, packed in ((8, bytes([8] * 100)), (4, bytes([0x88] * 50)), (16, struct.pack(">100H", *[8] * 100))):
        compact = full_box(b"stz2", 0, 0, u32s(bits, 100), packed)
        assert read(with_stbl(stsz=b"", stz2=compact)).tracks[0].data_end == constant
    assert read(with_stbl(stsz=listed)).tracks[0].data_end == constant


def test_mp3_in_mp4a_is_told_from_aac() -> None:
    decoder = b"\x04\x02\x6b\x15"
    descriptor = b"\x03" + bytes([3 + len(decoder)]) + b"\x00\x01\x00" + decoder
    entry = box(b"mp4a", bytes(28), full_box(b"esds", 0, 0, descriptor))
    stsd = {b"stsd": full_box(b"stsd", 0, 0, u32s(1), entry)}
    track = TrackSpec(handler=b"soun", codec=b"mp4a", stbl=stsd)
    assert read(videos.build(MovieSpec(tracks=(track,)))).tracks[0].entry.codec == "mp3"
    assert read(videos.build(MovieSpec(tracks=(replace(track, stbl={}),)))).tracks[0].entry.codec == "aac"


RUNS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 50)), max_size=20)
SHIFTS = st.lists(st.tuples(st.integers(0, 30), st.integers(-300, 300)), max_size=20)


def boxed(data: bytes) -> Box:
    """The first box of some bytes."""
    whole = Range(Reader(Bytes(data)), 0, len(data))
    return next(children(Box(kind=b"root", range=whole, start=0, length=len(data)), BoxBudget()))


@given(runs=RUNS, shifts=SHIFTS, at_once=st.sampled_from([1, 3, 2**16]))
def test_offsets_are_laid_over_durations(
    runs: list[tuple[int, int]], shifts: list[tuple[int, int]], at_once: int
) -> None:
    """Runs of both, against each sample for itself; however many are looked at together."""
    stts, ctts = boxed(videos.table(b"stts", runs)), boxed(videos.table(b"ctts", shifts))
    samples = [delta for count, delta in runs for _ in range(count)]
    offsets = [shift for count, shift in shifts for _ in range(count)]
    offsets += [0] * (len(samples) - len(offsets))
    ends = [sum(samples[: index + 1]) + offsets[index] for index in range(len(samples))]
    before_last = samples[:-1]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tables, "_BLOCK", at_once)
        found, _ = tables.timing_of({b"stts": [stts], b"ctts": [ctts]}, stts)
    assert (found.sample_count, found.decode_end) == (len(samples), sum(samples))
    assert found.composition_end == max(0, *ends, 0)
    assert found.steps.last == (samples[-1] if samples else None)
    assert found.steps.shortest == min(before_last, default=None)
    assert found.steps.longest == max(before_last, default=None)


@given(
    per_chunk=st.lists(st.integers(0, 9), min_size=1, max_size=60),
    sizes=st.lists(st.integers(0, 15), min_size=1, max_size=300),
    kind=st.sampled_from(["constant", "stsz", "stz2-4", "stz2-8", "stz2-16"]),
    wide=st.booleans(),
    at_once=st.sampled_from([1, 3, 2**16]),
)
def test_the_end_of_the_data_is_that_of_the_last_sample_in_any_chunk(
    per_chunk: list[int], sizes: list[int], kind: str, *, wide: bool, at_once: int
) -> None:
    """However many chunks are looked at together. Chunks lie anywhere; what lies behind the last sample is no data."""
    offsets = [(chunk * 7919) % 100_003 for chunk in range(len(per_chunk))]
    sizes = [3] * len(sizes) if kind == "constant" else sizes
    stbl = {
        b"stsc": [boxed(videos.table(b"stsc", [(n, samples, 1) for n, samples in enumerate(per_chunk, start=1)]))],
        b"co64" if wide else b"stco": [boxed(places(offsets, wide=wide))],
        b"stsz" if kind in ("constant", "stsz") else b"stz2": [boxed(size_table(sizes, kind))],
    }
    parent = stbl[b"stsc"][0]
    expected, placed = 0, 0
    for offset, samples in zip(offsets, per_chunk, strict=True):
        held = sizes[placed : placed + samples]
        expected, placed = max(expected, offset + sum(held) if held else 0), placed + samples
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tables, "_BLOCK", at_once)
        known = tables.sizes_of(stbl, parent)
        if placed < len(sizes):
            with pytest.raises(Damaged):
                tables.data_end(stbl, known, parent)
        else:
            assert tables.data_end(stbl, known, parent) == expected


def places(offsets: list[int], *, wide: bool) -> bytes:
    code = ">Q" if wide else ">I"
    kind = b"co64" if wide else b"stco"
    return full_box(kind, 0, 0, u32s(len(offsets)), *(struct.pack(code, offset) for offset in offsets))


def size_table(sizes: list[int], kind: str) -> bytes:
    count = len(sizes)
    if kind == "constant":
        return full_box(b"stsz", 0, 0, u32s(3, count))
    if kind == "stsz":
        return full_box(b"stsz", 0, 0, u32s(0, count), u32s(*sizes))
    bits = int(kind.removeprefix("stz2-"))
    if bits == 4:
        pairs = [*sizes, 0]
        packed = bytes(pairs[at] << 4 | pairs[at + 1] for at in range(0, count, 2))
    else:
        packed = b"".join(size.to_bytes(bits // 8) for size in sizes)
    return full_box(b"stz2", 0, 0, u32s(bits, count), packed)


def test_a_place_beyond_every_file_is_past_the_end() -> None:
    far = full_box(b"co64", 0, 0, u32s(1), struct.pack(">Q", 2**64 - 1))
    found = read(with_stbl(stco=b"", co64=far)).truncated
    assert found is not None
    assert found.reason is Reason.SAMPLE_PAST_END


SOUND = TrackSpec(track_id=2, handler=b"soun", codec=b"mp4a")
UNPLACED = replace(SOUND, stbl={b"stco": b""})


def test_where_sound_lies_is_asked_for_only_when_the_boxes_do_not_tell_what_is_missing() -> None:
    assert read(videos.build(MovieSpec(tracks=(TrackSpec(), UNPLACED)))).truncated is None
    with pytest.raises(Damaged):
        read(videos.build(MovieSpec(tracks=(TrackSpec(), UNPLACED), index_first=True, open_ended=True)))
