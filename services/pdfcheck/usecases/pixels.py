"""Whether the pictures of a document are whole: the second look at a file, after its structure was found sound."""

from dataclasses import dataclass

from services.catalogue.findings import Finding
from services.kernel.sandbox.port import LIMITS_HIT, ByteSource, Json, Profile, Progress, Sandbox
from services.pdfcheck.domain.findings import MOST_SAMPLE_BYTES, RULE_CLEAR, RULE_FORMAT, too_complex
from services.pdfcheck.usecases.drawable import undrawable
from services.pdfcheck.usecases.stopped import excess_of

#: What the sandbox calls. Preload the module.
PIXELS = "services.pdfcheck.tools.pixels:pixels"
PRELOAD = ("services.pdfcheck.tools.pixels", "services.pdfcheck.tools.render")
#: 300 pages of 300 dots an inch take half a minute on a slow core.
PROFILE = Profile(name="pixels", memory_bytes=768 * 2**20, cpu_s=180, wall_s=600, read_budget_bytes=4 * 2**30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pixels:
    """`unknown` of the `pictures` are coded in a way that nobody here decodes; what it cost on its own core."""

    findings: tuple[Finding, ...]
    pictures: int = 0
    unknown: int = 0
    cpu_s: float = 0


async def check_pixels(sandbox: Sandbox, source: ByteSource, *, progress: Progress | None = None) -> Pixels:
    """Of a usable document or picture; what the sandbox had to stop is a finding. Raises `SandboxFailed` (a bug of
    ours), `ZygoteLost`, `SourceSlow`, and whatever the source raises.
    """
    try:
        outcome = await sandbox.run(PIXELS, {}, profile=PROFILE, sources=[source], progress=progress)
    except LIMITS_HIT as error:
        return Pixels(findings=(too_complex(excess_of(error, PROFILE)),))
    match outcome.value:
        case {
            "document": bool(document),
            "damaged": [*damaged],
            "oversized": [*oversized],
            "doubtful": [*doubtful],
            "pictures": int(pictures),
            "unknown": int(unknown),
        }:
            found = tuple(_damaged(number, document=document) for number in damaged if isinstance(number, int))
            found += tuple(_oversized(each) for each in oversized)
            found += await undrawable(sandbox, source, [page for page in doubtful if isinstance(page, int)])
            return Pixels(findings=found, pictures=pictures, unknown=unknown, cpu_s=outcome.cpu_s)
    raise TypeError("looking at pixels returned something else")


def _damaged(page: int, *, document: bool) -> Finding:
    if not document:
        return Finding(code="image.damaged", rule_id=RULE_FORMAT)
    return Finding(code="pdf.picture-damaged", rule_id=RULE_CLEAR, where=f"page {page}", params={"page": page})


def _oversized(told: Json) -> Finding:
    match told:
        case [int(page), int(sample_bytes)]:
            return Finding(
                code="pdf.picture-oversized",
                rule_id=RULE_FORMAT,
                measured=sample_bytes,
                limit=MOST_SAMPLE_BYTES,
                unit="bytes",
                where=f"page {page}",
                params={"page": page},
            )
    raise TypeError("a page and its bytes were expected")
