"""One track of the index: header, codec, sample tables and edit list, checked and brought into plain numbers."""

from dataclasses import dataclass

from services.video.domain.bmff.boxes import Box, BoxBudget, at_most_one, exactly_one, index_children, printable
from services.video.domain.bmff.errors import Damaged, Reason
from services.video.domain.bmff.sample_entry import SampleEntry, sample_entry_of
from services.video.domain.bmff.still import Stretch, still_stretches
from services.video.domain.bmff.stutter import stuttering
from services.video.domain.bmff.tables import Children, Sizes, Timing, data_end, entry_count, sizes_of, timing_of

VIDEO, AUDIO = "vide", "soun"
#: What tells how long samples last and what they are.
_TIMES = frozenset({b"stsd", b"stts"})
_ONE = 1 << 16
_ROTATIONS = {(_ONE, 0, 0, _ONE): 0, (0, _ONE, -_ONE, 0): 90, (-_ONE, 0, 0, -_ONE): 180, (0, -_ONE, _ONE, 0): 270}


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """One entry of the edit list: show `duration` (movie timescale; 0 as the last entry: to the end of the media)
    from `media_time` (media timescale; None: nothing is shown) at `rate` / 65536."""

    duration: int
    media_time: int | None
    rate: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Track:
    """A video or audio track. Durations of headers are None when the header says "unknown"."""

    track_id: int
    handler: str
    enabled: bool
    #: Degrees clockwise that a player turns the picture by.
    rotation: int
    #: Units per second of the media.
    timescale: int
    #: In the movie's timescale.
    track_header_duration: int | None
    #: In the media's timescale.
    media_header_duration: int | None
    entry: SampleEntry
    timing: Timing
    edits: tuple[Edit, ...]
    #: Offset behind the last byte of any sample; 0 without samples, and when that was not looked at.
    data_end: int
    #: In which the picture stands still; of video in `moov` only.
    still: tuple[Stretch, ...] = ()
    #: In which it jerks; likewise.
    stutter: tuple[Stretch, ...] = ()


def parse_track(trak: Box, budget: BoxBudget, *, sound_placed: bool) -> Track | None:
    """The track, or None when it is neither video nor audio. Raises `Damaged`.

    Where samples lie is looked at for video, and for sound when it is asked for: those tables are a third of an index.
    """
    parts = index_children(trak, budget)
    mdia_box = exactly_one(parts, b"mdia", trak)
    mdia = index_children(mdia_box, budget)
    handler = printable(bytes(exactly_one(mdia, b"hdlr", mdia_box).bytes_at(8, 4)))
    if handler not in (VIDEO, AUDIO):
        return None
    placed = handler == VIDEO or sound_placed
    if placed:
        trak.hold()  # every table of it is looked at
    tkhd = exactly_one(parts, b"tkhd", trak)
    timescale, media_duration = header_duration(exactly_one(mdia, b"mdhd", mdia_box))
    minf_box = exactly_one(mdia, b"minf", mdia_box)
    minf = index_children(minf_box, budget)
    _refuse_external_data(minf, budget)
    stbl_box = exactly_one(minf, b"stbl", minf_box)
    stbl = index_children(stbl_box, budget, until=frozenset() if placed else _TIMES)
    timing, schedule = timing_of(stbl, stbl_box)
    entry = sample_entry_of(exactly_one(stbl, b"stsd", stbl_box), handler, budget)
    sizes = sizes_of(stbl, stbl_box) if placed else None
    return Track(
        track_id=tkhd.u32(20 if tkhd.version() == 1 else 12),
        handler=handler,
        enabled=bool(tkhd.flags() & 1),
        rotation=_rotation(tkhd),
        timescale=timescale,
        track_header_duration=_track_header_duration(tkhd),
        media_header_duration=media_duration,
        entry=entry,
        timing=timing,
        edits=_edits(parts, budget),
        data_end=_data_end(stbl, sizes, timing, stbl_box) if sizes else 0,
        still=still_stretches(stbl, sizes, schedule, entry, timescale) if sizes and handler == VIDEO else (),
        stutter=stuttering(schedule, timing, timescale) if handler == VIDEO else (),
    )


def _data_end(stbl: Children, sizes: Sizes, timing: Timing, stbl_box: Box) -> int:
    if sizes.count != timing.sample_count:
        raise Damaged(Reason.CONTRADICTION, offset=stbl_box.offset, found="stts stsz")
    return data_end(stbl, sizes, stbl_box) if sizes.count else 0


def header_duration(header: Box) -> tuple[int, int | None]:
    """(timescale, duration) of `mvhd` or `mdhd`, which are laid out alike. Raises `Damaged` on a timescale of 0."""
    if header.version() == 1:
        timescale, duration, unknown = header.u32(20), header.u64(24), 2**64 - 1
    else:
        timescale, duration, unknown = header.u32(12), header.u32(16), 2**32 - 1
    if timescale == 0:
        raise Damaged(Reason.BAD_VALUE, offset=header.offset, found=printable(header.kind))
    return timescale, None if duration == unknown else duration


def _track_header_duration(tkhd: Box) -> int | None:
    if tkhd.version() == 1:
        duration, unknown = tkhd.u64(28), 2**64 - 1
    else:
        duration, unknown = tkhd.u32(20), 2**32 - 1
    return None if duration == unknown else duration


def _rotation(tkhd: Box) -> int:
    start = 52 if tkhd.version() == 1 else 40
    a, b, c, d = (tkhd.i32(start + at) for at in (0, 4, 12, 16))
    return _ROTATIONS.get((a, b, c, d), 0)


def _refuse_external_data(minf: dict[bytes, list[Box]], budget: BoxBudget) -> None:
    """Samples must lie in this file: a reference elsewhere is neither complete nor safe to hand to a library."""
    for dinf in minf.get(b"dinf", []):
        for dref in index_children(dinf, budget).get(b"dref", []):
            for entries in index_children(dref, budget, skip=8).values():
                if any(not entry.flags() & 1 for entry in entries):
                    raise Damaged(Reason.EXTERNAL_DATA, offset=dref.offset, found="dref")


def _edits(parts: dict[bytes, list[Box]], budget: BoxBudget) -> tuple[Edit, ...]:
    edts = at_most_one(parts, b"edts")
    elst = at_most_one(index_children(edts, budget), b"elst") if edts else None
    if elst is None:
        return ()
    width = 8 if elst.version() == 1 else 4
    stride, count = 2 * width + 4, entry_count(elst)
    body = elst.bytes_at(8, count * stride)
    return tuple(_edit(body[at : at + stride], width, elst) for at in range(0, count * stride, stride))


def _edit(entry: memoryview, width: int, elst: Box) -> Edit:
    duration = int.from_bytes(entry[:width])
    media_time = int.from_bytes(entry[width : 2 * width], signed=True)
    rate = int.from_bytes(entry[2 * width :], signed=True)
    if media_time < -1 or rate < 0:
        raise Damaged(Reason.BAD_VALUE, offset=elst.offset, found="elst")
    return Edit(duration=duration, media_time=None if media_time == -1 else media_time, rate=rate)
