"""Keys are recognised by what they open, and a backup by who signed it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from services.cli.backup.keys import KeyMaterial
from services.cli.backup.restoring import keys_for
from services.cli.backup.verifying import verified
from services.kernel.errors import AppError
from tests.unit.cli.backup.made import KEYS, make

OTHERS = {
    "encryption_keys": "a:" + "QUJD" * 10 + "QUM=",
    "lookup_key": "m" * 40,
    "audit_key": "n" * 40,
}


def test_the_own_keys_fit_and_no_others(tmp_path: Path) -> None:
    checks = KEYS.checks()
    assert KEYS.fit(checks)
    for name in ("encryption_keys", "lookup_key"):
        assert not replace(KEYS, **{name: OTHERS[name]}).fit(checks)
    assert not KEYS.fit({})
    assert not KEYS.fit({"sealed": "!", "lookup": ""})


def test_a_data_folders_secrets_and_a_backups_are_both_read() -> None:
    folder = {"encryption": KEYS.encryption_keys[2:], "lookup": KEYS.lookup_key, "audit": KEYS.audit_key, "token": "t"}
    assert KeyMaterial.parse(json.dumps(folder)) == KEYS
    assert KeyMaterial.parse(KEYS.text()) == KEYS


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '"x"', "1", '{"encryption": "AA==", "lookup": "l", "audit": "a"}', '{"encryption": 1}']
)
def test_what_is_no_file_of_secrets(text: str) -> None:
    with pytest.raises(AppError, match=r"backup\.bad-secrets"):
        KeyMaterial.parse(text)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (None, "backup.no-secrets"),
        (replace(KEYS, encryption_keys=OTHERS["encryption_keys"]), "backup.wrong-secrets"),
        (replace(KEYS, lookup_key=OTHERS["lookup_key"]), "backup.wrong-secrets"),
        (replace(KEYS, audit_key=OTHERS["audit_key"]), "backup.forged"),
    ],
)
def test_a_restore_wants_the_right_ones(tmp_path: Path, given: KeyMaterial | None, code: str) -> None:
    make(tmp_path / "b")
    with verified(tmp_path / "b", lambda _: None) as backup:
        assert keys_for(backup, KEYS) == KEYS
        with pytest.raises(AppError) as refused:
            keys_for(backup, given)
    assert refused.value.code == code
