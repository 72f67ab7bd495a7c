"""How long a video really plays: sample tables clipped and shifted by edit lists, exact to the unit (M15-2d).

Headers never decide; where one says something else by more than a second, that is reported as a gap.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction

from services.video.domain.bmff.movie import Movie
from services.video.domain.bmff.still import Stretch
from services.video.domain.bmff.track import VIDEO, Edit, Track
from services.video.domain.facts import HeaderGap, Span

#: A header may differ from the samples by this much before it is worth a remark.
HEADER_SLACK_S = 1
_NORMAL_RATE = 1 << 16


def enabled_tracks(movie: Movie) -> tuple[Track, ...]:
    """The video and audio tracks with samples that a player shows; all of them when none is switched on."""
    filled = tuple(track for track in movie.tracks if track.timing.sample_count)
    return tuple(track for track in filled if track.enabled) or filled


def video_track(tracks: Iterable[Track]) -> Track | None:
    """The first video track."""
    return next((track for track in tracks if track.handler == VIDEO), None)


def presented_end_s(track: Track, movie_timescale: int) -> Fraction:
    """When the track's last sample ends on the presentation's time line, in seconds; 0 when nothing is shown."""
    media_end_s = media_end(track)
    if all(edit.media_time is None for edit in track.edits):
        return media_end_s + Fraction(sum(edit.duration for edit in track.edits), movie_timescale)
    start, end = Fraction(0), Fraction(0)
    for position, edit in enumerate(track.edits, start=1):
        span = Fraction(edit.duration, movie_timescale)
        if edit.media_time is not None:
            end = max(end, start + _shown(edit, span, media_end_s, track, last=position == len(track.edits)))
        start += span
    return end


def _shown(edit: Edit, span: Fraction, media_end_s: Fraction, track: Track, *, last: bool) -> Fraction:
    """How long one entry shows its media: never longer than there is media, unless it holds one picture (rate 0)."""
    if edit.rate == 0:
        return span
    available = media_end_s - Fraction(edit.media_time or 0, track.timescale)
    playing = max(Fraction(0), available) * _NORMAL_RATE / edit.rate
    return playing if last and not edit.duration else min(span, playing)


def presented(stretches: Iterable[Stretch], track: Track, movie_timescale: int) -> tuple[Span, ...]:
    """Stretches of a track's media on the presentation's time line, by the first entry of the edit list that shows
    something; right to the few frames by which B-frames are decoded early.
    """
    shown = presented_end_s(track, movie_timescale)
    lead, skipped = Fraction(0), 0
    for edit in track.edits:
        if edit.media_time is not None:
            skipped = edit.media_time
            break
        lead += Fraction(edit.duration, movie_timescale)
    found = []
    for stretch in stretches:
        start, end = (lead + Fraction(each - skipped, track.timescale) for each in (stretch.start, stretch.end))
        start, end = max(start, Fraction(0)), min(end, shown)
        if start < end:
            found.append(Span(start_s=start, end_s=end))
    return tuple(found)


def media_end(track: Track) -> Fraction:
    """When the stored media end, in seconds, whatever the edit list shows of them."""
    return Fraction(max(0, track.timing.composition_end), track.timescale)


def duration_s(movie: Movie) -> Fraction:
    """The latest presented end over enabled video and audio tracks, in seconds."""
    ends = (presented_end_s(track, movie.timescale) for track in enabled_tracks(movie))
    return max(ends, default=Fraction(0))


def media_duration_s(movie: Movie) -> Fraction:
    """The longest of the media that enabled tracks store, in seconds."""
    return max((media_end(track) for track in enabled_tracks(movie)), default=Fraction(0))


def header_gap(movie: Movie) -> HeaderGap | None:
    """The header that differs most from the samples, when that is by more than a second.

    A header that says "unknown", or 0 in a fragmented file, claims nothing.
    """
    gaps = [gap for gap in _claims(movie) if abs(gap.claimed_s - gap.actual_s) > HEADER_SLACK_S]
    return max(gaps, key=lambda gap: abs(gap.claimed_s - gap.actual_s), default=None)


def _claims(movie: Movie) -> Iterator[HeaderGap]:
    tracks = [track for track in movie.tracks if track.timing.sample_count]
    ends = [presented_end_s(track, movie.timescale) for track in tracks]
    if _claims_something(movie, movie.header_duration) and ends:
        claimed = Fraction(movie.header_duration or 0, movie.timescale)
        yield HeaderGap(header="mvhd", claimed_s=claimed, actual_s=_nearest(claimed, (max(ends), duration_s(movie))))
    for track, end in zip(tracks, ends, strict=True):
        if _claims_something(movie, track.track_header_duration):
            claimed = Fraction(track.track_header_duration or 0, movie.timescale)
            yield HeaderGap(header="tkhd", claimed_s=claimed, actual_s=end)
        if _claims_something(movie, track.media_header_duration):
            claimed = Fraction(track.media_header_duration or 0, track.timescale)
            decoded = Fraction(track.timing.decode_end, track.timescale)
            yield HeaderGap(header="mdhd", claimed_s=claimed, actual_s=_nearest(claimed, (media_end(track), decoded)))


def _claims_something(movie: Movie, duration: int | None) -> bool:
    return duration is not None and not (duration == 0 and movie.fragmented)


def _nearest(claimed: Fraction, candidates: tuple[Fraction, ...]) -> Fraction:
    return min(candidates, key=lambda actual: abs(actual - claimed))
