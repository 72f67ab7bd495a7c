"""Whose rights the embedded server gets: what was tried, what was found, what is refused."""

import os
import pwd
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from services.kernel.db.run_as import NAMESPACE, Identity, NobodyToRunAs, choose


class Machine:
    """A machine where commands work or not; it remembers which were tried."""

    def __init__(self, *, namespaces: bool) -> None:
        self.tried: list[tuple[str, ...]] = []
        self._namespaces = namespaces

    def works(self, command: Sequence[str]) -> bool:
        self.tried.append(tuple(command))
        return self._namespaces


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    made = tmp_path / "postgres"
    made.mkdir()
    return made


def as_uid(uid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)


def owned_by(uid: int, cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer as a file system would on which `cluster` is of `uid`; only root could make it so."""
    found = cluster.stat()
    real = Path.stat

    def answer(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path != cluster:
            return real(path, follow_symlinks=follow_symlinks)
        return os.stat_result((*found[:4], uid, *found[5:]))

    monkeypatch.setattr(Path, "stat", answer)


def test_an_ordinary_user_runs_it_directly(cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(namespaces=False)
    as_uid(4242, monkeypatch)
    owned_by(4242, cluster, monkeypatch)
    assert choose(cluster, machine.works) == Identity()
    assert machine.tried == []


def test_root_goes_into_a_user_namespace(cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(namespaces=True)
    as_uid(0, monkeypatch)
    owned_by(0, cluster, monkeypatch)
    assert choose(cluster, machine.works) == Identity(prefix=NAMESPACE)
    assert machine.tried == [(*NAMESPACE, "true")]


def test_root_without_namespaces_takes_an_account_without_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_uid(0, monkeypatch)
    nobody = pwd.getpwnam("nobody")
    monkeypatch.setattr(pwd, "getpwall", lambda: [pwd.getpwuid(0), nobody])
    chosen = choose(tmp_path / "not-made-yet", Machine(namespaces=False).works)
    assert chosen == Identity(uid=nobody.pw_uid, gid=nobody.pw_gid)


def test_a_cluster_of_that_account_stays_with_it(cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_uid(0, monkeypatch)
    nobody = pwd.getpwnam("nobody")
    monkeypatch.setattr(pwd, "getpwall", lambda: [nobody])
    owned_by(nobody.pw_uid, cluster, monkeypatch)
    machine = Machine(namespaces=True)
    assert choose(cluster, machine.works).uid == nobody.pw_uid
    assert machine.tried == []


@pytest.mark.parametrize("uid", [0, 4242])
def test_the_cluster_of_another_user_is_refused(uid: int, cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_uid(uid, monkeypatch)
    owned_by(4243, cluster, monkeypatch)
    with pytest.raises(NobodyToRunAs, match=r"postgres belongs to uid 4243; run as that user, or give it"):
        choose(cluster, Machine(namespaces=True).works)


def test_root_with_nobody_to_run_it_is_told_what_to_do(cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_uid(0, monkeypatch)
    owned_by(0, cluster, monkeypatch)
    monkeypatch.setattr(pwd, "getpwall", lambda: [pwd.getpwuid(0)])
    with pytest.raises(NobodyToRunAs, match="run as an ordinary user"):
        choose(cluster, Machine(namespaces=False).works)


def test_nothing_changes_hands_without_an_account(cluster: Path) -> None:
    before = cluster.parent.stat(), cluster.stat()
    Identity(prefix=NAMESPACE).give(cluster)
    assert (cluster.parent.stat(), cluster.stat()) == before


def test_the_account_gets_the_folder_and_may_pass_the_one_above(cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cluster / "base").mkdir()
    (cluster / "base" / "1").touch()
    (cluster / "elsewhere").symlink_to("/etc/hosts")
    cluster.parent.chmod(0o700)
    given: list[tuple[str, int, int, bool]] = []

    def chown(path: str | Path, uid: int, gid: int, *, follow_symlinks: bool = True) -> None:
        given.append((os.path.relpath(path, cluster), uid, gid, follow_symlinks))

    monkeypatch.setattr(os, "chown", chown)
    Identity(uid=4242, gid=4243).give(cluster)
    assert given == [
        ("..", -1, 4243, True),
        (".", 4242, 4243, False),
        ("elsewhere", 4242, 4243, False),
        ("base", 4242, 4243, False),
        ("base/1", 4242, 4243, False),
    ]
    assert stat.S_IMODE(cluster.parent.stat().st_mode) == 0o710
