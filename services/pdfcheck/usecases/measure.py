"""Measures one document in the sandbox; what the sandbox had to stop becomes a fact about the file."""

from services.catalogue.sniff import HEAD_BYTES, MediaType, media_type
from services.kernel.sandbox.caching import CachedSource
from services.kernel.sandbox.port import DOCUMENTS, LIMITS_HIT, ByteSource, Sandbox
from services.pdfcheck.domain import facts as document
from services.pdfcheck.domain.facts import DocumentFacts
from services.pdfcheck.usecases.stopped import excess_of

#: What the sandbox calls: for a PDF, which most files are, and for anything else.
INSPECT_PDF = "services.pdfcheck.tools.inspect_pdf:inspect"
INSPECT = "services.pdfcheck.tools.inspect:inspect"
MERGE = "services.pdfcheck.tools.merge:merge"
#: What is short and asked for often.
SHORT = ("services.pdfcheck.tools.inspect_pdf",)
#: What a sandbox imports once for all.
PRELOAD = (*SHORT, "services.pdfcheck.tools.inspect", "services.pdfcheck.tools.merge")


async def measure(sandbox: Sandbox, source: ByteSource, page_limit_bytes: int) -> DocumentFacts:
    """The facts of `source`, whatever it holds.

    Limits of time, memory and bytes that the file hits become `too_complex` facts. Raises `SandboxFailed` (a bug of
    ours), `ZygoteLost` (retryable) and whatever the source raises.
    """
    cached = CachedSource(source)
    kind = media_type(await cached.read(0, HEAD_BYTES))
    function = INSPECT_PDF if kind is MediaType.PDF else INSPECT
    try:
        outcome = await sandbox.run(
            function, {"page_limit_bytes": page_limit_bytes}, profile=DOCUMENTS, sources=[cached]
        )
    except LIMITS_HIT as error:
        hit = excess_of(error, DOCUMENTS)
        return document.too_complex(size_bytes=source.size_bytes, media_type=kind, hit=hit)
    if not isinstance(outcome.value, dict):
        raise TypeError("the measuring returned no object")
    return document.from_json(outcome.value)
