"""Content is told by its first bytes, never by a name."""

import pytest

from services.catalogue.sniff import HEAD_BYTES, MediaType, media_type


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    body = b"ftyp" + major + b"\x00\x00\x02\x00" + b"".join(compatible)
    return (len(body) + 4).to_bytes(4, "big") + body + b"\x00\x00\x10\x00moov"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"%PDF-1.7\n", MediaType.PDF),
        (b"\x00" * (HEAD_BYTES - 5) + b"%PDF-1.4", MediaType.PDF),
        (b"\x00" * (HEAD_BYTES - 4) + b"%PDF-1.4", MediaType.UNKNOWN),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", MediaType.JPEG),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", MediaType.PNG),
        (b"II*\x00\x08\x00", MediaType.TIFF),
        (b"MM\x00*\x00\x00", MediaType.TIFF),
        (ftyp(b"isom", b"isom", b"mp41"), MediaType.MP4),
        (ftyp(b"mp42"), MediaType.MP4),
        (ftyp(b"qt  ", b"mp42"), MediaType.MP4),
        (ftyp(b"qt  ", b"qt  "), MediaType.QUICKTIME),
        (ftyp(b"qt  ", b"qt  ", b"\x00\x00\x00\x00"), MediaType.QUICKTIME),
        (ftyp(b"qt  "), MediaType.QUICKTIME),
        (ftyp(b"3gp5"), MediaType.THREE_GPP),
        (ftyp(b"heic", b"mif1"), MediaType.HEIC),
        (b"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat", MediaType.QUICKTIME),
        (b"RIFF\x00\x00\x00\x00AVI LIST", MediaType.AVI),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", MediaType.WEBP),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", MediaType.UNKNOWN),
        (b"\x1aE\xdf\xa3\x01", MediaType.MATROSKA),
        (b"PK\x03\x04" + b"\x00" * 26 + b"[Content_Types].xml", MediaType.OFFICE_OPEN),
        (b"PK\x03\x04" + b"\x00" * 26 + b"scan.jpg", MediaType.ZIP),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", MediaType.OFFICE_OLD),
        (b"\xef\xbb\xbf\n <!DOCTYPE HTML>", MediaType.HTML),
        (b"<html><body>", MediaType.HTML),
        (b"BM\x36\x00\x0c\x00\x00\x00\x00\x00\x36", MediaType.BMP),
        (b"plain words", MediaType.UNKNOWN),
        (b"", MediaType.UNKNOWN),
        (b"\x00\x00\x00\x08ftyp", MediaType.MP4),
    ],
)
def test_media_type_of_content(head: bytes, expected: MediaType) -> None:
    assert media_type(head) is expected


def test_a_picture_that_mentions_pdf_stays_a_picture() -> None:
    assert media_type(b"\xff\xd8\xff\xe0 %PDF-1.7") is MediaType.JPEG


def test_html_that_mentions_pdf_late_is_still_told_by_the_readers_rule() -> None:
    assert media_type(b"<html>%PDF-1.4") is MediaType.PDF
    assert media_type(b"<html>" + b" " * HEAD_BYTES + b"%PDF-1.4") is MediaType.HTML
