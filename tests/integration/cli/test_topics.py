"""`shenbao topics apply` on a real broker."""

import itertools
import json

import pytest
from typer.testing import CliRunner

from services.cli.main import build
from services.kernel.events.topics import declared
from tools.stack.kafka import Broker

pytestmark = pytest.mark.xdist_group("kafka")
_NUMBERS = itertools.count(1)


def run(monkeypatch: pytest.MonkeyPatch, events: str, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setenv("SHENBAO_EVENTS", events)
    done = CliRunner().invoke(build("topics"), ["topics", "apply", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_topics_are_made_once_and_kept_then(monkeypatch: pytest.MonkeyPatch, broker: Broker) -> None:
    url = f"kafka://{broker.address}?prefix=cli{next(_NUMBERS)}."
    code, told, _ = run(monkeypatch, url, "--json")
    assert code == 0
    wanted = [{"topic": t.name, "outcome": "created", "partitions": t.partitions} for t in declared()]
    assert json.loads(told) == {"topics": wanted}
    code, told, _ = run(monkeypatch, url)
    assert code == 0
    assert told.count("未变") == len(declared())


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ("", "SHENBAO_EVENTS"),
        ("amqp://somewhere", "amqp"),
        ("kafka://nowhere", "host:port"),
        ("kafka://127.0.0.1:1", "does not answer"),
    ],
)
def test_what_cannot_be_reached_is_said(monkeypatch: pytest.MonkeyPatch, events: str, said: str) -> None:
    code, told, error = run(monkeypatch, events, "--lang", "en")
    assert (code, told) == (2, "")
    assert said in error
