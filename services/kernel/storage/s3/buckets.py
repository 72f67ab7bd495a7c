"""Making a bucket: for development and tests. In production an administrator makes it, and no service may."""

from typing import TYPE_CHECKING

from services.kernel.storage.presign import DIGEST_HEADER
from services.kernel.storage.s3.errors import translated

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CORSConfigurationTypeDef

_PREFLIGHT_KEPT_S = 3600


def make_bucket(client: "S3Client", bucket: str, *, origin: str, versioned: bool = True, locked: bool = False) -> None:
    """Make the bucket unless it is there, and let pages of `origin` send parts to it. Blocking.

    `locked` makes versions lockable, which can only be said when a bucket is made. Raises `StoreUnavailable`.
    """
    with translated(bucket):
        _make(client, bucket, locked=locked)
        if versioned or locked:
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        client.put_bucket_cors(Bucket=bucket, CORSConfiguration=cors(origin))


def cors(origin: str) -> "CORSConfigurationTypeDef":
    """What a page needs: PUT with the digest header, and nothing of the answer but its status."""
    return {
        "CORSRules": [
            {
                "AllowedOrigins": [origin],
                "AllowedMethods": ["PUT"],
                "AllowedHeaders": [DIGEST_HEADER],
                "MaxAgeSeconds": _PREFLIGHT_KEPT_S,
            }
        ]
    }


def _make(client: "S3Client", bucket: str, *, locked: bool) -> None:
    try:
        client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=locked)
    except (client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
        client.head_bucket(Bucket=bucket)  # refused when it is somebody else's
