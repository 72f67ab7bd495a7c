"""What an administrator sets up at versitygw: the bucket, an account per service, and the policies of `deploy/s3`.

`python -m tools.stack.bucket` does it for a server that is given by settings (`deploy/compose`): `SHENBAO_OBJECTS` and
`SHENBAO_PUBLIC_URL` as the services have them, `OBJECTS_ROOT_KEY`, and `OBJECTS_<SERVICE>_KEY` for each account.

The policies of four services are too long for an attribute of a file on most file systems, so metadata lie beside the
files; and there versitygw 1.8 loses what is put over the mark of a deletion, so this bucket has no versions (ADR 11).
"""

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from botocore import credentials
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

from services.kernel.errors import AppError
from services.kernel.storage.port import StorageError
from services.kernel.storage.s3.address import Address, parse
from services.kernel.storage.s3.buckets import make_bucket
from services.kernel.storage.s3.client import Credentials, account, connect
from services.kernel.storage.s3.errors import translated

POLICIES = Path(__file__).parents[2] / "deploy" / "s3"
#: The server's administrator; its secret key is drawn.
ROOT = "root"
#: What has objects of its own; the gateway has none.
STORING = ("upload", "video", "pdfcheck", "review")
_TIMEOUT_S = 20
_EXISTS = 409


class ObjectsFailed(Exception):
    """The server cannot run or does not take what it is told; the message says what was found."""


def prepare(root: Credentials, address: Address, origin: str, secrets: Mapping[str, str]) -> None:
    """Make the bucket for pages at `origin`, and an account with its rights per service. Repeating changes nothing.

    `secrets` maps a service to its account's secret key. Raises `ObjectsFailed`, `StoreUnavailable`.
    """
    with contextlib.closing(connect(account(root), address, connections=1)) as client:
        make_bucket(client, address.bucket, origin=origin, versioned=False)
        for service, secret in secrets.items():
            make_account(root, address, Credentials(access_key=service, secret_key=secret))
        policy = json.dumps(bucket_policy(secrets, address.bucket))
        with translated(address.bucket):
            client.put_bucket_policy(Bucket=address.bucket, Policy=policy)


def make_account(root: Credentials, address: Address, made: Credentials) -> None:
    """By the server's own call for administrators; an account that is there stays as it is. Raises `ObjectsFailed`."""
    body = (
        f"<Account><Access>{escape(made.access_key)}</Access><Secret>{escape(made.secret_key)}</Secret>"
        "<Role>user</Role></Account>"
    ).encode()
    digest = {"X-Amz-Content-Sha256": hashlib.sha256(body).hexdigest()}
    asked = AWSRequest(method="PATCH", url=f"{address.endpoint}/create-user", data=body, headers=digest)
    known = credentials.Credentials(root.access_key, root.secret_key)
    S3SigV4Auth(known, "s3", address.region).add_auth(asked)
    try:
        answer = URLLib3Session(timeout=_TIMEOUT_S).send(asked.prepare())
    except BotoCoreError as error:
        raise ObjectsFailed(f"no account for {made.access_key}: {error}") from error
    if answer.status_code not in (200, 201, _EXISTS):
        raise ObjectsFailed(f"no account for {made.access_key}: {answer.status_code} {answer.text[:300]}")


def bucket_policy(services: Mapping[str, object], bucket: str) -> Mapping[str, object]:
    """The policies of all services as one of the bucket."""
    statements = [
        {
            **statement,
            "Sid": f"{service}-{statement['Sid']}",
            "Principal": {"AWS": [service]},
            "Resource": [
                each.replace("arn:aws:s3:::shenbao", f"arn:aws:s3:::{bucket}") for each in statement["Resource"]
            ],
        }
        for service in services
        for statement in json.loads((POLICIES / f"{service}.json").read_text("utf-8"))["Statement"]
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def main() -> int:
    """The exit status: 0 done, 1 failed, 2 a setting is missing."""
    needed = ["SHENBAO_OBJECTS", "SHENBAO_PUBLIC_URL", "OBJECTS_ROOT_KEY", *map(_key_setting, STORING)]
    missing = [name for name in needed if not os.environ.get(name)]
    if missing:
        print(f"bucket: set {', '.join(missing)}", file=sys.stderr)
        return 2
    root = Credentials(access_key=ROOT, secret_key=os.environ["OBJECTS_ROOT_KEY"])
    page = urlsplit(os.environ["SHENBAO_PUBLIC_URL"])
    secrets = {service: os.environ[_key_setting(service)] for service in STORING}
    try:
        prepare(root, parse(os.environ["SHENBAO_OBJECTS"]), f"{page.scheme}://{page.netloc}", secrets)
    except (ObjectsFailed, StorageError, AppError) as error:
        print(f"bucket: {error}", file=sys.stderr)
        return 1
    return 0


def _key_setting(service: str) -> str:
    return f"OBJECTS_{service.upper()}_KEY"


if __name__ == "__main__":
    sys.exit(main())
