"""The cheap ones of the hostile set, through everything; `make hostile` takes them all."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.assets.hostile import KINDS
from tests.hostile.ground import Ground, ground, through_all

IN_MODULE = pytest.mark.asyncio(loop_scope="module")
CHEAP = [name for name, kind in KINDS.items() if not kind.heavy]
#: So many are judged for each one that is drawn and merged as well.
JUDGED = 8


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def found(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    async with ground(tmp_path_factory.mktemp("hostile")) as made:
        yield made


@IN_MODULE
@pytest.mark.parametrize("name", CHEAP)
async def test_it_ends_in_what_an_applicant_can_act_on(found: Ground, name: str) -> None:
    kind = KINDS[name]
    shown_too = CHEAP.index(name) % JUDGED == 0
    ended = await through_all(found, kind.make(), kind.file_name, shown_too=shown_too)
    assert kind.allows(ended.codes), sorted(ended.codes)
    assert ended.over == ""
    assert found.sandbox.zygotes_lost == 0


def test_there_are_enough_of_them() -> None:
    assert len(KINDS) >= 60
    assert len(CHEAP) >= 60
