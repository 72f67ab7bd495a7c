"""The HTTP side of a download of user content: headers that keep it harmless, and byte ranges (RFC 9110, 6266)."""

import re
from urllib.parse import quote

from services.kernel.storage.port import ObjectInfo

#: User content stays out of every cache.
CACHE_CONTROL = "private, no-store"
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_UNSAFE = re.compile(r'[^\x20-\x7e]|["\\%;]')
_CONTROL = re.compile(r"[\x00-\x1f\x7f/\\]")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")


def content_disposition(filename: str) -> str:
    """An attachment under `filename`; beside it stands a plain name for old readers, "_" for what is not ASCII."""
    clean = _CONTROL.sub("_", filename) or "download"
    fallback = _UNSAFE.sub("_", clean)
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(clean, safe='')}"


def content_type(media_type: str) -> str:
    """The media type; what is none becomes `application/octet-stream`."""
    return media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"


def content_headers(info: ObjectInfo, *, filename: str, media_type: str) -> tuple[tuple[str, str], ...]:
    """Headers of every answer with user content."""
    return (
        ("content-type", content_type(media_type)),
        ("content-disposition", content_disposition(filename)),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox"),
        ("cache-control", CACHE_CONTROL),
        ("accept-ranges", "bytes"),
        ("etag", f'"{info.etag}"'),
    )


def wanted_range(header: str | None, size_bytes: int) -> tuple[int, int] | None:
    """(offset, length) that a `Range` header asks for; None to send everything (no or several ranges, not bytes).

    Raises `ValueError` when no byte of the range exists (HTTP 416).
    """
    match = _RANGE.fullmatch((header or "").strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size_bytes)
        start = size_bytes - length
    else:
        start = int(first)
        end = min(int(last), size_bytes - 1) if last else size_bytes - 1
        if last and int(last) < start:
            return None
        length = end - start + 1
    if length <= 0:
        raise ValueError(f"no byte of {size_bytes} is in the range")
    return start, length
