"""A real S3 server for the tests: one versitygw per worker process, a fresh bucket per test."""

import contextlib
import itertools
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from services.cli.embedded.platform import free_ports
from services.kernel.storage.s3.address import Address, parse
from services.kernel.storage.s3.buckets import make_bucket
from services.kernel.storage.s3.client import Credentials, account, connect
from tests.servers import needed
from tools.stack import objects
from tools.stack.bucket import ObjectsFailed

ROOT = Credentials(access_key="for-tests-only", secret_key="for-tests-only-secret")
ORIGIN = "http://pages.test"
_TRIES = 3


class ObjectServer:
    """The server while it runs."""

    def __init__(self, endpoint: str, *, beside: bool) -> None:
        """It answers at `endpoint`; for `beside` see `running`."""
        self.endpoint = endpoint
        self.beside = beside
        self._numbers = itertools.count(1)
        self.client = connect(account(ROOT), parse(self.url("any")), connections=2)

    def url(self, bucket: str, **parameters: str) -> str:
        """A store's URL."""
        return f"s3://{bucket}?{urlencode({'endpoint': self.endpoint, **parameters})}"

    def account(self, name: str) -> Credentials:
        """A new account that may do nothing until a bucket's policy says so."""
        made = Credentials(access_key=name, secret_key=f"{name}-secret-for-tests-only")
        arguments = ["--access", made.access_key, "--secret", made.secret_key, "--role", "user"]
        subprocess.run(
            [needed("versitygw"), "admin", "--endpoint-url", self.endpoint, "create-user", *arguments],
            env={"ADMIN_ACCESS_KEY": ROOT.access_key, "ADMIN_SECRET_KEY": ROOT.secret_key},
            check=True, capture_output=True,
        )  # fmt: skip
        return made

    def fresh(self, *, versioned: bool = False, locked: bool = False) -> Address:
        """A new, empty bucket."""
        address = parse(self.url(f"t{next(self._numbers)}-bucket"))
        make_bucket(self.client, address.bucket, origin=ORIGIN, versioned=versioned, locked=locked)
        return address


@dataclass(kw_only=True)
class _Program(objects.ObjectServer):
    """The stack's, but buckets may have versions."""

    beside: bool

    def _store(self) -> Sequence[str]:
        place = ["--sidecar", self._made("metadata")] if self.beside else []
        return "posix", "--versioning-dir", self._made("versions"), *place, self._made("data")


@contextmanager
def running(folder: Path, *, beside: bool = False) -> Iterator[ObjectServer]:
    """Start a server with its data below `folder`, which is there and empty.

    It keeps what it knows of an object in attributes of the file, or, `beside` or where there are none, in files of
    its own: that has room for longer policies, but versitygw 1.8 then loses what is put over a deletion's mark.
    """
    beside = beside or not _has_attributes(folder)
    program = _started(Path(needed("versitygw")), folder, beside=beside)
    try:
        server = ObjectServer(program.endpoint, beside=beside)
        with contextlib.closing(server.client):
            yield server
    finally:
        program.stop()


def _started(program: Path, folder: Path, *, beside: bool) -> _Program:
    """Another program may take a port that was free."""
    for left in reversed(range(_TRIES)):
        [port] = free_ports(1)
        found = _Program(program=program, folder=folder, port=port, root=ROOT, beside=beside)
        try:
            found.start()
        except ObjectsFailed:
            if not left:
                raise
        else:
            return found
    raise AssertionError("the last try returns or raises")


def _has_attributes(folder: Path) -> bool:
    """Whether the file system keeps extended attributes."""
    try:
        os.setxattr(folder, "user.test", b"x")
    except OSError:
        return False
    return True
