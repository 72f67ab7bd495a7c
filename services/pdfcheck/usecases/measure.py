"""Measures one document in the sandbox; what the sandbox had to stop becomes a fact about the file."""

from services.catalogue.sniff import HEAD_BYTES, media_type
from services.kernel.sandbox.caching import CachedSource
from services.kernel.sandbox.port import DOCUMENTS, LIMITS_HIT, ByteSource, Sandbox
from services.pdfcheck.domain import facts as document
from services.pdfcheck.domain.facts import DocumentFacts
from services.pdfcheck.usecases.stopped import excess_of

#: What the sandbox calls.
INSPECT = "services.pdfcheck.tools.inspect:inspect"
MERGE = "services.pdfcheck.tools.merge:merge"
#: What is short and asked for often.
SHORT = ("services.pdfcheck.tools.inspect",)
#: What a sandbox imports once for both.
PRELOAD = ("services.pdfcheck.tools.inspect", "services.pdfcheck.tools.merge")


async def measure(sandbox: Sandbox, source: ByteSource, page_limit_bytes: int) -> DocumentFacts:
    """The facts of `source`, whatever it holds.

    Limits of time, memory and bytes that the file hits become `too_complex` facts. Raises `SandboxFailed` (a bug of
    ours), `ZygoteLost` (retryable) and whatever the source raises.
    """
    try:
        outcome = await sandbox.run(
            INSPECT, {"page_limit_bytes": page_limit_bytes}, profile=DOCUMENTS, sources=[CachedSource(source)]
        )
    except LIMITS_HIT as error:
        kind = media_type(await source.read(0, HEAD_BYTES))
        hit = excess_of(error, DOCUMENTS)
        return document.too_complex(size_bytes=source.size_bytes, media_type=kind, hit=hit)
    if not isinstance(outcome.value, dict):
        raise TypeError("the measuring returned no object")
    return document.from_json(outcome.value)
