"""The single calls that everything else is made of, blocking, each for one key of one bucket."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypedDict

from botocore.exceptions import BotoCoreError
from urllib3.exceptions import HTTPError

from services.kernel.storage.port import ObjectChanged, ObjectExists, ObjectInfo, StorageError
from services.kernel.storage.s3.errors import BadRange, translated

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_READ_STEP_BYTES = 2**20
_PARTIAL = 206


class Once(TypedDict, total=False):
    """The condition under which nothing is overwritten."""

    IfNoneMatch: Literal["*"]


class Same(TypedDict, total=False):
    """The condition under which only the known object is answered for."""

    IfMatch: str


def once(*, if_absent: bool) -> Once:
    """The condition, if it is wanted."""
    return {"IfNoneMatch": "*"} if if_absent else {}


def same(etag: str | None) -> Same:
    """The condition, if an etag is known."""
    return {"IfMatch": quoted(etag)} if etag else {}


def quoted(etag: str) -> str:
    """As HTTP writes an etag."""
    return f'"{etag}"'


def digest(data: bytes) -> str:
    """SHA-256 as S3 writes it: base64."""
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """An object and what was noted beside it when it was written."""

    info: ObjectInfo
    notes: Mapping[str, str]
    #: Of an object joined from parts with digests, the digest of those ("…-2"); "" where the server knows none.
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """What arrived of a range; `broken` when the connection went before all of it did."""

    data: bytes
    etag: str
    broken: bool


def info(key: str, size_bytes: int, etag: str, modified_at: datetime) -> ObjectInfo:
    """Listings give fractions of a second and heads do not, so none are kept."""
    moment = modified_at.astimezone(UTC).replace(microsecond=0)
    return ObjectInfo(key=key, size_bytes=size_bytes, etag=etag.strip('"'), modified_at=moment)


class Steps:
    """Calls on the objects of a bucket. Every one raises `StoreUnavailable` beside what it says."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        """The client stays the caller's."""
        self._client = client
        self._bucket = bucket

    def head(self, key: str, etag: str | None = None) -> Head:
        """Raises `ObjectMissing`, `ObjectChanged`."""
        with translated(key, ObjectChanged):
            found = self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED", **same(etag))
        return Head(
            info=info(key, found["ContentLength"], found["ETag"], found["LastModified"]),
            notes=found.get("Metadata", {}),
            sha256=found.get("ChecksumSHA256", ""),
        )

    def fetch(self, key: str, offset: int, length: int, etag: str | None) -> Fetched:
        """A range of at least one byte; what is past the end is not there. Raises `ObjectMissing`, `ObjectChanged`."""
        wanted = f"bytes={offset}-{offset + length - 1}"
        try:
            with translated(key, ObjectChanged):
                found = self._client.get_object(Bucket=self._bucket, Key=key, Range=wanted, **same(etag))
        except BadRange:
            return Fetched(data=b"", etag=etag or "", broken=False)
        if offset and found["ResponseMetadata"]["HTTPStatusCode"] != _PARTIAL:
            found["Body"].close()
            raise StorageError("the server ignores ranges")
        got = bytearray()
        broken = False
        try:
            while len(got) < length and (piece := found["Body"].read(min(_READ_STEP_BYTES, length - len(got)))):
                got += piece
        except (BotoCoreError, HTTPError, OSError):
            broken = True
        finally:
            found["Body"].close()
        return Fetched(data=bytes(got), etag=found["ETag"].strip('"'), broken=broken)

    def put(self, key: str, data: bytes, notes: Mapping[str, str], *, if_absent: bool) -> str:
        """Store `data` at once; its etag. Raises `ObjectExists`, `StoreFull`."""
        with translated(key, ObjectExists):
            answer = self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=data,
                ChecksumSHA256=digest(data),
                Metadata=notes,
                **once(if_absent=if_absent),
            )
        return answer["ETag"].strip('"')

    def delete(self, key: str) -> None:
        """Remove the object; missing is no error."""
        with translated(key):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def pages(self, prefix: str) -> Iterator[ObjectInfo]:
        """Objects in key order, fetched by the page."""
        with translated(prefix):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                for found in page.get("Contents", ()):
                    yield info(found["Key"], found["Size"], found["ETag"], found["LastModified"])
