"""A real S3 server for the tests: one versitygw per worker process, a fresh bucket per test."""

import contextlib
import itertools
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from services.cli.embedded.platform import free_ports
from services.kernel.storage.s3.address import Address, parse
from services.kernel.storage.s3.buckets import make_bucket
from services.kernel.storage.s3.client import Credentials, account, connect
from tests.servers import needed

ROOT = Credentials(access_key="for-tests-only", secret_key="for-tests-only-secret")
ORIGIN = "http://pages.test"
_DEADLINE_S = 20
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


@contextmanager
def running(folder: Path, *, beside: bool = False) -> Iterator[ObjectServer]:
    """Start a server with its data below `folder`, which is there and empty.

    It keeps what it knows of an object in attributes of the file, or, `beside` or where there are none, in files of
    its own: that has room for longer policies, but versitygw 1.8 then loses what is put over a deletion's mark.
    """
    program = needed("versitygw")
    beside = beside or not _has_attributes(folder)
    arguments = _arguments(folder, beside=beside)
    for _ in range(_TRIES):
        [port] = free_ports(1)
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [program, "--port", f"127.0.0.1:{port}", *arguments],
                env={
                    "ROOT_ACCESS_KEY": ROOT.access_key, "ROOT_SECRET_KEY": ROOT.secret_key, "PATH": os.environ["PATH"],
                },
                stdout=log, stderr=log,
            )  # fmt: skip
        try:
            if _answers(process, f"http://127.0.0.1:{port}/healthz"):
                server = ObjectServer(f"http://127.0.0.1:{port}", beside=beside)
                with contextlib.closing(server.client):
                    yield server
                return
        finally:
            process.terminate()
            process.wait()
    raise RuntimeError(f"versitygw does not start: {(folder / 'log').read_text()[-2000:]}")


def _arguments(folder: Path, *, beside: bool) -> Sequence[str]:
    names = ("data", "versions", "metadata", "accounts")
    for name in names:
        (folder / name).mkdir(parents=True)
    data, versions, metadata, accounts = (str(folder / name) for name in names)
    server = ["--health", "/healthz", "--quiet", "--keep-alive", "--iam-dir", accounts]
    place = ["--sidecar", metadata] if beside else []
    return [*server, "posix", "--versioning-dir", versions, *place, data]


def _has_attributes(folder: Path) -> bool:
    """Whether the file system keeps extended attributes."""
    try:
        os.setxattr(folder, "user.test", b"x")
    except OSError:
        return False
    return True


def _answers(process: "subprocess.Popen[bytes]", url: str) -> bool:
    """Whether it does before it ends: another program may have taken the port."""
    until = time.monotonic() + _DEADLINE_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
        time.sleep(0.02)
    return False
