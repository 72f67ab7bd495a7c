"""versitygw as the S3 server: an account per service, held by the server to the policies of `deploy/s3`."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from services.kernel import lifeline
from services.kernel.storage.s3.address import parse
from services.kernel.storage.s3.client import Credentials
from tools.stack import bucket
from tools.stack.bucket import ObjectsFailed

BUCKET = "shenbao"
START_DEADLINE_S = 20.0
STOP_DEADLINE_S = 20.0


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
        command = [
            str(self.program), "--port", f"127.0.0.1:{self.port}", "--health", "/healthz", "--quiet", "--keep-alive",
            "--iam-dir", self._made("accounts"), *self._store(),
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

    def _store(self) -> Sequence[str]:
        """Where it keeps what it is given."""
        return "posix", "--sidecar", self._made("metadata"), self._made("data")

    def _made(self, name: str) -> str:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder)

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
        """Bucket and accounts, see `bucket.prepare`."""
        bucket.prepare(self.root, parse(self.url()), origin, secrets)
