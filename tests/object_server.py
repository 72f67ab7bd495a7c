"""A real S3 server for the tests: one versitygw per worker process, a fresh bucket per test."""

import contextlib
import itertools
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
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

    def __init__(self, endpoint: str) -> None:
        """It answers at `endpoint`."""
        self.endpoint = endpoint
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
def running(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[ObjectServer]:
    """Start a server with its data below `folder`; `environment` holds further options, as versitygw names them."""
    program = needed("versitygw")
    arguments = _arguments(folder)
    for _ in range(_TRIES):
        [port] = free_ports(1)
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [program, "--port", f"127.0.0.1:{port}", *arguments],
                env={
                    "ROOT_ACCESS_KEY": ROOT.access_key, "ROOT_SECRET_KEY": ROOT.secret_key, "PATH": os.environ["PATH"],
                    **(environment or {}),
                },
                stdout=log, stderr=log,
            )  # fmt: skip
        try:
            if _answers(process, f"http://127.0.0.1:{port}/healthz"):
                server = ObjectServer(f"http://127.0.0.1:{port}")
                with contextlib.closing(server.client):
                    yield server
                return
        finally:
            process.terminate()
            process.wait()
    raise RuntimeError(f"versitygw does not start: {(folder / 'log').read_text()[-2000:]}")


def _arguments(folder: Path) -> Sequence[str]:
    """Metadata beside the files: not every file system has extended attributes, or room in them for a policy."""
    names = ("data", "versions", "metadata", "accounts")
    for name in names:
        (folder / name).mkdir(parents=True)
    data, versions, metadata, accounts = (str(folder / name) for name in names)
    server = ["--health", "/healthz", "--quiet", "--keep-alive", "--iam-dir", accounts]
    return [*server, "posix", "--versioning-dir", versions, "--sidecar", metadata, data]


def _answers(process: "subprocess.Popen[bytes]", url: str) -> bool:
    """Whether it does before it ends: another program may have taken the port."""
    until = time.monotonic() + _DEADLINE_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
        time.sleep(0.02)
    return False
