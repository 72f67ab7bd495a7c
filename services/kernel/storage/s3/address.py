"""The URL of an S3 store, in parts.

`s3://BUCKET?endpoint=http://HOST:PORT` and, each at most once, `region=` (us-east-1), `public_endpoint=` (where
browsers reach the server; else the endpoint), `path_style=true|false` (true) and `quota_bytes=` (what the bucket may
hold; none). Credentials never stand in it: a URL is logged and copied, a secret is not.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlsplit

from services.kernel.errors import AppError, Kind

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z0-9-]{1,64}")
_PARAMETERS = ("endpoint", "region", "public_endpoint", "path_style", "quota_bytes")
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a bucket is and how it is reached."""

    bucket: str
    #: Scheme, host and port for the services.
    endpoint: str
    #: Scheme, host and port for browsers.
    public_endpoint: str
    region: str = DEFAULT_REGION
    #: Whether the bucket is the path's first part or the host's.
    path_style: bool = True
    #: Bytes that the bucket may hold, None for no limit of ours.
    quota_bytes: int | None = None

    @property
    def public_origin(self) -> str:
        """Scheme, host and port of every presigned URL, as a browser compares them."""
        if self.path_style:
            return self.public_endpoint
        scheme, _, host = self.public_endpoint.partition("://")
        return f"{scheme}://{self.bucket}.{host}"


def parse(url: str) -> Address:
    """The parts of `url`. Raises `AppError` settings.bad-objects-url, which repeats nothing of it but names."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise _bad("no URL", "s3://BUCKET?endpoint=…") from error
    if "@" in parts.netloc:
        raise _bad("user:password@", "SHENBAO_OBJECTS_ACCESS_KEY, SHENBAO_OBJECTS_SECRET_KEY")
    if not _BUCKET.fullmatch(parts.netloc):
        raise _bad("bucket", "3..63 of a-z 0-9 . -")
    if parts.path.strip("/") or parts.fragment:
        raise _bad("path or fragment", "s3://BUCKET?endpoint=…")
    given = _parameters(parts)
    endpoint = _origin("endpoint", given.get("endpoint", ""))
    region = given.get("region", DEFAULT_REGION)
    if not _REGION.fullmatch(region):
        raise _bad("region", "a-z 0-9 -")
    return Address(
        bucket=parts.netloc,
        endpoint=endpoint,
        public_endpoint=_origin("public_endpoint", given["public_endpoint"])
        if "public_endpoint" in given
        else endpoint,
        region=region,
        path_style=_flag("path_style", given.get("path_style", "true")),
        quota_bytes=_positive("quota_bytes", given["quota_bytes"]) if "quota_bytes" in given else None,
    )


def _parameters(parts: SplitResult) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query), max_num_fields=16)
    except ValueError as error:
        raise _bad("query", "name=value&name=value") from error
    for name, _ in pairs:
        if name not in _PARAMETERS:
            raise _bad("another parameter", ", ".join(_PARAMETERS))
    given = dict(pairs)
    if len(given) != len(pairs):
        raise _bad("a parameter twice", ", ".join(_PARAMETERS))
    return given


def _origin(name: str, text: str) -> str:
    """Scheme, host and port in lower case, without a port that the scheme implies: as browsers write an origin."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _bad(name, "http://HOST:PORT, https://HOST") from error
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", parts.netloc) or more:
        raise _bad(name, "http://HOST:PORT, https://HOST")
    host = parts.netloc.lower()
    if port == {"http": 80, "https": 443}[parts.scheme]:
        host = host.rpartition(":")[0]
    return f"{parts.scheme}://{host}"


def _flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise _bad(name, "true, false")
    return text == "true"


def _positive(name: str, text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,17}", text):
        raise _bad(name, "1, 2, 3 …")
    return int(text)


def _bad(found: str, allowed: str) -> AppError:
    return AppError("settings.bad-objects-url", Kind.INVALID, found=found, allowed=allowed)
