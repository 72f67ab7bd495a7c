"""A text whose file was never made goes when the next one is typed there, and only then."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.catalogue import load
from services.pdfcheck.ports import Subject, TypedText
from services.pdfcheck.usecases import typed
from services.pdfcheck.usecases.typed import Desk

NOW = datetime(2026, 9, 1, tzinfo=UTC)
PLACE = Subject(
    file_id="", dossier_id="d", organisation_path="p", material_id="m", item_id="surgery_video_docs",
    component_id="intro",
)  # fmt: skip


class Texts:
    def __init__(self, *held: TypedText) -> None:
        self.held = {each.file_id: each for each in held}

    async def of(self, _place: Subject) -> list[TypedText]:
        return sorted(self.held.values(), key=lambda each: each.typed_at, reverse=True)

    async def save(self, _place: Subject, text: TypedText) -> None:
        self.held[text.file_id] = text

    async def remove(self, place: Subject) -> None:
        del self.held[place.file_id]


class Upload:
    """Files that are in use, and those that were replaced."""

    def __init__(self, *known: str) -> None:
        self.known, self.replaced = set(known), {"replaced"}

    async def describe(self, _dossier: str, _path: str, file_id: str, *, replaced_too: bool = False) -> object | None:
        found = file_id in self.known or (replaced_too and file_id in self.replaced)
        return object() if found else None

    async def adopt(self, _dossier: str, _path: str, made: Any) -> None:
        self.known.add(made.file_id)


class Store:
    async def put(self, key: str, data: bytes) -> object:
        return SimpleNamespace(key=key, etag="e", size_bytes=len(data))

    async def delete(self, key: str) -> None:
        pass


@pytest.mark.parametrize(
    ("file_id", "age_s", "stays"),
    [("never", 601, False), ("never", 600, True), ("replaced", 10_000, True), ("in-use", 10_000, True)],
)
async def test_it_goes(monkeypatch: pytest.MonkeyPatch, file_id: str, age_s: int, stays: bool) -> None:
    async def typeset(*_: object) -> bytes:
        return b"%PDF"

    monkeypatch.setattr(typed, "typeset", typeset)
    texts = Texts(TypedText(file_id=file_id, text="旧", typed_at=NOW - timedelta(seconds=age_s)))
    upload = Upload("in-use")
    desk = Desk(
        catalogue=load.default(), texts=cast("Any", texts), files=cast("Any", upload), adopting=cast("Any", upload),
        store=cast("Any", Store()), sandbox=cast("Any", None), clock=cast("Any", SimpleNamespace(now=lambda: NOW)),
        ids=cast("Any", SimpleNamespace(new=lambda: "new")),
    )  # fmt: skip
    made = await desk.put(PLACE, "患者取仰卧位。")
    assert (file_id in texts.held) == stays
    assert texts.held[made.file_id].text == "患者取仰卧位。"
