"""What a file's name promises about its content (`file.type-mismatch`)."""

from pathlib import PurePath

from services.catalogue.sniff import MediaType

_BY_EXTENSION = {
    ".pdf": MediaType.PDF,
    ".jpg": MediaType.JPEG,
    ".jpeg": MediaType.JPEG,
    ".jpe": MediaType.JPEG,
    ".jfif": MediaType.JPEG,
    ".png": MediaType.PNG,
}


def expected_type(file_name: str) -> MediaType | None:
    """The media type that the extension promises, None when it promises none that is known here."""
    return _BY_EXTENSION.get(PurePath(file_name).suffix.lower())
