"""Whether browsers play a video as it is."""

#: 4:2:0 with 8 bits: constrained baseline and baseline, main, high.
_H264_PROFILES = frozenset({66, 77, 100})
_PICTURES = frozenset({"vp9", "av1"})
_SOUNDS = frozenset({"", "aac", "mp3", "opus", "flac"})


def plays_in_browsers(video_codec: str, video_profile: int, audio_codec: str) -> bool:
    """What Chromium, Firefox and Safari all play; `audio_codec` is "" without sound. Codecs as `sample_entry` names
    them. H.265 plays in some, by the machine's hardware: not counted.
    """
    shown = video_codec in _PICTURES or (video_codec == "h264" and video_profile in _H264_PROFILES)
    return shown and audio_codec in _SOUNDS
