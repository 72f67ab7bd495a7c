"""Accounts planted from outside into a platform that runs: as `deploy/compose` does it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from services.cli.embedded.folder import DataFolder
from services.cli.embedded.platform import Address, free_ports, running
from services.cli.embedded.seed import ACCOUNTS
from services.cli.person import Person, Refused
from tools.stack.sample_accounts import NEEDED

ROOT = Path(__file__).parents[2]


def plant(settings: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tools.stack.sample_accounts"], env={"PATH": os.environ["PATH"], **settings}, cwd=ROOT,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def signs_in(url: str, login: str, password: str) -> bool:
    try:
        with closing(Person(url, login, password)):
            return True
    except Refused:
        return False


async def test_accounts_are_printed_once_and_replace_those_before(tmp_path: Path) -> None:
    [port] = free_ports(1)
    async with running(DataFolder(tmp_path / "data"), Address(port=port)) as platform:
        [gateway] = [c.program for c in platform.supervisor._children if c.program.name == "gateway"]
        told = {name: gateway.environment[name] for name in NEEDED}
        planted = await asyncio.to_thread(plant, told)
        assert planted.returncode == 0, planted.stderr
        made = {each["login"]: each["password"] for each in json.loads(planted.stdout)["accounts"]}
        assert set(made) == {account.login for account in ACCOUNTS}
        url = platform.address.url
        assert await asyncio.to_thread(signs_in, url, "operator", made["operator"])
        assert not await asyncio.to_thread(signs_in, url, "unit", platform.seed.account("unit").password)


@pytest.mark.parametrize("missing", NEEDED)
def test_a_missing_setting_is_named(missing: str) -> None:
    told = plant({name: "a:b" for name in NEEDED if name != missing})
    assert (told.returncode, told.stderr) == (2, f"accounts: set {missing}\n")


def test_another_key_is_refused() -> None:
    told = plant({**dict.fromkeys(NEEDED, "unused"), "SHENBAO_TOKEN_KEYS": "b:a-secret"})
    assert told.returncode == 2
    assert "no key of the id a" in told.stderr
    assert "a-secret" not in told.stderr


def test_a_platform_that_does_not_answer_is_told_without_its_secrets() -> None:
    told = plant(
        {
            "SHENBAO_REVIEW_ADDRESS": "127.0.0.1:1",
            "SHENBAO_GATEWAY_DATABASE": "postgresql+asyncpg://a:a-secret@127.0.0.1:1/b",
            "SHENBAO_TOKEN_KEYS": "a:a-secret-a-secret-a-secret-a-secret",
            "SHENBAO_PUBLIC_URL": "http://127.0.0.1:1",
        }
    )
    assert told.returncode == 1
    assert told.stderr.startswith("accounts: ")
    assert "a-secret" not in told.stderr
