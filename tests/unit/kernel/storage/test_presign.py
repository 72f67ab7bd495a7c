"""Which presigned request is accepted, and the reason that the log is given when one is not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.storage.port import InvalidKey, PresignedRequest, PresignRefused
from services.kernel.storage.presign import (
    DIGEST_HEADER,
    FILES_PATH,
    MAX_EXPIRES_S,
    PARTS_PATH,
    FileClaim,
    PartClaim,
    PresignKey,
    Refusal,
    Signer,
)

KEY = "cycles/2023/dossiers/d/15.2a/f"
SHA256 = "ab" * 32
OLD, NEW = PresignKey(key_id="old", secret="o" * 32), PresignKey(key_id="new", secret="n" * 32)


class SetClock:
    def __init__(self) -> None:
        self.moment = datetime(2023, 6, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


def signed_part(signer: Signer, *, base_url: str = "https://x.test/app/", expires_s: int = 60) -> PresignedRequest:
    return signer.sign_part(base_url, KEY, "u-1", number=7, size_bytes=1000, sha256=SHA256, expires_s=expires_s)


def verify_part(
    signer: Signer, request: PresignedRequest, *, content_length: int | None = 1000, digest: str | None = "as given"
) -> PartClaim:
    """As the gateway does it: everything from the request, the base path taken off by the mount."""
    url = urlsplit(request.url)
    key = unquote(url.path).partition(PARTS_PATH)[2]
    given = dict(request.headers).get(DIGEST_HEADER) if digest == "as given" else digest
    return signer.verify_part(
        method=request.method, key=key, query=url.query, content_length=content_length, digest=given
    )


def refusal(signer: Signer, request: PresignedRequest) -> str:
    with pytest.raises(PresignRefused) as caught:
        verify_part(signer, request)
    return caught.value.reason


def test_a_signed_part_is_claimed_as_signed() -> None:
    clock = SetClock()
    signer = Signer([NEW], clock)
    request = signed_part(signer)
    assert request.url.startswith(f"https://x.test/app{PARTS_PATH}cycles/2023/")
    assert request.expires_at == clock.moment + timedelta(seconds=60)
    assert verify_part(signer, request) == PartClaim(
        key=KEY, upload_id="u-1", number=7, size_bytes=1000, sha256=SHA256, expires_at=request.expires_at
    )


def test_a_request_may_be_made_until_it_expires() -> None:
    clock = SetClock()
    signer = Signer([NEW], clock)
    request = signed_part(signer)
    clock.moment = request.expires_at - timedelta(microseconds=1)
    verify_part(signer, request)
    clock.moment = request.expires_at
    assert refusal(signer, request) == Refusal.EXPIRED


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("partNumber=7", "partNumber=8", Refusal.ALTERED),
        ("uploadId=u-1", "uploadId=u-2", Refusal.ALTERED),
        ("X-Length=1000", "X-Length=1001", Refusal.ALTERED),
        ("X-Sha256=ab", "X-Sha256=ac", Refusal.ALTERED),
        ("X-Expires=1", "X-Expires=9", Refusal.ALTERED),
        ("15.2a/f", "15.2a/g", Refusal.ALTERED),
        ("X-Signature=", "X-Signature=0", Refusal.ALTERED),
        ("partNumber=7&", "", Refusal.ALTERED),
        ("X-Signature=", "X-Signatur=", Refusal.MALFORMED),
        ("X-Key=new", "X-Key=other", Refusal.UNKNOWN_KEY),
        ("X-Key=new&", "", Refusal.MALFORMED),
        ("?", "?partNumber=8&", Refusal.MALFORMED),
        ("?uploadId=", "?&&uploadId", Refusal.MALFORMED),
        ("u-1", "%ff", Refusal.MALFORMED),
    ],
)
def test_whatever_is_altered_is_refused(old: str, new: str, reason: Refusal) -> None:
    signer = Signer([NEW], SetClock())
    request = signed_part(signer)
    assert old in request.url
    assert refusal(signer, replace(request, url=request.url.replace(old, new, 1))) == reason


def test_without_parameters_it_is_malformed() -> None:
    signer = Signer([NEW], SetClock())
    request = signed_part(signer)
    assert refusal(signer, replace(request, url=request.url.partition("?")[0])) == Refusal.MALFORMED


def test_another_method_length_or_digest_is_refused() -> None:
    signer = Signer([NEW], SetClock())
    request = signed_part(signer)
    assert refusal(signer, replace(request, method="GET")) == Refusal.OTHER_METHOD
    assert refusal(signer, replace(request, headers=())) == Refusal.OTHER_DIGEST
    assert refusal(signer, replace(request, headers=((DIGEST_HEADER, "AAAA"),))) == Refusal.OTHER_DIGEST
    for length in (999, 1001, None):
        with pytest.raises(PresignRefused, match=Refusal.OTHER_LENGTH):
            verify_part(signer, request, content_length=length)


def test_a_signed_download_is_claimed_as_signed_and_never_as_an_upload() -> None:
    signer = Signer([NEW], SetClock())
    request = signer.sign_file("https://x.test", KEY, filename='王小明 "1".pdf', media_type="a/b", expires_s=60)
    url = urlsplit(request.url)
    assert unquote(url.path) == FILES_PATH + KEY
    for method in ("GET", "HEAD"):
        claim = signer.verify_file(method=method, key=KEY, query=url.query)
        assert claim == FileClaim(key=KEY, filename='王小明 "1".pdf', media_type="a/b", expires_at=request.expires_at)
    with pytest.raises(PresignRefused, match=Refusal.OTHER_METHOD):
        signer.verify_file(method="PUT", key=KEY, query=url.query)
    with pytest.raises(PresignRefused, match=Refusal.ALTERED):
        signer.verify_part(method="PUT", key=KEY, query=url.query, content_length=1, digest=None)
    with pytest.raises(PresignRefused, match=Refusal.ALTERED):
        signer.verify_file(method="GET", key=KEY, query=urlsplit(signed_part(signer).url).query)


def test_keys_are_rotated_by_a_ring() -> None:
    clock = SetClock()
    before, during, after = Signer([OLD], clock), Signer([NEW, OLD], clock), Signer([NEW], clock)
    old, new = signed_part(before), signed_part(during)
    verify_part(during, old)
    verify_part(after, new)
    assert refusal(after, old) == Refusal.UNKNOWN_KEY
    impostor = Signer([PresignKey(key_id="new", secret="x" * 32)], clock)
    assert refusal(after, signed_part(impostor)) == Refusal.ALTERED


def test_a_weak_ring_is_refused() -> None:
    for keys in ([], [PresignKey(key_id="short", secret="x" * 31)]):
        with pytest.raises(ValueError, match="32 bytes"):
            Signer(keys, SetClock())


def test_an_expiry_has_limits() -> None:
    signer = Signer([NEW], SetClock())
    signed_part(signer, expires_s=1)
    signed_part(signer, expires_s=MAX_EXPIRES_S)
    for expires_s in (0, MAX_EXPIRES_S + 1):
        with pytest.raises(ValueError, match="lives"):
            signed_part(signer, expires_s=expires_s)


def test_a_bad_key_is_not_signed() -> None:
    with pytest.raises(InvalidKey):
        Signer([NEW], SetClock()).sign_file("https://x.test", "../x", filename="x", media_type="a/b", expires_s=1)


@given(filename=st.text(max_size=60), media_type=st.text(max_size=60))
def test_any_name_survives_the_url(filename: str, media_type: str) -> None:
    signer = Signer([NEW], SetClock())
    try:
        (filename + media_type).encode()
    except UnicodeEncodeError:
        return
    request = signer.sign_file("https://x.test", KEY, filename=filename, media_type=media_type, expires_s=60)
    claim = signer.verify_file(method="GET", key=KEY, query=urlsplit(request.url).query)
    assert (claim.filename, claim.media_type) == (filename, media_type)


@given(query=st.text(max_size=200), key=st.text(max_size=50))
def test_nothing_else_than_a_refusal_comes_of_garbage(query: str, key: str) -> None:
    signer = Signer([NEW], SetClock())
    with pytest.raises(PresignRefused):
        signer.verify_file(method="GET", key=key, query=query)
    with pytest.raises(PresignRefused):
        signer.verify_part(method="PUT", key=key, query=f"X-Key=new&{query}", content_length=1, digest=query)
