"""Whose rights the embedded PostgreSQL runs with: it refuses uid 0.

As an ordinary user it runs as that user. As root it runs in a user namespace where root is an ordinary user: on disk
everything stays root's. Where user namespaces are off it runs as an account without rights, which then owns the
cluster and may pass through the data folder.
"""

import os
import pwd
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
#: Accounts without rights, the first one that exists.
_ACCOUNTS = ("postgres", "nobody")


class NobodyToRunAs(Exception):
    """No way to run it with this process's rights; the message says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What stands before a command, and the account that it gets (None: the one of this process)."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def give(self, folder: Path) -> None:
        """Let the account own `folder` and everything in it, and pass through the folder above."""
        if self.uid is None or self.gid is None:
            return
        above = folder.parent.stat()
        if above.st_uid == os.geteuid() and not above.st_mode & 0o001:
            os.chown(folder.parent, -1, self.gid)
            folder.parent.chmod((above.st_mode & 0o7777) | 0o010)
        if folder.stat().st_uid != self.uid:
            for at, _, files in os.walk(folder):
                for path in (at, *(os.path.join(at, name) for name in files)):  # noqa: PTH118 - as os.walk gives them
                    os.chown(path, self.uid, self.gid, follow_symlinks=False)


def choose(cluster: Path, works: Callable[[Sequence[str]], bool]) -> Identity:
    """Who runs the server over `cluster`, which need not exist yet. `works` tries whether a command ends well.

    Raises `NobodyToRunAs`, also for the cluster of another user: PostgreSQL insists on owning its files.
    """
    here = os.geteuid()
    owner = cluster.stat().st_uid if cluster.exists() else here
    account = _account() if here == 0 else None
    if owner not in (here, account.pw_uid if account else here):
        raise NobodyToRunAs(f"{cluster} belongs to uid {owner}; run as that user, or give it the whole data folder")
    if here != 0:
        return Identity()
    if owner == here and works([*NAMESPACE, "true"]):
        return Identity(prefix=NAMESPACE)
    if account is None:
        raise NobodyToRunAs(
            "PostgreSQL refuses to run as root, user namespaces are off here and there is no account `nobody`; run as "
            "an ordinary user"
        )
    return Identity(uid=account.pw_uid, gid=account.pw_gid)


def _account() -> pwd.struct_passwd | None:
    there = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next((there[name] for name in _ACCOUNTS if name in there), None)
