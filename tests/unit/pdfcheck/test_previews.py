"""The background's share: pictures of every page, then the text; an end where the document goes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.kernel.sandbox.sandbox import ForkingSandbox
from services.kernel.storage.port import ObjectStore
from services.pdfcheck import worker
from services.pdfcheck.usecases import pictures, text
from services.pdfcheck.usecases.all_pages import IN_BACKGROUND, WAITED_FOR
from services.pdfcheck.usecases.pictures import Pictured, Pictures
from services.pdfcheck.usecases.previews import preview
from services.pdfcheck.usecases.text import Texts
from tests.assets import pdf_fixtures as made
from tests.contract.storages import localdir
from tests.unit.pdfcheck.test_text import KEYS
from tests.unit.pdfcheck.test_usecases import InMemory

FOLDER = "derived/pdfcheck/dossiers/d/m/abc/"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ObjectStore]:
    async with localdir(tmp_path) as under_test:
        yield under_test.store


@pytest.fixture
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox([*pictures.PRELOAD, *text.PRELOAD])
    yield box
    await box.close()


async def test_everything_is_there_before_anybody_asks(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    async def there() -> bool:
        return True

    told: list[float] = []
    what = Pictured(source=InMemory(made.written_pdf([["一"], ["二"]])), folder=FOLDER, pages=2, is_there=there)
    assert await preview(Pictures(store, sandbox), Texts(store, sandbox, KEYS), what, told.append) == 2
    names = [kept.key.removeprefix(FOLDER) async for kept in store.list(FOLDER)]
    assert names == ["1200/1.jpg", "1200/2.jpg", "240/1.jpg", "240/2.jpg", "text.sealed"]
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    await pictures.forget(store, FOLDER)
    assert [kept async for kept in store.list(FOLDER)] == []


async def test_nothing_stays_of_a_document_that_went(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    async def gone() -> bool:
        return False

    what = Pictured(source=InMemory(made.written_pdf([["一"], ["二"]])), folder=FOLDER, pages=2, is_there=gone)
    assert await preview(Pictures(store, sandbox), Texts(store, sandbox, KEYS), what, lambda _: None) == 0
    assert [kept async for kept in store.list(FOLDER)] == []


def test_it_is_slow_work_that_gives_way() -> None:
    assert "previews" in worker.SLOW
    assert IN_BACKGROUND.nice > WAITED_FOR.nice == 0
