"""A text that is typed instead of sent: it becomes a PDF, and that the file of its component (M15-2h, M15-10).

The text is kept with the file that was made of it, so that it can be opened again; corrected, it becomes another file
in the place of that one, as a file that is made smaller does.
"""

import base64
import binascii
import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from services.catalogue.model import Catalogue, Component
from services.kernel.clock import Clock
from services.kernel.errors import AppError, Kind
from services.kernel.ids import Ids
from services.kernel.sandbox.port import LIMITS_HIT, Profile, Sandbox, SandboxFailed
from services.kernel.storage.port import ObjectInfo, ObjectStore
from services.kernel.stored_files import Adopting, MadeFile, StoredFiles
from services.pdfcheck.domain.typed import not_shown, taken
from services.pdfcheck.ports import Subject, TypedText, TypedTexts

#: What the sandbox calls. The module is not preloaded: fontTools would make every other child a quarter dearer to fork,
#: and a text is rare.
MAKE = "services.pdfcheck.tools.typeset:make"
PROFILE = Profile(name="typeset", memory_bytes=512 * 2**20, cpu_s=20, wall_s=30, read_budget_bytes=0)
#: A text whose file is not there after that long never gets one: whoever made it is gone.
_UNMADE = timedelta(minutes=10)
_NOTE = re.compile(r"（[^）]*）$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What it is made with."""

    catalogue: Catalogue
    texts: TypedTexts
    files: StoredFiles
    adopting: Adopting
    store: ObjectStore
    sandbox: Sandbox
    clock: Clock
    ids: Ids

    async def current(self, place: Subject) -> TypedText | None:
        """The text of the file that is in use now, None for none."""
        return await self._in_use(place, await self.texts.of(place))

    async def _in_use(self, place: Subject, texts: Sequence[TypedText]) -> TypedText | None:
        for each in texts:
            if await self._file(place, each.file_id):
                return each
        return None

    async def _file(self, place: Subject, file_id: str, *, replaced_too: bool = False) -> bool:
        where = (place.dossier_id, place.organisation_path)
        return await self.files.describe(*where, file_id, replaced_too=replaced_too) is not None

    async def put(self, place: Subject, text: str) -> TypedText:
        """Make the text the component's file, in the place of the one that was made of the text before. `place.file_id`
        is that of the new file, "" for any: asked for twice at once, it is made once. The present text changes nothing.

        Raises `AppError` text.not-here, what `domain.typed.taken` raises, text.not-shown (characters that the font has
        not), text.not-possible, text.changed (the file went or was replaced meanwhile), and what keeps a file from
        being adopted.
        """
        component, limit = self._limited(place)
        kept = taken(text, limit)
        texts = await self.texts.of(place)
        before = await self._in_use(place, texts)
        if before is not None and before.text == kept:
            return before
        if not place.file_id or await self._file(place, place.file_id, replaced_too=True):
            place = replace(place, file_id=self.ids.new())
        await self._remove_unmade(place, [each for each in texts if each != before])
        title = _NOTE.sub("", component.zh)
        pdf = await typeset(self.sandbox, kept, title)
        new = TypedText(file_id=place.file_id, text=kept, typed_at=self.clock.now())
        await self.texts.save(place, new)
        async with self._laid(place, pdf) as laid:
            made = MadeFile(
                file_id=place.file_id, material_id=place.material_id, item_id=place.item_id,
                component_id=place.component_id, file_name=f"{title}.pdf", key=laid.key, etag=laid.etag,
                size_bytes=laid.size_bytes, replaces=before.file_id if before is not None else "",
            )  # fmt: skip
            await self._adopt(place, made)
        return new

    def _limited(self, place: Subject) -> tuple[Component, int]:
        item = self.catalogue.item(place.item_id)
        component = next((each for each in item.components if each.id == place.component_id), None)
        if component is None or component.text_max_chars is None:
            raise AppError("text.not-here", Kind.PRECONDITION, item=item.number)
        return component, component.text_max_chars

    async def _remove_unmade(self, place: Subject, texts: Sequence[TypedText]) -> None:
        """Of these, what was left by calls that ended between keeping a text and making it a file."""
        for each in texts:
            late = each.typed_at < self.clock.now() - _UNMADE
            if late and not await self._file(place, each.file_id, replaced_too=True):
                await self.texts.remove(replace(place, file_id=each.file_id))

    @contextlib.asynccontextmanager
    async def _laid(self, place: Subject, pdf: bytes) -> AsyncIterator[ObjectInfo]:
        """The PDF as an object, until the file has its copy."""
        key = f"derived/pdfcheck/dossiers/{place.dossier_id}/typed/{self.ids.new()}.pdf"
        try:
            yield await self.store.put(key, pdf)
        finally:
            await self.store.delete(key)

    async def _adopt(self, place: Subject, made: MadeFile) -> None:
        """A text whose file was refused is not kept; of one about which nothing is known, it is."""
        try:
            await self.adopting.adopt(place.dossier_id, place.organisation_path, made)
        except AppError as error:
            if error.retryable:
                raise
            if await self._file(place, made.file_id):  # the same was asked for twice at once
                return
            await self.texts.remove(place)
            if error.kind is Kind.NOT_FOUND:
                raise AppError("text.changed", Kind.CONFLICT) from error
            raise


async def typeset(sandbox: Sandbox, text: str, head: str) -> bytes:
    """The PDF. Raises `AppError` text.not-shown, text.not-possible."""
    try:
        outcome = await sandbox.run(MAKE, {"text": text, "head": head}, profile=PROFILE)
        match outcome.value:
            case {"lacking": str(lacking)}:
                raise not_shown(lacking)
            case {"pdf": str(made)}:
                return base64.b64decode(made, validate=True)
        raise TypeError("the typesetting returned no document")
    except (SandboxFailed, binascii.Error, *LIMITS_HIT) as error:
        raise AppError("text.not-possible", Kind.UNPROCESSABLE) from error
