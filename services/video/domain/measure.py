"""From a file's index to facts: every error of the reader becomes a problem, so that a caller sees values only."""

from fractions import Fraction

from services.video.domain.bmff.errors import BmffError, NotMp4, Truncated
from services.video.domain.bmff.movie import Movie, read_movie
from services.video.domain.bmff.source import ReadAt, Reader
from services.video.domain.bmff.track import AUDIO, Track
from services.video.domain.duration import (
    duration_s,
    enabled_tracks,
    header_gap,
    media_duration_s,
    presented,
    video_track,
)
from services.video.domain.facts import Probe, Problem, ProblemKind, VideoFacts


def measure(source: ReadAt) -> Probe:
    """Measure one file. Raises only what the source itself raises (`OSError`)."""
    reader = Reader(source)
    try:
        movie = read_movie(source, reader)
    except BmffError as error:
        return _probe(reader, None, error)
    return _probe(reader, facts_of(movie), movie.truncated)


def facts_of(movie: Movie) -> VideoFacts:
    """The facts of a readable index."""
    tracks = enabled_tracks(movie)
    video = video_track(tracks)
    width, height = _shown_size(video) if video else (None, None)
    return VideoFacts(
        duration_s=duration_s(movie),
        media_duration_s=media_duration_s(movie),
        has_video=video is not None,
        width=width,
        height=height,
        rotation=video.rotation if video else None,
        fps=_frames_per_second(video) if video else None,
        fps_lowest=_rate_of(video, video.timing.steps.longest) if video else None,
        fps_highest=_rate_of(video, video.timing.steps.shortest) if video else None,
        video_codec=video.entry.codec if video else None,
        video_profile=video.entry.profile if video else None,
        audio_codec=next((track.entry.codec for track in tracks if track.handler == AUDIO), None),
        header_gap=header_gap(movie),
        still=presented(video.still, video, movie.timescale) if video else (),
        stutter=presented(video.stutter, video, movie.timescale) if video else (),
    )


def _shown_size(video: Track) -> tuple[int, int]:
    width, height = video.entry.width, video.entry.height
    return (height, width) if video.rotation in (90, 270) else (width, height)


def _frames_per_second(video: Track) -> Fraction | None:
    """Samples per second of media on average; None when the media take no time."""
    if video.timing.decode_end <= 0:
        return None
    return Fraction(video.timing.sample_count * video.timescale, video.timing.decode_end)


def _rate_of(video: Track, duration: int | None) -> Fraction | None:
    """Frames per second if all lasted as long; None for a frame that takes no time."""
    return Fraction(video.timescale, duration) if duration else None


def _probe(reader: Reader, facts: VideoFacts | None, error: BmffError | None) -> Probe:
    problem = None if error is None else _problem(error)
    return Probe(size_bytes=reader.size_bytes, bytes_read=reader.bytes_read, facts=facts, problem=problem)


def _problem(error: BmffError) -> Problem:
    kind = ProblemKind.DAMAGED
    if isinstance(error, NotMp4):
        kind = ProblemKind.NOT_MP4
    elif isinstance(error, Truncated):
        kind = ProblemKind.TRUNCATED
    return Problem(kind=kind, reason=error.reason.value, offset=error.offset, found=error.found)
