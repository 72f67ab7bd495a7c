"""Headers and ranges of a download."""

from datetime import UTC, datetime

import pytest

from services.kernel.storage.download import content_disposition, content_headers, wanted_range
from services.kernel.storage.port import ObjectInfo

INFO = ObjectInfo(key="k", size_bytes=10, etag="e", modified_at=datetime(2023, 6, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.pdf", "attachment; filename=\"a.pdf\"; filename*=UTF-8''a.pdf"),
        ("王.pdf", "attachment; filename=\"_.pdf\"; filename*=UTF-8''%E7%8E%8B.pdf"),
        ('a"b;c%.pdf', "attachment; filename=\"a_b_c_.pdf\"; filename*=UTF-8''a%22b%3Bc%25.pdf"),
        ("a\r\nx: y", "attachment; filename=\"a__x: y\"; filename*=UTF-8''a__x%3A%20y"),
        ("../a\\b", "attachment; filename=\".._a_b\"; filename*=UTF-8''.._a_b"),
        ("", "attachment; filename=\"download\"; filename*=UTF-8''download"),
    ],
)
def test_a_name_cannot_leave_its_header(name: str, expected: str) -> None:
    assert content_disposition(name) == expected


@pytest.mark.parametrize("media_type", ["", "text", "text/html; charset=x", "a/b\r\nset-cookie: x=1", "A/B"])
def test_a_media_type_that_is_none_becomes_plain_bytes(media_type: str) -> None:
    headers = dict(content_headers(INFO, filename="a", media_type=media_type))
    assert headers["content-type"] == "application/octet-stream"


def test_user_content_is_kept_harmless() -> None:
    headers = dict(content_headers(INFO, filename="a", media_type="text/html"))
    assert headers["content-type"] == "text/html"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "sandbox"
    assert "no-store" in headers["cache-control"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=5-4", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes=a-b", None),
        ("bytes=-1-2", None),
        ("bytes=0-", (0, 10)),
        ("bytes=9-", (9, 1)),
        ("bytes=0-9", (0, 10)),
        ("bytes=0-10", (0, 10)),
        (" bytes=3-3 ", (3, 1)),
        ("bytes=-1", (9, 1)),
        ("bytes=-11", (0, 10)),
        ("bytes=0-999999999999999999", (0, 10)),
        ("bytes=0-9999999999999999999", None),
    ],
)
def test_a_range_that_can_be_served_or_is_to_be_ignored(header: str | None, expected: tuple[int, int] | None) -> None:
    assert wanted_range(header, 10) == expected


@pytest.mark.parametrize(
    ("header", "size_bytes"), [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_a_range_without_a_byte_cannot_be_served(header: str, size_bytes: int) -> None:
    with pytest.raises(ValueError, match="no byte"):
        wanted_range(header, size_bytes)
