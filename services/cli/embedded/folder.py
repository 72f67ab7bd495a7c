"""The data folder: its lock, its secrets, its places."""

import base64
import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.kernel.db.roles import OWNER, SERVICES, role_of


class FolderInUse(Exception):
    """Another process serves this data folder; the message says which."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Secrets:
    """What was drawn at random when the folder was made; it never leaves `secrets.json` (mode 0600)."""

    superuser: str
    passwords: dict[str, str]
    token: str
    presign: str
    encryption: str
    lookup: str
    audit: str


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Paths below the folder."""

    root: Path

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.root / "logs"

    @property
    def objects(self) -> Path:
        """The object store."""
        return self.root / "objects"

    @property
    def accounts(self) -> Path:
        """The seeded accounts with their passwords (mode 0600)."""
        return self.root / "accounts.json"

    def make(self) -> None:
        """Make the folder, readable by its owner only."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder against a second server; the lock goes with the process. Raises `FolderInUse`."""
        with (self.root / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise FolderInUse(
                    f"{self.root} is served already by process {holder}; stop that one first, or choose another "
                    "folder with --data"
                ) from error
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def secrets(self, **kept: str) -> Secrets:
        """The folder's secrets, drawn on first use but for those that are `kept` (the keys of what was restored)."""
        path = self.root / "secrets.json"
        with contextlib.suppress(FileNotFoundError):
            return Secrets(**json.loads(path.read_text()))
        roles = [OWNER, *(role_of(service) for service in SERVICES)]
        drawn = {
            "superuser": secrets.token_urlsafe(24),
            "passwords": {role: secrets.token_urlsafe(24) for role in roles},
            "token": secrets.token_urlsafe(48),
            "presign": secrets.token_urlsafe(48),
            "encryption": base64.b64encode(secrets.token_bytes(32)).decode(),
            "lookup": secrets.token_urlsafe(48),
            "audit": secrets.token_urlsafe(48),
            **kept,
        }
        write_private(path, json.dumps(drawn, indent=1))
        return Secrets(**json.loads(path.read_text()))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
