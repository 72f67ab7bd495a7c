"""What a browser is given: where it leads, and that a page of ours may use it and another site's may not."""

import hashlib
from dataclasses import replace

import httpx
import pytest

from services.kernel.storage.presign import DIGEST_HEADER, MAX_EXPIRES_S
from services.kernel.storage.s3 import S3Store
from services.kernel.storage.s3.address import Address
from tests.integration.kernel.s3.conftest import opened
from tests.object_server import ORIGIN

SHA256 = hashlib.sha256(b"part").hexdigest()


async def test_it_leads_to_the_public_endpoint(bucket: Address) -> None:
    store = opened(replace(bucket, public_endpoint="https://files.example.org"))
    part = await store.presign_part("staging/a", "u", number=1, size_bytes=4, sha256=SHA256, expires_s=60)
    download = await store.presign_get("staging/a", expires_s=60, filename="a.pdf", media_type="application/pdf")
    for request in (part, download):
        assert request.url.startswith(f"https://files.example.org/{bucket.bucket}/staging/a?")
    store.close()


async def test_a_virtual_host_is_the_origin_that_pages_are_told(bucket: Address) -> None:
    address = replace(bucket, public_endpoint="https://files.example.org", path_style=False)
    store = opened(address)
    request = await store.presign_get("staging/a", expires_s=60, filename="a.pdf", media_type="application/pdf")
    assert request.url.startswith(f"{address.public_origin}/staging/a?")
    store.close()


@pytest.mark.parametrize("expires_s", [0, MAX_EXPIRES_S + 1])
async def test_it_lives_a_week_at_most(store: S3Store, expires_s: int) -> None:
    with pytest.raises(ValueError, match="lives"):
        await store.presign_get("a", expires_s=expires_s, filename="a", media_type="text/plain")
    with pytest.raises(ValueError, match="lives"):
        await store.presign_part("a", "u", number=1, size_bytes=4, sha256=SHA256, expires_s=expires_s)


async def test_a_page_of_ours_may_send_a_part_and_no_other_page(store: S3Store) -> None:
    upload_id = await store.create_upload("staging/a")
    request = await store.presign_part("staging/a", upload_id, number=1, size_bytes=4, sha256=SHA256, expires_s=60)
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": DIGEST_HEADER}
    async with httpx.AsyncClient(trust_env=False) as http:
        ours = await http.options(request.url, headers={"Origin": ORIGIN, **asked})
        assert ours.headers["access-control-allow-origin"] == ORIGIN
        assert DIGEST_HEADER in ours.headers["access-control-allow-headers"].lower()
        sent = await http.put(request.url, headers={"Origin": ORIGIN, **dict(request.headers)}, content=b"part")
        assert (sent.status_code, sent.headers["access-control-allow-origin"]) == (200, ORIGIN)
        theirs = await http.options(request.url, headers={"Origin": "https://evil.test", **asked})
        assert "access-control-allow-origin" not in theirs.headers
        more = {**asked, "Access-Control-Request-Headers": "x-other"}
        assert (
            "access-control-allow-origin"
            not in (await http.options(request.url, headers={"Origin": ORIGIN, **more})).headers
        )


@pytest.mark.parametrize("media_type", ["text/html\r\nx: y", "", "no type"])
async def test_what_is_no_media_type_is_sent_as_bytes(store: S3Store, media_type: str) -> None:
    await store.put("a", b"<script>")
    request = await store.presign_get("a", expires_s=60, filename='a"\r\n.html', media_type=media_type)
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(request.url)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["cache-control"] == "private, no-store"
