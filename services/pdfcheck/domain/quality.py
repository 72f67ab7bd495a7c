"""What was seen on pages in, hints out (G-03): resolution, focus, blank pages, pages on their head. Pure.

What depends on the item, on other pages or on the profile is judged where those are known: `catalogue.pages.rules`.
"""

from collections.abc import Iterator, Mapping, Sequence

from services.catalogue.findings import Finding, Scalar
from services.catalogue.pages.model import BLANK_INK, SeenPage

RULE_CLEAR = "G-03"
#: Dots an inch below which small type is lost.
LOW_DPI = 120
#: What is above is out of focus, and smeared.
FOCUS, MOTION = 0.55, 5.0
#: From where on the cheap cue decides which way up a page is.
CERTAIN = 0.5


def hints(pages: Sequence[SeenPage], turned: Mapping[int, bool]) -> tuple[Finding, ...]:
    """`turned`: of pages that were read, whether their writing stands on its head. Warnings only: a person decides."""
    return tuple(each for page in pages for each in _of_page(page, turned))


def is_upside_down(page: SeenPage, turned: Mapping[int, bool]) -> bool:
    """By its marks where they tell, else by reading."""
    if abs(page.upright) >= CERTAIN:
        return page.upright < 0
    return turned.get(page.page, False)


def _of_page(page: SeenPage, turned: Mapping[int, bool]) -> Iterator[Finding]:
    if page.is_blank:
        yield _hint("pdf.blank-page", page, page.ink, BLANK_INK, 1 - page.ink / BLANK_INK)
        return
    if page.dpi is not None and page.dpi < LOW_DPI:
        yield _hint("pdf.low-resolution", page, round(page.dpi), LOW_DPI, (LOW_DPI - page.dpi) / LOW_DPI * 2)
    if page.motion is not None and page.motion > MOTION:
        yield _hint("pdf.blurred", page, page.motion, MOTION, (page.motion - MOTION) / MOTION, reason="motion")
    elif page.focus is not None and page.focus > FOCUS:
        yield _hint("pdf.blurred", page, page.focus, FOCUS, (page.focus - FOCUS) / (1 - FOCUS), reason="focus")
    if is_upside_down(page, turned):
        yield _hint("pdf.upside-down", page, None, None, abs(page.upright))


def _hint(code: str, page: SeenPage, measured: Scalar, limit: Scalar, beyond: float, *, reason: str = "") -> Finding:
    params: dict[str, Scalar] = {"page": page.page, "left": 0.0, "top": 0.0, "width": 1.0, "height": 1.0}
    params["confidence"] = confidence(beyond)
    if reason:
        params["reason"] = reason
    return Finding(
        code=code, rule_id=RULE_CLEAR, measured=measured, limit=limit, where=f"page {page.page}", params=params
    )


def confidence(beyond: float) -> float:
    """0.5 at the limit, 0.95 well beyond it: no hint is certain."""
    return round(0.5 + 0.45 * min(1.0, max(0.0, beyond)), 2)
