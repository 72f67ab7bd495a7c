"""What kind of content a file starts with, told from its first bytes alone; names and declared types are not asked.

Pure: the caller reads the bytes. Whether the file is whole and healthy is for the checks of its kind to say.
"""

from enum import StrEnum

#: How many bytes from the start :func:`media_type` looks at; more is harmless.
HEAD_BYTES = 1024


class MediaType(StrEnum):
    """Every media type that content can be told to be."""

    PDF = "application/pdf"
    MP4 = "video/mp4"
    QUICKTIME = "video/quicktime"
    THREE_GPP = "video/3gpp"
    MATROSKA = "video/x-matroska"
    AVI = "video/x-msvideo"
    ASF = "video/x-ms-asf"
    FLV = "video/x-flv"
    MPEG = "video/mpeg"
    JPEG = "image/jpeg"
    PNG = "image/png"
    TIFF = "image/tiff"
    HEIC = "image/heic"
    AVIF = "image/avif"
    GIF = "image/gif"
    BMP = "image/bmp"
    WEBP = "image/webp"
    ZIP = "application/zip"
    OFFICE_OPEN = "application/vnd.openxmlformats-officedocument"
    OFFICE_OLD = "application/x-ole-storage"
    RAR = "application/vnd.rar"
    SEVEN_ZIP = "application/x-7z-compressed"
    HTML = "text/html"
    UNKNOWN = "application/octet-stream"


#: Content that plays as moving pictures, whether or not an item takes it.
VIDEOS: frozenset[MediaType] = frozenset(
    {
        MediaType.MP4,
        MediaType.QUICKTIME,
        MediaType.THREE_GPP,
        MediaType.MATROSKA,
        MediaType.AVI,
        MediaType.ASF,
        MediaType.FLV,
        MediaType.MPEG,
    }
)
#: Content in the ISO base media container, which the reader of mp4 boxes can judge.
MP4_LIKE: frozenset[MediaType] = frozenset({MediaType.MP4, MediaType.QUICKTIME, MediaType.THREE_GPP})
#: Pictures that a PDF can hold as they are, and those that are converted for it.
EMBEDDED: frozenset[MediaType] = frozenset({MediaType.JPEG, MediaType.PNG})
CONVERTED: frozenset[MediaType] = frozenset({MediaType.TIFF, MediaType.HEIC})
#: Pictures that a merge can take as parts.
PICTURES: frozenset[MediaType] = EMBEDDED | CONVERTED
#: What may be a part of a document material.
DOCUMENT_PARTS: frozenset[MediaType] = PICTURES | {MediaType.PDF}

_PREFIXES: tuple[tuple[bytes, MediaType], ...] = (
    (b"\xff\xd8\xff", MediaType.JPEG),
    (b"\x89PNG\r\n\x1a\n", MediaType.PNG),
    (b"II*\x00", MediaType.TIFF),
    (b"MM\x00*", MediaType.TIFF),
    (b"GIF87a", MediaType.GIF),
    (b"GIF89a", MediaType.GIF),
    (b"\x1aE\xdf\xa3", MediaType.MATROSKA),
    (b"0&\xb2u\x8ef\xcf\x11", MediaType.ASF),
    (b"FLV\x01", MediaType.FLV),
    (b"\x00\x00\x01\xba", MediaType.MPEG),
    (b"\x00\x00\x01\xb3", MediaType.MPEG),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", MediaType.OFFICE_OLD),
    (b"Rar!\x1a\x07", MediaType.RAR),
    (b"7z\xbc\xaf\x27\x1c", MediaType.SEVEN_ZIP),
)
_RIFF: dict[bytes, MediaType] = {b"AVI ": MediaType.AVI, b"WEBP": MediaType.WEBP}
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
#: Boxes that a QuickTime file without `ftyp` may start with.
_OLD_QUICKTIME = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_OFFICE_PARTS = (b"[Content_Types].xml", b"word/", b"xl/", b"ppt/")


def media_type(head: bytes) -> MediaType:
    """The media type of a file that starts with `head` (give at least :data:`HEAD_BYTES` where there are as many).

    A PDF's header may stand anywhere in the first 1,024 bytes (its readers allow that), so a picture or a page of
    HTML is asked for first and junk before `%PDF-` last.
    """
    for prefix, kind in _PREFIXES:
        if head.startswith(prefix):
            return kind
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], MediaType.UNKNOWN)
    if head[:4] == b"PK\x03\x04":
        return MediaType.OFFICE_OPEN if any(part in head for part in _OFFICE_PARTS) else MediaType.ZIP
    if head[4:8] == b"ftyp":
        return _by_brands(head)
    if head[4:8] in _OLD_QUICKTIME:
        return MediaType.QUICKTIME
    return _text_like(head)


def _text_like(head: bytes) -> MediaType:
    if b"%PDF-" in head[:HEAD_BYTES]:
        return MediaType.PDF
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return MediaType.HTML
    if head.startswith(b"BM") and head[6:10] == b"\x00\x00\x00\x00":
        return MediaType.BMP
    return MediaType.UNKNOWN


def _by_brands(head: bytes) -> MediaType:
    """The kind of an ISO base media file. Only a file whose every brand is `qt  ` is QuickTime (`cli.md`)."""
    size = int.from_bytes(head[:4], "big")
    end = min(size, len(head)) if size >= 16 else 16
    major = head[8:12]
    brands = {major, *(head[at : at + 4] for at in range(16, end - 3, 4))} - {b"\x00\x00\x00\x00", b""}
    if major in _AVIF_BRANDS:
        return MediaType.AVIF
    if major in _HEIC_BRANDS:
        return MediaType.HEIC
    if brands == {b"qt  "}:
        return MediaType.QUICKTIME
    if major.startswith((b"3gp", b"3g2")):
        return MediaType.THREE_GPP
    return MediaType.MP4
