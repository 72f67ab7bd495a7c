"""versitygw as the S3 server: an account per service, held by the server to the policies of `deploy/s3`.

The policies of four services are too long for an attribute of a file on most file systems, so metadata lie beside the
files; and there versitygw 1.8 loses what is put over the mark of a deletion, so this bucket has no versions (ADR 11).
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from services.kernel import lifeline
from services.kernel.storage.s3.address import parse
from services.kernel.storage.s3.buckets import make_bucket
from services.kernel.storage.s3.client import Credentials, account, connect

BUCKET = "shenbao"
POLICIES = Path(__file__).parents[2] / "deploy" / "s3"
START_DEADLINE_S = 20.0
STOP_DEADLINE_S = 20.0


class ObjectsFailed(Exception):
    """The server cannot run; the message says what was found."""


@dataclass(kw_only=True)
class ObjectServer:
    """One server with its data below `folder`. It ends with the process that started it."""

    program: Path
    folder: Path
    port: int
    root: Credentials
    _process: "subprocess.Popen[bytes] | None" = None
    _lifeline: int = -1

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def url(self, endpoint: str = "") -> str:
        """`SHENBAO_OBJECTS`; another endpoint is for something in between."""
        return f"s3://{BUCKET}?{urlencode({'endpoint': endpoint or self.endpoint})}"

    def start(self) -> None:
        """Start, and return when it answers. Raises `ObjectsFailed`."""
        names = ("data", "metadata", "accounts")
        for name in names:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        data, metadata, accounts = (str(self.folder / name) for name in names)
        command = [
            str(self.program), "--port", f"127.0.0.1:{self.port}", "--health", "/healthz", "--quiet", "--keep-alive",
            "--iam-dir", accounts, "posix", "--sidecar", metadata, data,
        ]  # fmt: skip
        reading, self._lifeline = os.pipe()
        wrapped = [
            sys.executable,
            "-I",
            "-S",
            lifeline.__file__,
            str(reading),
            str(int(signal.SIGTERM)),
            "--",
            *command,
        ]
        told = {
            "ROOT_ACCESS_KEY": self.root.access_key, "ROOT_SECRET_KEY": self.root.secret_key,
            "PATH": os.environ["PATH"],
        }  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                wrapped, env=told, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(reading,),
                start_new_session=True,
            )  # fmt: skip
        os.close(reading)
        until = time.monotonic() + START_DEADLINE_S
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(OSError), urlopen(f"{self.endpoint}/healthz", timeout=1):
                return
            time.sleep(0.02)
        self.stop()
        raise ObjectsFailed(f"versitygw does not start: {(self.folder / 'log').read_text(errors='replace')[-500:]}")

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(self._lifeline)

    def prepare(self, origin: str, secrets: Mapping[str, str]) -> None:
        """Make the bucket for pages at `origin`, and an account with its rights per service. Repeating changes nothing.

        `secrets` maps a service to its account's secret key.
        """
        with contextlib.closing(connect(account(self.root), parse(self.url()), connections=1)) as client:
            make_bucket(client, BUCKET, origin=origin, versioned=False)
            for service, secret in secrets.items():
                self._account(service, secret)
            client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(_policy(secrets)))

    def _account(self, service: str, secret: str) -> None:
        command = [str(self.program), "admin", "--endpoint-url", self.endpoint]
        told = {"ADMIN_ACCESS_KEY": self.root.access_key, "ADMIN_SECRET_KEY": self.root.secret_key}
        made = subprocess.run(
            [*command, "create-user", "--access", service, "--secret", secret, "--role", "user"],
            env=told, check=False, capture_output=True, text=True,
        )  # fmt: skip
        if made.returncode and "exist" not in (made.stdout + made.stderr).lower():
            raise ObjectsFailed(f"no account for {service}: {(made.stdout + made.stderr)[-300:]}")


def _policy(services: Mapping[str, str]) -> Mapping[str, object]:
    """The policies of all services as one of the bucket."""
    statements = [
        {**statement, "Sid": f"{service}-{statement['Sid']}", "Principal": {"AWS": [service]}}
        for service in services
        for statement in json.loads((POLICIES / f"{service}.json").read_text("utf-8"))["Statement"]
    ]
    return {"Version": "2012-10-17", "Statement": statements}
