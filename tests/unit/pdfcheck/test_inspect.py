"""What is measured of each kind of file, good and bad."""

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.pdfcheck.domain.facts import DocumentFacts, Health, from_json
from services.pdfcheck.tools.inspect import facts_of, inspect
from tests.assets import pdf_fixtures as made


def facts(content: bytes, limit: int = made.PAGE_LIMIT) -> DocumentFacts:
    return facts_of(io.BytesIO(content), limit)


@pytest.mark.parametrize(
    ("content", "health"),
    [
        (made.scanned_pdf, Health.SOUND),
        (made.linked, Health.SOUND),
        (lambda: b"", Health.EMPTY_FILE),
        (made.html, Health.NOT_A_DOCUMENT),
        (made.no_pages, Health.NO_PAGES),
        (made.cyclic, Health.DAMAGED),
        (made.truncated, Health.DAMAGED),
        (lambda: made.truncated(0.02), Health.DAMAGED),
        (lambda: made.truncated(0.999), Health.DAMAGED),
        (made.lost_page, Health.DAMAGED),
        (made.without_end, Health.REPAIRED),
        (made.lying_length, Health.REPAIRED),
        (lambda: made.encrypted(user="1234"), Health.LOCKED),
        (made.encrypted, Health.SOUND),
        (made.scan_jpeg, Health.SOUND),
        (made.mpo, Health.SOUND),
        (made.png, Health.SOUND),
        (lambda: made.scan_jpeg()[:-1000], Health.DAMAGED),
        (lambda: made.scan_jpeg()[:-2], Health.DAMAGED),
        (lambda: made.png()[:-1000], Health.DAMAGED),
        (lambda: b"\xff\xd8\xff", Health.DAMAGED),
        (lambda: b"%PDF-1.4", Health.DAMAGED),
    ],
)
def test_health(content: object, health: Health) -> None:
    assert callable(content)
    assert facts(content()).health is health


def test_junk_before_the_header_is_tolerated_within_the_first_kilobyte() -> None:
    assert facts(b"\n" * 200 + made.scanned_pdf()).usable
    assert facts(b"\n" * 1100 + made.scanned_pdf()).health is Health.NOT_A_DOCUMENT


def test_encryption_is_told_apart() -> None:
    owner, user = facts(made.encrypted()), facts(made.encrypted(user="1234"))
    assert (owner.encrypted, owner.owner_restricted, len(owner.pages)) == (True, True, 2)
    assert (user.encrypted, user.owner_restricted, user.pages) == (True, False, ())


def test_only_a_made_signature_counts() -> None:
    assert facts(made.signed()).signed
    assert not facts(made.signed(made=False)).signed


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (made.javascript, ("javascript",)),
        (made.launching, ("launch", "media")),
        (made.linked, ()),
        (made.scanned_pdf, ()),
    ],
)
def test_active_content(content: object, kinds: tuple[str, ...]) -> None:
    assert callable(content)
    assert facts(content()).active == kinds


def test_attachments_and_xfa() -> None:
    assert facts(made.with_attachments(2)).embedded_files == 2
    assert facts(made.with_attachments(0)).embedded_files == 0
    assert facts(made.xfa()).xfa
    assert not facts(made.signed()).xfa


def test_images_only() -> None:
    assert facts(made.scanned_pdf()).images_only
    assert not facts(made.shared_font()).images_only


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_counts_upright_pixels(orientation: int) -> None:
    measured = facts(made.photo_jpeg(orientation))
    upright = (1600, 1200) if orientation < 5 else (1200, 1600)
    assert (measured.width_px, measured.height_px) == upright


def test_too_many_pixels_are_refused_before_they_are_unpacked() -> None:
    bomb = made.png("1", (40, 40))
    width = (200_000).to_bytes(4, "big")
    header = width + width + bomb[24:29]
    chunk = b"IHDR" + header
    hostile = bomb[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + bomb[33:]
    assert facts(hostile).health is Health.TOO_COMPLEX


def test_the_sandboxed_function_returns_what_the_domain_reads() -> None:
    class Raw(io.BytesIO):
        """A raw source: reads may be short."""

    content = made.scanned_pdf()
    told = inspect([Raw(content)], {"page_limit_bytes": made.PAGE_LIMIT}, lambda _: None)  # type: ignore[list-item]
    assert from_json(told) == facts(content)


def test_arguments_are_checked() -> None:
    with pytest.raises(KeyError):
        inspect([], {}, lambda _: None)
    with pytest.raises(ValueError):
        inspect([], {"page_limit_bytes": "5"}, lambda _: None)


@given(
    seed=st.sampled_from([made.tiny_pdf, made.tiny_jpeg, made.tiny_png]),
    cut=st.floats(0.01, 1),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=8),
)
@settings(max_examples=150, deadline=None)
def test_altered_bytes_never_surprise(seed: Callable[[], bytes], cut: float, changes: list[tuple[float, int]]) -> None:
    content = bytearray(seed())
    for place, value in changes:
        content[int(place * len(content))] = value
    measured = facts(bytes(content[: max(1, int(cut * len(content)))]))
    assert measured.usable == bool(measured.pages)


def test_a_picture_of_one_pixel() -> None:
    assert facts(made.png("RGB", (1, 1))).usable
    assert facts(made.scan_jpeg(1, "x", (3, 2000))).usable


def test_a_png_with_an_altered_byte_is_damaged() -> None:
    content = bytearray(made.tiny_png())
    content[len(content) // 2] ^= 1
    assert facts(bytes(content)).health is Health.DAMAGED
