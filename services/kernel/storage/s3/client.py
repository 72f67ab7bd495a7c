"""boto3, set up so that it works with S3 servers of any make."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from boto3.session import Session
from botocore.config import Config

from services.kernel.storage.s3.address import Address

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_CONNECT_TIMEOUT_S = 5
#: Joining a large object takes a server as long as copying it.
_READ_TIMEOUT_S = 60
#: The first and three more, with pauses that grow; only where repeating is harmless.
_ATTEMPTS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """An account at the store."""

    access_key: str
    secret_key: str


def account(credentials: Credentials | None) -> Session:
    """Whose clients they are; None looks for an account as boto3 does (environment, file, instance)."""
    return Session(
        aws_access_key_id=credentials.access_key if credentials else None,
        aws_secret_access_key=credentials.secret_key if credentials else None,
    )


def connect(session: Session, address: Address, *, connections: int, public: bool = False) -> "S3Client":
    """A client; asks the server nothing yet. `public` gives one whose presigned URLs lead to where browsers go."""
    config = Config(
        signature_version="s3v4",  # boto3 signs with the old scheme for endpoints that are not AWS's own
        s3={"addressing_style": "path" if address.path_style else "virtual"},
        request_checksum_calculation="when_required",  # the default breaks several servers
        response_checksum_validation="when_required",
        max_pool_connections=connections,
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=_READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        tcp_keepalive=True,
    )
    endpoint = address.public_endpoint if public else address.endpoint
    return session.client("s3", endpoint_url=endpoint, region_name=address.region, config=config)
