"""What stands on a technical sheet, in this order: the container's and each track's."""

from dataclasses import dataclass

KINDS = ("General", "Video", "Audio", "Text", "Other")
_GENERAL = "format format_profile codec_id duration file_size overall_bit_rate bit_rate bit_rate_mode"
_PICTURE = (
    "width height display_aspect_ratio rotation frame_rate frame_rate_mode scan_type chroma_subsampling bit_depth "
    "color_primaries"
)
_SOUND = "channel_s sampling_rate language"
_ORIGIN = "encoded_date tagged_date writing_application writing_library recorded_date performer title"
FIELDS = tuple(f"{_GENERAL} {_PICTURE} {_SOUND} {_ORIGIN}".split())
MOST_TRACKS, LONGEST_VALUE = 20, 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """Of the file or of one track: names of `FIELDS` with what is said of them."""

    kind: str
    fields: tuple[tuple[str, str], ...]
