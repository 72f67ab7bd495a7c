"""The size coach through the API: wait until it has measured, follow its advice."""

import time
from collections.abc import Callable
from typing import TypeVar

from services.cli.demo.client import Client, Data
from services.cli.person import Refused
from tests.small_dossier import materials

DEADLINE_S = 120
_Seen = TypeVar("_Seen")


def eventually(ask: Callable[[], _Seen], enough: Callable[[_Seen], bool]) -> _Seen:
    """What is told once it is enough; what is not there yet is asked for again."""
    ends = time.monotonic() + DEADLINE_S
    while True:
        seen = None
        try:
            seen = ask()
            if enough(seen):
                return seen
        except Refused as error:
            if error.answer.status_code != 404:
                raise
        assert time.monotonic() < ends, seen
        time.sleep(0.1)


def measured(person: Client, path: str) -> Data:
    """The advice at `path`, once it is there."""
    return eventually(lambda: person.send("GET", path), lambda told: bool(told["state"] == "done"))


def of_first_file(dossier: Data, item_id: str) -> str:
    """Where the advice on a material's first file is."""
    file = materials(dossier)[item_id]["files"][0]
    return f"/api/v1/dossiers/{dossier['dossier_id']}/files/{file['file_id']}/size-advice"


def make_smaller(person: Client, dossier: Data, item_id: str) -> Data:
    """The material once its first file was made smaller, by the first way there is, and has passed."""
    path = of_first_file(dossier, item_id)
    told = measured(person, path)
    method = told["plans"][0]["method"]
    person.send("POST", f"{path}/application", json={"advice_id": told["advice_id"], "method": method})
    seen = person.wait(
        dossier["dossier_id"], lambda d: materials(d)[item_id]["status"] == "passed", deadline_s=DEADLINE_S
    )
    return materials(seen)[item_id]
