"""Is it an mp4 at all? Told by the brands of `ftyp`, and by what other kinds of file begin with."""

from services.video.domain.bmff.boxes import printable
from services.video.domain.bmff.errors import NotMp4, Reason

#: Brands that make a file an mp4: ISO base media, MPEG-4, and the profiles that cameras and streaming write.
_MP4_CODES = (
    "isom iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 isoa isob isoc mp41 mp42 mp71 avc1 av01 hvc1 M4V M4VH M4VP M4A "
    "f4v MSNV ndsc NDSC NDSH NDSM NDSP NDSS XAVC dash msdh msix cmfc cmff cmf2"
)
_MP4 = frozenset(code.ljust(4) for code in _MP4_CODES.split())
_QUICKTIME = "qt  "
#: What a file begins with when it is something else; shown to the applicant.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x1a\x45\xdf\xa3", "Matroska / WebM"),
    (b"RIFF", "AVI"),
    (b"FLV", "FLV"),
    (b"\x30\x26\xb2\x75", "WMV / ASF"),
    (b"\x00\x00\x01\xba", "MPEG-PS (VOB, MPG)"),
    (b"\x00\x00\x01\xb3", "MPEG"),
    (b"#EXTM3U", "HLS (m3u8)"),
    (b"%PDF", "PDF"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"ID3", "MP3"),
    (b"OggS", "Ogg"),
    (b"PK\x03\x04", "ZIP"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7-Zip"),
    (b"<?xml", "XML"),
    (b"<MPD", "DASH (mpd)"),
)
#: Transport streams begin each of their packets with one byte.
_PACKET_BYTES, _PACKET_START = 188, 0x47
#: As much of the file as `check_start` wants to see.
START_BYTES = _PACKET_BYTES + 1
#: A file of these without `ftyp` before them is QuickTime from before there were brands.
_BARE_QUICKTIME = frozenset({b"moov", b"mdat", b"wide", b"pnot", b"skip", b"free"})


def check_start(start: bytes) -> None:
    """Raise `NotMp4` unless the file begins with an `ftyp` box; `start` is its first bytes."""
    kind = start[4:8]
    if kind == b"ftyp":
        return
    if kind in _BARE_QUICKTIME:
        raise NotMp4(Reason.QUICKTIME, offset=0, found="QuickTime (mov)")
    for magic, name in _MAGIC:
        if start.startswith(magic):
            raise NotMp4(Reason.OTHER_CONTENT, offset=0, found=name)
    packets = len(start) >= START_BYTES and start[0] == start[_PACKET_BYTES] == _PACKET_START
    raise NotMp4(Reason.OTHER_CONTENT, offset=0, found="MPEG-TS" if packets else "?")


def check_brands(ftyp: bytes) -> tuple[str, ...]:
    """The brands of `ftyp`'s body, the major one first. Raises `NotMp4` when none belongs to mp4 (M15-2e)."""
    codes = [ftyp[0:4], *(ftyp[at : at + 4] for at in range(8, len(ftyp) - 3, 4))]
    brands = tuple(printable(code) for code in codes if len(code) == 4 and code != b"\x00\x00\x00\x00")
    if _MP4.intersection(brands):
        return brands
    if _QUICKTIME in brands:
        raise NotMp4(Reason.QUICKTIME, offset=0, found="QuickTime (mov)")
    raise NotMp4(Reason.OTHER_BRAND, offset=0, found=" ".join(brands[:4]).strip() or "?")
