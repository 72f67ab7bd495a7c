"""What is kept of a typed text, what is refused, and in which order a text becomes a file."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import cast

import pytest

from services.catalogue import load
from services.kernel.errors import AppError, Kind
from services.kernel.ids import TimeOrderedIds
from services.kernel.sandbox.port import Json, SandboxFailed, SandboxTimeout
from services.kernel.storage.port import ObjectInfo, ObjectStore
from services.kernel.stored_files import Adopting, MadeFile, StoredFiles
from services.pdfcheck.domain.lengths import counted
from services.pdfcheck.domain.typed import taken, tidy
from services.pdfcheck.ports import Subject, TypedText, TypedTexts
from services.pdfcheck.usecases.typed import MAKE, Desk
from tests.unit.pdfcheck.test_usecases import Scripted

LIMIT = 2000
AT = datetime(2023, 6, 1, 8, tzinfo=UTC)
PLACE = Subject(
    file_id="f1", dossier_id="d", organisation_path="/sc/", material_id="m", item_id="surgery_video_docs",
    component_id="intro",
)  # fmt: skip
MADE: Json = {"pdf": "JVBERg=="}


@pytest.mark.parametrize(("typed", "kept"), [
    ("一\r\n二\r三\u2028四", "一\n二\n三\n四"),
    ("一\n\n\n\n二", "一\n\n二"),
    ("\n\n　　患者  男 \n", "患者 男"),
    ("a\tb\u00a0c\u3000\u3000d", "a b c\u3000d"),
    ("\ufeff手\u200b术\u00ad", "手术"),
    ("⼿术⽉", "手术月"),
    ("ﬁﬂ", "fifl"),
    ("e\u0301Ω", "éΩ"),
    ("ＡＢ１２，。", "ＡＢ１２，。"),
])  # fmt: skip
def test_what_nobody_sees_is_put_in_order(typed: str, kept: str) -> None:
    assert tidy(typed) == kept
    assert tidy(kept) == kept


def test_exactly_the_limit_is_taken_whatever_white_space_stands_between() -> None:
    assert counted(taken("字" * LIMIT, LIMIT)) == LIMIT
    assert taken(" ".join("字" * LIMIT) + "\n" * 10_000, LIMIT) == " ".join("字" * LIMIT)
    assert counted(taken("e\u0301" * LIMIT, LIMIT)) == LIMIT


@pytest.mark.parametrize("found", [LIMIT + 1, 5 * LIMIT, 300_000])
def test_one_more_is_refused_with_what_was_found(found: int) -> None:
    with pytest.raises(AppError) as refused:
        taken("字 " * found, LIMIT)
    assert (refused.value.code, refused.value.params) == (
        "text.over-limit", {"measured": found, "limit": LIMIT, "over": found - LIMIT},
    )  # fmt: skip


@pytest.mark.parametrize("nothing", ["", " \n\u3000\t", "\u200b\ufeff"])
def test_a_text_without_characters_is_refused(nothing: str) -> None:
    with pytest.raises(AppError, match="nothing"):
        taken(nothing, LIMIT)


@pytest.mark.parametrize(
    "hidden", ["\x00", "\x1b", "\x1c", "\u202e", "\u2066", "\u200f", "\ue000", "\U000e0041", "\uffff"]
)
def test_controls_and_what_turns_the_order_are_refused_by_name(hidden: str) -> None:
    with pytest.raises(AppError) as refused:
        taken(f"手术{hidden}简介{hidden}", LIMIT)
    assert refused.value.code == "text.not-shown"
    assert refused.value.params == {"characters": f"U+{ord(hidden):04X}", "count": 1}


def test_no_more_than_ten_are_named() -> None:
    with pytest.raises(AppError) as refused:
        taken("术" + "".join(map(chr, range(0xE000, 0xE100))), LIMIT)
    assert refused.value.params["count"] == 256
    assert str(refused.value.params["characters"]).count("U+") == 10


@dataclass
class Texts:
    """Kept in a list, newest first."""

    kept: list[TypedText] = field(default_factory=list)

    async def of(self, place: Subject) -> Sequence[TypedText]:
        return list(self.kept)

    async def save(self, place: Subject, text: TypedText) -> None:
        await self.remove(place)
        self.kept.insert(0, text)

    async def remove(self, place: Subject) -> None:
        self.kept = [each for each in self.kept if each.file_id != place.file_id]


@dataclass
class Upload:
    """Files in use, and what was adopted; or the error that adopting ends with."""

    used: set[str] = field(default_factory=set)
    replaced: set[str] = field(default_factory=set)
    adopted: list[MadeFile] = field(default_factory=list)
    error: AppError | None = None

    async def describe(self, dossier_id: str, path: str, file_id: str, *, replaced_too: bool = False) -> object:
        return file_id if file_id in self.used or (replaced_too and file_id in self.replaced) else None

    async def adopt(self, dossier_id: str, path: str, made: MadeFile) -> None:
        if self.error is not None:
            raise self.error
        self.adopted.append(made)
        if made.replaces:
            self.used.remove(made.replaces)
            self.replaced.add(made.replaces)
        self.used.add(made.file_id)


@dataclass
class Store:
    """Keys that are there."""

    keys: set[str] = field(default_factory=set)

    async def put(self, key: str, body: bytes) -> ObjectInfo:
        self.keys.add(key)
        return ObjectInfo(key=key, size_bytes=len(body), etag="e", modified_at=AT)

    async def delete(self, key: str) -> None:
        self.keys.discard(key)


class Clock:
    def now(self) -> datetime:
        return AT

    def monotonic(self) -> float:
        return 0.0


@dataclass
class Setting:
    """A desk, and what it works with."""

    texts: Texts = field(default_factory=Texts)
    upload: Upload = field(default_factory=Upload)
    store: Store = field(default_factory=Store)
    sandbox: Scripted = field(default_factory=lambda: Scripted({MAKE: MADE}))

    @property
    def desk(self) -> Desk:
        return Desk(
            catalogue=load.default(), texts=cast("TypedTexts", self.texts), files=cast("StoredFiles", self.upload),
            adopting=cast("Adopting", self.upload), store=cast("ObjectStore", self.store), sandbox=self.sandbox,
            clock=Clock(), ids=TimeOrderedIds(),
        )  # fmt: skip


async def test_a_text_becomes_the_file_of_its_component_under_its_name() -> None:
    setting = Setting()
    made = await setting.desk.put(PLACE, "  患者男。\r\n")
    assert (made.file_id, made.text) == ("f1", "患者男。")
    [file] = setting.upload.adopted
    assert (file.file_name, file.item_id, file.component_id, file.size_bytes, file.replaces) == (
        "手术简介.pdf", "surgery_video_docs", "intro", 4, "",
    )  # fmt: skip
    assert file.key.startswith("derived/pdfcheck/dossiers/d/typed/")
    assert not setting.store.keys  # the file is a copy of it
    assert await setting.desk.current(PLACE) == made


async def test_corrected_it_takes_the_place_of_the_one_before() -> None:
    setting = Setting()
    await setting.desk.put(PLACE, "一")
    corrected = await setting.desk.put(replace(PLACE, file_id="f2"), "二")
    assert [file.replaces for file in setting.upload.adopted] == ["", "f1"]
    assert await setting.desk.current(PLACE) == corrected
    assert setting.upload.used == {"f2"}


async def test_the_same_text_again_makes_nothing() -> None:
    setting = Setting()
    made = await setting.desk.put(PLACE, "一")
    assert await setting.desk.put(replace(PLACE, file_id="f2"), " 一 ") == made
    assert len(setting.upload.adopted) == len(setting.sandbox.asked) == 1


async def test_a_page_that_was_left_open_makes_a_file_of_its_own() -> None:
    """Its form has the id of a file that is there already, in use or replaced."""
    setting = Setting()
    await setting.desk.put(PLACE, "一")
    second = await setting.desk.put(PLACE, "二")
    third = await setting.desk.put(PLACE, "三")
    assert len({"f1", second.file_id, third.file_id}) == 3
    assert setting.upload.used == {third.file_id}


async def test_once_its_file_is_deleted_it_is_no_text_any_more() -> None:
    setting = Setting()
    await setting.desk.put(PLACE, "一")
    setting.upload.used.clear()
    assert await setting.desk.current(PLACE) is None
    await setting.desk.put(replace(PLACE, file_id="f2"), "一")
    assert setting.upload.adopted[-1].replaces == ""


@pytest.mark.parametrize(("error", "code"), [
    (AppError("upload.quota", Kind.LIMITED), "upload.quota"),
    (AppError("request.not-found", Kind.NOT_FOUND), "text.changed"),
])  # fmt: skip
async def test_a_text_whose_file_is_refused_is_not_kept(error: AppError, code: str) -> None:
    setting = Setting(upload=Upload(error=error))
    with pytest.raises(AppError, match=code):
        await setting.desk.put(PLACE, "一")
    assert not setting.texts.kept
    assert not setting.store.keys


async def test_where_nobody_knows_whether_it_became_a_file_it_is_kept() -> None:
    setting = Setting(upload=Upload(error=AppError("service.unavailable", Kind.UNAVAILABLE, retryable=True)))
    with pytest.raises(AppError, match="unavailable"):
        await setting.desk.put(PLACE, "一")
    assert [text.text for text in setting.texts.kept] == ["一"]
    assert not setting.store.keys
    setting.upload.error = None
    setting.upload.used.add("f1")  # it had
    await setting.desk.put(replace(PLACE, file_id="f2"), "二")
    assert setting.upload.adopted[-1].replaces == "f1"


async def test_asked_for_twice_at_once_it_is_made_once() -> None:
    """The second finds the one that it should replace replaced, by itself."""
    setting = Setting(texts=Texts([TypedText(file_id="f0", text="零", typed_at=AT)]), upload=Upload(used={"f0"}))

    async def adopt(dossier_id: str, path: str, made: MadeFile) -> None:
        setting.upload.used = {made.file_id}
        raise AppError("request.not-found", Kind.NOT_FOUND)

    setting.upload.adopt = adopt  # type: ignore[method-assign]
    made = await setting.desk.put(PLACE, "一")
    assert setting.texts.kept[0] == made


@pytest.mark.parametrize("place", [
    replace(PLACE, component_id="op_record"), replace(PLACE, component_id="nothing"),
    replace(PLACE, item_id="education", component_id="chsi_report"),
])  # fmt: skip
async def test_only_a_text_of_limited_length_is_typed(place: Subject) -> None:
    with pytest.raises(AppError, match="not-here"):
        await Setting().desk.put(place, "一")


@pytest.mark.parametrize(("answer", "code"), [
    ({"lacking": "𠮷"}, "text.not-shown"),
    (SandboxTimeout("CPU"), "text.not-possible"),
    (SandboxFailed("KeyError", ""), "text.not-possible"),
    ({"pdf": "="}, "text.not-possible"),
])  # fmt: skip
async def test_what_cannot_be_typeset_changes_nothing(answer: Json | Exception, code: str) -> None:
    setting = Setting(sandbox=Scripted({MAKE: answer}))
    with pytest.raises(AppError) as refused:
        await setting.desk.put(PLACE, "𠮷")
    assert refused.value.code == code
    if code == "text.not-shown":
        assert refused.value.params["characters"] == "𠮷 (U+20BB7)"
    assert not setting.texts.kept
    assert not setting.upload.adopted
