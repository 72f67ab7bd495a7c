"""Servers that are given by URL and are not there: the stack says which one, and what to do."""

from pathlib import Path

import pytest

from services.cli.embedded.folder import DataFolder
from services.kernel.db.roles import SERVICES
from tools.stack.__main__ import run

NOWHERE = "postgresql+asyncpg://shenbao_owner:very-secret@127.0.0.1:1/shenbao"
GIVEN = {
    "SHENBAO_EVENTS": "kafka://127.0.0.1:2",
    "SHENBAO_OBJECTS": "s3://bucket?endpoint=http://127.0.0.1:3",
    "SHENBAO_OBJECTS_ACCESS_KEY": "key",
    "SHENBAO_OBJECTS_SECRET_KEY": "secret",
    "SHENBAO_DATABASE": NOWHERE,
    **{f"SHENBAO_{service.upper()}_DATABASE": NOWHERE for service in SERVICES},
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "127.0.0.1:"),
        ({"SHENBAO_REVIEW_DATABASE": ""}, "these are needed as well: SHENBAO_REVIEW_DATABASE\n"),
        ({"SHENBAO_DATABASE": "http://x"}, "(settings.bad-database-url)"),
        ({"SHENBAO_EVENTS": "kafka://"}, "(settings.kafka-url)"),
        ({"SHENBAO_OBJECTS": "s3://b"}, "(settings.bad-objects-url)"),
    ],
)
def test_what_is_wrong_is_named(
    changed: dict[str, str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name, value in {**GIVEN, **changed}.items():
        monkeypatch.setenv(name, value)
    folder = DataFolder(tmp_path / "data")
    folder.make()
    assert run(folder, 1) == 1
    found = capsys.readouterr().err
    assert "stack: " in found
    assert said in found
    assert "secret" not in found
