"""The text layer of a document: read once, when somebody first asks or before, and kept sealed beside its pictures."""

import asyncio
import contextlib
import json

from services.kernel.crypto import KeyRing
from services.kernel.errors import AppError, Kind
from services.kernel.sandbox.caching import CachedSource
from services.kernel.sandbox.port import LIMITS_HIT, Profile, Progress, Sandbox, SandboxFailed
from services.kernel.storage.port import ObjectExists, ObjectMissing, ObjectStore
from services.pdfcheck.domain import text
from services.pdfcheck.domain.text import LONGEST_QUERY, DocumentText, Found
from services.pdfcheck.usecases.pictures import DocumentGone, Pictured

#: What the sandbox calls. Preload the module.
READ = "services.pdfcheck.tools.text:read"
PRELOAD = ("services.pdfcheck.tools.text",)
PROFILE = Profile(name="text", memory_bytes=768 * 2**20, cpu_s=60, wall_s=120, read_budget_bytes=4 * 2**30)
#: What was read may hold names and numbers of people: it is kept as every other text of a file is.
_SEALED_AS = "pdfcheck.text"
#: What pdfium raises on a file that it cannot open.
_DOES_NOT_OPEN = "PdfiumError"
_MOST_BYTES = 32 * 2**20


class Texts:
    """Asks the store first, the sandbox second."""

    def __init__(self, store: ObjectStore, sandbox: Sandbox, keys: KeyRing) -> None:
        """Nothing is started."""
        self._store = store
        self._sandbox = sandbox
        self._keys = keys
        self._alone = asyncio.Lock()

    async def of(self, pictured: Pictured, *, progress: Progress | None = None) -> DocumentText:
        """Everything that is written in the document; nothing where it cannot be read within the limits.

        Raises `DocumentGone`, `SandboxFailed` (a bug of ours), `ZygoteLost`, `SourceSlow`, and whatever source and
        store raise.
        """
        key = f"{pictured.folder}text.sealed"
        found = await self._kept(key)
        if found is not None:
            return found
        async with self._alone:  # one at a time: nobody reads a document that another one is reading
            found = await self._kept(key)
            return found if found is not None else await self._read(pictured, key, progress)

    async def _kept(self, key: str) -> DocumentText | None:
        try:
            sealed = await self._store.read(key, 0, _MOST_BYTES)
        except ObjectMissing:
            return None
        return await asyncio.to_thread(self._opened, sealed)

    def _opened(self, sealed: bytes) -> DocumentText:
        return text.from_json(json.loads(self._keys.open(sealed, _SEALED_AS)))

    async def _read(self, pictured: Pictured, key: str, progress: Progress | None) -> DocumentText:
        nothing = DocumentText(pages=((),) * pictured.pages, cut=True)
        try:
            source = CachedSource(pictured.source)
            outcome = await self._sandbox.run(READ, {}, profile=PROFILE, sources=[source], progress=progress)
            found = await asyncio.to_thread(text.from_json, outcome.value)
        except SandboxFailed as error:
            if error.kind != _DOES_NOT_OPEN:
                raise
            found = nothing
        except (ValueError, *LIMITS_HIT):
            found = nothing
        with contextlib.suppress(ObjectExists):  # another process was faster
            await self._store.put(key, await asyncio.to_thread(self._sealed, found))
        if not await pictured.is_there():
            await self._store.delete(key)
            raise DocumentGone
        return found

    def _sealed(self, found: DocumentText) -> bytes:
        return self._keys.seal(json.dumps(found.to_json(), ensure_ascii=False), _SEALED_AS)


async def search(document: DocumentText, query: str) -> Found:
    """Where it is written. Raises `AppError` search.bad-query: nothing but spaces, or too long."""
    if not text.plain(query) or len(query) > LONGEST_QUERY:
        raise AppError("search.bad-query", Kind.INVALID, measured=len(query), limit=LONGEST_QUERY)
    return await asyncio.to_thread(text.search, document, query)
