"""Requests that somebody without an account may make, signed here and asked of nobody."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from services.kernel.storage.download import CACHE_CONTROL, content_disposition, content_type
from services.kernel.storage.keys import check_part
from services.kernel.storage.port import PresignedRequest
from services.kernel.storage.presign import DIGEST_HEADER, MAX_EXPIRES_S, digest_header

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class Presigner:
    """Signs for a bucket. `ValueError` for an expiry beyond a week."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        """The client's endpoint is where the requests will lead."""
        self._client = client
        self._bucket = bucket

    def part(
        self, key: str, upload_id: str, *, number: int, size_bytes: int, sha256: str, expires_s: int
    ) -> PresignedRequest:
        """A PUT of one part: length and digest are headers that the signature covers. Raises `InvalidKey`."""
        check_part(number, size_bytes, sha256)
        digest = digest_header(sha256)
        fields = {
            "Bucket": self._bucket,
            "Key": key,
            "UploadId": upload_id,
            "PartNumber": number,
            "ContentLength": size_bytes,
            "ChecksumSHA256": digest,
        }
        url = self._client.generate_presigned_url("upload_part", Params=fields, ExpiresIn=_checked(expires_s))
        return PresignedRequest(method="PUT", url=url, headers=((DIGEST_HEADER, digest),), expires_at=_expiry(url))

    def get(self, key: str, *, filename: str, media_type: str, expires_s: int) -> PresignedRequest:
        """A download under a name of ours, whatever the object was stored as."""
        fields = {
            "Bucket": self._bucket,
            "Key": key,
            "ResponseContentDisposition": content_disposition(filename),
            "ResponseContentType": content_type(media_type),
            "ResponseCacheControl": CACHE_CONTROL,
        }
        url = self._client.generate_presigned_url("get_object", Params=fields, ExpiresIn=_checked(expires_s))
        return PresignedRequest(method="GET", url=url, headers=(), expires_at=_expiry(url))


def _checked(expires_s: int) -> int:
    if not 0 < expires_s <= MAX_EXPIRES_S:
        raise ValueError(f"a presigned URL lives 1..{MAX_EXPIRES_S} s, not {expires_s}")
    return expires_s


def _expiry(url: str) -> datetime:
    """As it was signed: the signing has a clock of its own."""
    fields = parse_qs(urlsplit(url).query)
    signed = datetime.strptime(fields["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return signed + timedelta(seconds=int(fields["X-Amz-Expires"][0]))
