"""The background's share: every page of a document in both sizes, and its text, before anybody asks."""

import contextlib

from services.kernel.sandbox.port import Progress
from services.pdfcheck.usecases.all_pages import IN_BACKGROUND, pages_ready
from services.pdfcheck.usecases.pictures import DocumentGone, Pictured, Pictures
from services.pdfcheck.usecases.text import Texts

#: How much of the work pictures are.
_PICTURES = 0.95


async def preview(pictures: Pictures, texts: Texts, pictured: Pictured, progress: Progress) -> int:
    """How many pages there are pictures of. Ends where the document goes meanwhile; raises as `pages_ready` does."""
    drawn = done = 0
    async with contextlib.aclosing(pages_ready(pictures, pictured, IN_BACKGROUND)) as ready:
        async for page in ready:
            done += 1
            drawn += page.drawn
            progress(_PICTURES * done / max(1, pictured.pages))
    with contextlib.suppress(DocumentGone):
        await texts.of(pictured, progress=lambda part: progress(_PICTURES + (1 - _PICTURES) * part))
    return drawn
