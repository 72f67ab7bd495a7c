"""Objects that come in parts: the single calls, blocking, each for one upload of one bucket."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from services.kernel.storage.port import (
    Excerpt,
    ObjectChanged,
    ObjectExists,
    ObjectMissing,
    StorageError,
    StoredPart,
)
from services.kernel.storage.s3.errors import translated
from services.kernel.storage.s3.steps import digest, once, quoted

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef

_PAGE_PARTS = 1000


class NoDigests(StorageError):
    """The server does not tell what it verified; such a one is refused at the start."""


class Multipart:
    """Calls on the unfinished uploads of a bucket. Every one raises `StoreUnavailable` beside what it says."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        """The client stays the caller's."""
        self._client = client
        self._bucket = bucket

    def open(self, key: str, notes: Mapping[str, str]) -> str:
        """A new upload whose parts have SHA-256 digests; its id. Raises `StoreFull`."""
        with translated(key):
            answer = self._client.create_multipart_upload(
                Bucket=self._bucket, Key=key, ChecksumAlgorithm="SHA256", Metadata=notes
            )
        return answer["UploadId"]

    def open_copy(self, key: str, notes: Mapping[str, str]) -> str:
        """A new upload for copied parts; its id. Raises `StoreFull`.

        Without digests: not every server works those of copied ranges out (versitygw 1.8 repeats the source's).
        """
        with translated(key):
            return self._client.create_multipart_upload(Bucket=self._bucket, Key=key, Metadata=notes)["UploadId"]

    def send(self, key: str, upload_id: str, number: int, data: bytes) -> StoredPart:
        """Store one part. Raises `ObjectMissing`, `PartDamaged`, `StoreFull`."""
        with translated(key):
            answer = self._client.upload_part(
                Bucket=self._bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=data,
                ChecksumSHA256=digest(data),
            )  # fmt: skip
        sha256 = hashlib.sha256(data).hexdigest()
        return StoredPart(number=number, size_bytes=len(data), sha256=sha256, etag=answer["ETag"].strip('"'))

    def send_plain(self, key: str, upload_id: str, number: int, data: bytes) -> StoredPart:
        """Store one part of an upload for copied parts, its digest "": one with a digest does not fit among them. The
        server compares what it got with an MD5 instead. Raises `ObjectMissing`, `PartDamaged`, `StoreFull`.
        """
        md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        with translated(key):
            answer = self._client.upload_part(
                Bucket=self._bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=data, ContentMD5=md5
            )
        return StoredPart(number=number, size_bytes=len(data), sha256="", etag=answer["ETag"].strip('"'))

    def copy(self, key: str, upload_id: str, number: int, source: Excerpt) -> StoredPart:
        """Store a range of another object as a part, its digest "". Raises `ObjectMissing`, `ObjectChanged`,
        `StoreFull`.
        """
        with translated(source.key, ObjectChanged):
            answer = self._client.upload_part_copy(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                CopySource={"Bucket": self._bucket, "Key": source.key},
                CopySourceIfMatch=quoted(source.etag),
                CopySourceRange=f"bytes={source.offset}-{source.offset + source.length - 1}",
            )
        etag = answer["CopyPartResult"]["ETag"].strip('"')
        return StoredPart(number=number, size_bytes=source.length, sha256="", etag=etag)

    def parts(self, key: str, upload_id: str) -> Sequence[StoredPart]:
        """Every part by number. Raises `ObjectMissing`; `NoDigests`."""
        if not upload_id:
            raise ObjectMissing(key)
        found = []
        with translated(key):
            pages = self._client.get_paginator("list_parts").paginate(
                Bucket=self._bucket, Key=key, UploadId=upload_id, PaginationConfig={"PageSize": _PAGE_PARTS}
            )
            for page in pages:
                for part in page.get("Parts", ()):
                    if "ChecksumSHA256" not in part:
                        raise NoDigests("the server lists no SHA-256 of a part")
                    found.append(
                        StoredPart(
                            number=part["PartNumber"],
                            size_bytes=part["Size"],
                            sha256=base64.b64decode(part["ChecksumSHA256"]).hex(),
                            etag=part["ETag"].strip('"'),
                        )
                    )
        return tuple(found)

    def join(self, key: str, upload_id: str, parts: Sequence[StoredPart], *, if_absent: bool) -> str:
        """Make the object of its parts; its etag. Raises `ObjectMissing`, `ObjectExists`, `PartDamaged`,
        `PartTooSmall`, `StoreFull`.
        """
        with translated(key, ObjectExists):
            answer = self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": [_listed(part) for part in parts]},
                **once(if_absent=if_absent),
            )
        return answer["ETag"].strip('"')

    def abort(self, key: str, upload_id: str) -> None:
        """Throw the parts away, if they are there."""
        if not upload_id:
            return
        try:
            with translated(key):
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)
        except ObjectMissing:
            return

    def stale(self, older_than: datetime) -> Iterator[tuple[str, str]]:
        """(key, upload id) of uploads opened before `older_than`."""
        with translated(""):
            for page in self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket):
                for upload in page.get("Uploads", ()):
                    if upload["Initiated"] < older_than:
                        yield upload["Key"], upload["UploadId"]


def _listed(part: StoredPart) -> "CompletedPartTypeDef":
    listed: CompletedPartTypeDef = {"PartNumber": part.number, "ETag": quoted(part.etag)}
    if part.sha256:
        listed["ChecksumSHA256"] = base64.b64encode(bytes.fromhex(part.sha256)).decode()
    return listed


def joined_sha256(parts: Sequence[StoredPart]) -> str:
    """What a server says of an object joined from `parts`: the digest of their digests, and how many they are."""
    whole = hashlib.sha256(b"".join(bytes.fromhex(part.sha256) for part in parts)).digest()
    return f"{base64.b64encode(whole).decode()}-{len(parts)}"
