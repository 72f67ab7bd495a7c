"""What the samples are: codec and picture size from the first entry of `stsd`."""

from dataclasses import dataclass

from services.video.domain.bmff.boxes import Box, BoxBudget, children, index_children, printable
from services.video.domain.bmff.errors import Damaged, Reason

#: Four-character codes and the names that people and tools use for them.
_CODECS = {
    **dict.fromkeys(("avc1", "avc2", "avc3", "avc4", "dva1", "dvav"), "h264"),
    **dict.fromkeys(("hvc1", "hev1", "dvh1", "dvhe"), "hevc"),
    **dict.fromkeys(("sowt", "twos", "lpcm", "ipcm", "fpcm", "in24", "raw "), "pcm"),
    **dict.fromkeys(("apch", "apcn", "apcs", "apco", "ap4h"), "prores"),
    **dict.fromkeys(("jpeg", "mjpa", "mjpb"), "mjpeg"),
    **dict.fromkeys(("encv", "enca"), "encrypted"),
    "vvc1": "vvc",
    "mp4v": "mpeg4",
    "s263": "h263",
    "av01": "av1",
    "vp08": "vp8",
    "vp09": "vp9",
    "mp4a": "aac",
    ".mp3": "mp3",
    "ac-3": "ac3",
    "ec-3": "eac3",
    "Opus": "opus",
    "fLaC": "flac",
    "alac": "alac",
    "samr": "amr_nb",
    "sawb": "amr_wb",
}
#: `mp4a` carries more than AAC: the object type in its descriptor tells (ISO/IEC 14496-1).
_OBJECT_TYPES = {0x69: "mp3", 0x6B: "mp3", 0xA5: "ac3", 0xA6: "eac3", 0xA9: "dts", 0xAD: "opus"}
_DECODER_CONFIG, _ES = 4, 3


#: Before the boxes of a picture's sample entry (ISO/IEC 14496-12, VisualSampleEntry).
_PICTURE_FIELDS = 78


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleEntry:
    """Codec by its common name (or its four-character code); `width` and `height` in pixels as stored, 0 for sound;
    `profile` as H.264 numbers it (ISO/IEC 14496-10, Annex A), 0 for other codecs and where it is not said.
    """

    codec: str
    width: int = 0
    height: int = 0
    profile: int = 0


def sample_entry_of(stsd: Box, handler: str, budget: BoxBudget) -> SampleEntry:
    """The first sample entry. Raises `Damaged` when there is none."""
    entry = next(children(stsd, budget, skip=8), None) if stsd.u32(4) else None
    if entry is None:
        raise Damaged(Reason.MISSING_BOX, offset=stsd.offset, found="stsd")
    code = printable(entry.kind)
    codec = _CODECS.get(code, code.strip().lower())
    if handler == "vide":
        profile = _h264_profile(entry, budget) if codec == "h264" else 0
        return SampleEntry(codec=codec, width=entry.u16(24), height=entry.u16(26), profile=profile)
    return SampleEntry(codec=_mpeg4_audio(entry, budget) if code == "mp4a" else codec)


def _h264_profile(entry: Box, budget: BoxBudget) -> int:
    """The profile in `avcC`; 0 where the entry's boxes cannot be read: nothing is judged by it."""
    try:
        found = (box for box in children(entry, budget, skip=_PICTURE_FIELDS) if box.kind == b"avcC")
        return next((box.bytes_at(1, 1)[0] for box in found), 0)
    except Damaged:
        return 0


def _mpeg4_audio(entry: Box, budget: BoxBudget) -> str:
    """AAC unless `esds` says otherwise; a descriptor that cannot be read leaves it AAC."""
    if entry.u16(8) != 0:  # QuickTime's longer sound descriptions
        return "aac"
    for esds in index_children(entry, budget, skip=28).get(b"esds", []):
        object_type = _object_type(bytes(esds.rest(4)))
        if object_type is not None:
            return _OBJECT_TYPES.get(object_type, "aac")
    return "aac"


def _object_type(descriptor: bytes) -> int | None:
    """The object type of the decoder configuration inside an elementary-stream descriptor."""
    tag, body = _descriptor(descriptor)
    if tag == _ES and len(body) >= 3:
        flags = body[2]
        skip = 3 + (2 if flags & 0x80 else 0) + (2 if flags & 0x20 else 0)
        if flags & 0x40:
            skip += 1 + (body[skip] if skip < len(body) else 0)
        tag, body = _descriptor(body[skip:])
    return body[0] if tag == _DECODER_CONFIG and body else None


def _descriptor(data: bytes) -> tuple[int | None, bytes]:
    """(tag, body) of the descriptor at the start; its length takes up to four bytes of seven bits."""
    length = 0
    for position, byte in enumerate(data[1:5], start=1):
        length = length << 7 | byte & 0x7F
        if not byte & 0x80:
            return data[0], data[position + 1 : position + 1 + length]
    return None, b""
