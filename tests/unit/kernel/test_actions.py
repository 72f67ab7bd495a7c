"""House rules of logging: a constant message, a listed action, and no field that redaction would have to empty."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import services
from services.kernel.actions import Action
from services.kernel.redaction import is_personal

ROOT = Path(services.__file__).parent
METHODS = {"debug", "info", "warning", "error", "exception", "critical"}


class Call(NamedTuple):
    """One call of a module's `log`."""

    where: str
    area: str
    node: ast.Call

    def action(self) -> object:
        return next(
            (
                word.value.value
                for word in self.node.keywords
                if word.arg == "action" and isinstance(word.value, ast.Constant)
            ),
            None,
        )


def calls() -> Iterator[Call]:
    for path in sorted(ROOT.rglob("*.py")):
        area = path.relative_to(ROOT).parts[0]
        if area == "gen":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in METHODS
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "log"
            ):
                yield Call(f"{path.relative_to(ROOT)}:{node.lineno}", area, node)


CALLS = list(calls())


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.where)
def test_a_log_call_keeps_the_house_rules(call: Call) -> None:
    [message] = call.node.args
    assert isinstance(message, ast.Constant), "the message is constant; what varies is a field"
    action = call.action()
    assert isinstance(action, str), "a constant action= says what the line is about"
    if call.area == "kernel":
        assert action in set(Action), "add it to services/kernel/actions.py"
    else:
        assert action.startswith(f"{call.area}."), f"an action of this service begins with {call.area}."
    personal = [word.arg for word in call.node.keywords if word.arg and is_personal(word.arg)]
    assert not personal, "the value of such a field is never logged; name it otherwise or leave it out"


def test_every_listed_action_is_logged() -> None:
    assert {call.action() for call in CALLS if call.area == "kernel"} == set(Action)
