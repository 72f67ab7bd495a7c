"""What a file's name promises about its content (`file.type-mismatch`)."""

from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType

from services.catalogue.sniff import MediaType

#: An extension that is not here promises nothing.
_BY_EXTENSION: Mapping[str, MediaType] = MappingProxyType(
    {
        ".pdf": MediaType.PDF,
        ".jpg": MediaType.JPEG,
        ".jpeg": MediaType.JPEG,
        ".jpe": MediaType.JPEG,
        ".jfif": MediaType.JPEG,
        ".png": MediaType.PNG,
        ".tif": MediaType.TIFF,
        ".tiff": MediaType.TIFF,
        ".heic": MediaType.HEIC,
        ".heif": MediaType.HEIC,
        ".avif": MediaType.AVIF,
        ".mp4": MediaType.MP4,
        ".m4v": MediaType.MP4,
        ".mov": MediaType.QUICKTIME,
        ".avi": MediaType.AVI,
        ".mkv": MediaType.MATROSKA,
        ".wmv": MediaType.ASF,
        ".flv": MediaType.FLV,
        ".mpg": MediaType.MPEG,
        ".mpeg": MediaType.MPEG,
        ".doc": MediaType.OFFICE_OLD,
        ".docx": MediaType.OFFICE_OPEN,
        ".htm": MediaType.HTML,
        ".html": MediaType.HTML,
        ".zip": MediaType.ZIP,
        ".rar": MediaType.RAR,
    }
)


def expected_type(file_name: str) -> MediaType | None:
    """The media type that the extension promises, None when it promises none that is known here."""
    return _BY_EXTENSION.get(PurePath(file_name).suffix.lower())
