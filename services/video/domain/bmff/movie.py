"""The whole file: finds `ftyp`, `moov` and the fragments among the top-level boxes, wherever they lie."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from services.video.domain.bmff.boxes import (
    Box,
    BoxBudget,
    at_most_one,
    children,
    exactly_one,
    header_length,
    printable,
)
from services.video.domain.bmff.brands import START_BYTES, check_brands, check_start
from services.video.domain.bmff.errors import Damaged, Reason, Truncated
from services.video.domain.bmff.fragments import FragmentReader, Progress
from services.video.domain.bmff.source import WHOLE_BYTES, Range, ReadAt, Reader
from services.video.domain.bmff.track import Track, header_duration, parse_track

#: Index and fragments together; the index of 20 minutes takes about 2 MB.
MAX_INDEX_BYTES = 64 * 2**20
MAX_FTYP_BYTES = 4096
#: Read at once of an index that is not seen yet.
MOST_AHEAD_BYTES = 2**20
#: Tracks of one file.
MAX_TRACKS = 64
#: Kinds that may stand at the top; anything else behind the index is taken as rubbish that players ignore too.
_KNOWN = frozenset(
    b"ftyp moov mdat moof free skip wide udta uuid meta sidx ssix mfra styp pdin emsg prft idat".split(b" ")
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Movie:
    """What the index says. `truncated` is set when samples or boxes lie behind the end of the file."""

    brands: tuple[str, ...]
    timescale: int
    #: From `mvhd`, in `timescale`; None when unknown.
    header_duration: int | None
    tracks: tuple[Track, ...]
    fragmented: bool
    truncated: Truncated | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Top:
    """A top-level box as announced; `end` may lie behind the end of the file."""

    kind: bytes
    offset: int
    body_offset: int
    end: int
    open_ended: bool


@dataclass(slots=True)
class _Found:
    """What the walk over the top level collects."""

    index: Box | None = None
    fragments: list[tuple[int, Box]] = field(default_factory=list)
    held_bytes: int = 0
    truncated: Truncated | None = None
    #: The media go on to the end of the file, wherever that is: only samples tell what is missing.
    open_ended: bool = False


def read_movie(source: ReadAt, reader: Reader | None = None) -> Movie:
    """Read the index of an mp4; samples are not touched.

    Raises `NotMp4`, `Truncated` (when no index is there to judge by), `Damaged`, and what the source raises. Give a
    `reader` to learn the bytes read even then.
    """
    reader = reader or Reader(source)
    budget = BoxBudget()
    check_start(reader.upto(0, START_BYTES))
    brands: tuple[str, ...] = ()
    found = _Found()
    for top in _walk(reader, budget, found):
        if top.offset == 0:
            brands = _brands(reader, top)
        elif top.kind == b"moov":
            _keep_index(reader, top, found)
        elif top.kind == b"mdat":
            found.open_ended |= top.open_ended
        elif top.kind == b"moof":
            found.fragments.append((top.offset, _held(reader, top, found)))
    if found.index is None:
        raise found.truncated or Truncated(Reason.NO_INDEX, offset=reader.size_bytes)
    return _movie(found.index, found, reader.size_bytes, brands, budget)


def _walk(reader: Reader, budget: BoxBudget, found: _Found) -> Iterator[_Top]:
    """The top-level boxes that lie in the file as a whole; stops at the first that does not."""
    offset, ahead = 0, 0
    while offset + 8 <= reader.size_bytes:
        budget.spend(offset)
        top = _header(reader, offset, ahead)
        if top is None or (top.kind not in _KNOWN and top.end > reader.size_bytes):
            if found.index is None:
                raise Damaged(Reason.BOX_SIZE, offset=offset, found=printable(reader.upto(offset + 4, 4)))
            return
        if top.end > reader.size_bytes:
            found.truncated = Truncated(Reason.BOX_PAST_END, offset=offset, found=printable(top.kind))
            return
        yield top
        offset = top.end
        ahead = _ahead(reader.size_bytes - offset) if top.kind == b"mdat" and found.index is None else 0


def _ahead(left: int) -> int:
    """How much of what follows the media is read at once: it is the index, and the first half of that is of video."""
    return left if left <= WHOLE_BYTES else max(WHOLE_BYTES, min(left // 2, MOST_AHEAD_BYTES))


def _header(reader: Reader, offset: int, ahead: int) -> _Top | None:
    """The box at `offset`; None when its size is impossible."""
    head = reader.upto(offset, 16, ahead=ahead)
    size, kind = int.from_bytes(head[:4]), head[4:8]
    header, open_ended = header_length(size), size == 0
    if size == 1:
        size = int.from_bytes(head[8:16]) if len(head) == 16 else 0
    elif open_ended:
        size = reader.size_bytes - offset
    if size < header:
        return None
    return _Top(kind=kind, offset=offset, body_offset=offset + header, end=offset + size, open_ended=open_ended)


def _brands(reader: Reader, ftyp: _Top) -> tuple[str, ...]:
    return check_brands(reader.exact(ftyp.body_offset, min(ftyp.end - ftyp.body_offset, MAX_FTYP_BYTES)))


def _keep_index(reader: Reader, top: _Top, found: _Found) -> None:
    if found.index is not None:
        raise Damaged(Reason.DUPLICATE_BOX, offset=top.offset, found="moov")
    found.index = _held(reader, top, found)


def _held(reader: Reader, top: _Top, found: _Found) -> Box:
    """The box, to be read where it is looked at. Raises `Damaged` above what the reader is willing to hold."""
    length = top.end - top.body_offset
    found.held_bytes += length
    if found.held_bytes > MAX_INDEX_BYTES:
        raise Damaged(Reason.INDEX_TOO_LARGE, offset=top.offset, found=printable(top.kind))
    return Box(kind=top.kind, range=Range(reader, top.body_offset, length), start=0, length=length)


def _movie(moov: Box, found: _Found, size_bytes: int, brands: tuple[str, ...], budget: BoxBudget) -> Movie:
    parts, tracks = _contents(moov, budget, sound_placed=found.open_ended)
    if b"cmov" in parts:
        raise Damaged(Reason.COMPRESSED_INDEX, offset=moov.offset, found="cmov")
    timescale, duration = header_duration(exactly_one(parts, b"mvhd", moov))
    mvex = at_most_one(parts, b"mvex")
    if found.fragments:
        tracks = _with_fragments(tracks, mvex, found.fragments, budget)
    return Movie(
        brands=brands,
        timescale=timescale,
        header_duration=duration,
        tracks=tracks,
        fragmented=mvex is not None or bool(found.fragments),
        truncated=found.truncated or _samples_past_end(tracks, size_bytes),
    )


def _contents(moov: Box, budget: BoxBudget, *, sound_placed: bool) -> tuple[dict[bytes, list[Box]], tuple[Track, ...]]:
    """What stands in the index; each track is read before what follows it is looked for, so nothing is asked twice."""
    parts: dict[bytes, list[Box]] = {}
    tracks: list[Track] = []
    for box in children(moov, budget):
        found = parts.setdefault(box.kind, [])
        found.append(box)
        if box.kind != b"trak":
            continue
        if len(found) > MAX_TRACKS:
            raise Damaged(Reason.TABLE_TOO_LARGE, offset=box.offset, found="trak")
        track = parse_track(box, budget, sound_placed=sound_placed)
        if track is not None and any(track.track_id == other.track_id for other in tracks):
            raise Damaged(Reason.DUPLICATE_BOX, offset=box.offset, found="tkhd")
        tracks += [track] if track is not None else []
    return parts, tuple(tracks)


def _with_fragments(
    tracks: tuple[Track, ...], mvex: Box | None, fragments: list[tuple[int, Box]], budget: BoxBudget
) -> tuple[Track, ...]:
    progress = {track.track_id: Progress(timing=track.timing, data_end=track.data_end) for track in tracks}
    reader = FragmentReader(mvex, progress, budget)
    for offset, moof in fragments:
        reader.add(moof, offset)
    return tuple(
        replace(track, timing=progress[track.track_id].timing, data_end=progress[track.track_id].data_end)
        for track in tracks
    )


def _samples_past_end(tracks: tuple[Track, ...], size_bytes: int) -> Truncated | None:
    past = [track for track in tracks if track.data_end > size_bytes]
    if not past:
        return None
    return Truncated(Reason.SAMPLE_PAST_END, offset=past[0].data_end, found=str(past[0].track_id))
