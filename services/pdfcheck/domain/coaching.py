"""The size coach: why a page is so large, and what it would be otherwise (G-07, G-08). Pure.

Advice is measured in the sandbox, page by page; here stand its limits, its shape, and which pages of an item are best
made smaller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.pdfcheck.domain.facts import Json

#: What a page is aimed at: both readings of "5 MB" are met below it. Never above the catalogue's limit.
PAGE_TARGET_BYTES = 5_000_000
#: What an item is aimed at, likewise.
ITEM_TARGET_BYTES = 40_000_000
#: How like the original a page must stay to be offered as looking the same.
LEAST_SSIM = 0.985
#: Qualities of a JPEG that are tried.
QUALITIES = (75, 98)
#: Where quality alone does not do, in this order.
RESOLUTIONS_DPI = (400, 300, 250, 200)
#: More of a scanned page shows nothing more.
USEFUL_DPI = 400
#: A JPEG of more than this quality spends bytes on what nobody sees.
USEFUL_QUALITY = 92
#: What a picture must weigh of its page to be named as a reason.
_HEAVY_PART = 0.1


class Reason(StrEnum):
    """Why a page is so large."""

    RESOLUTION = "resolution"
    #: A picture stored without loss where a JPEG would do.
    LOSSLESS = "lossless"
    QUALITY = "quality"
    SEVERAL_PICTURES = "several-pictures"
    #: Black and white that is not compressed well, or at an enormous resolution.
    BILEVEL = "bilevel"
    #: Pictures of inks or with masks, which are only packed better.
    SPECIAL = "special"
    #: Fonts, drawings, embedded data: nothing that making pictures smaller would help.
    OTHER = "other"


class Refusal(StrEnum):
    """Why nothing is offered."""

    #: A signature would break (never shrunk).
    SIGNED = "signed"
    NO_PICTURES = "no-pictures"
    NOT_ENOUGH = "not-enough"
    DAMAGED = "damaged"
    #: The limits of time or memory were reached.
    TOO_COMPLEX = "too-complex"


class Method(StrEnum):
    """What is offered."""

    #: Not one pixel changes.
    LOSSLESS = "lossless"
    #: Looks the same.
    VISUAL = "visual"


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureFacts:
    """A picture of a page: `kind` as `tools.coding` names it, `quality` of a JPEG or 0, `dpi` as printed or 0."""

    width_px: int
    height_px: int
    size_bytes: int
    kind: str
    dpi: float = 0
    quality: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """One way to make a page smaller; `page_bytes` is judged as every page is. `ssim` and `dpi` are the lowest among
    the pictures that change, `quality` likewise (0: no JPEG was made). `keys` are objects of the store: "file" (a page
    or a picture to take from), "page" and "crop" (to look at).
    """

    method: Method
    page_bytes: int
    ssim: float
    dpi: float
    quality: int
    pictures: int
    fits: bool
    keys: Mapping[str, str]
    #: Of each picture that changes, where it hangs on the page: keys of dictionaries, for each of its places.
    paths: tuple[tuple[tuple[str, ...], ...], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PageAdvice:
    """Of one page of one file. `keys` shows it as it is: "page" and "crop"."""

    file_id: str
    page: int
    size_bytes: int
    pictures: tuple[PictureFacts, ...] = ()
    #: What is neither picture nor mask.
    other_bytes: int = 0
    reasons: tuple[Reason, ...] = ()
    offers: tuple[Offer, ...] = ()
    refusal: Refusal | None = None
    keys: Mapping[str, str] = field(default_factory=dict)

    def offer(self, method: Method) -> Offer | None:
        """The one of that method."""
        return next((offer for offer in self.offers if offer.method is method), None)

    def saved_bytes(self, method: Method) -> int:
        """How much smaller the page would be; 0 without such an offer."""
        offer = self.offer(method)
        return max(0, self.size_bytes - offer.page_bytes) if offer is not None else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """On the pages of one file that are too large, or on a material that is (`recipe_sha256` is what it was merged
    from then, `excess_bytes` how far it was above its target, `over_bytes` above its limit).

    `refusal` is about the whole file. `tools` names what was measured with, library → version.
    """

    advice_id: str
    pages: tuple[PageAdvice, ...] = ()
    refusal: Refusal | None = None
    recipe_sha256: str = ""
    excess_bytes: int = 0
    over_bytes: int = 0
    tools: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_about_item(self) -> bool:
        """Whether the whole is too large, not a page."""
        return bool(self.recipe_sha256)

    def chosen(self, method: Method) -> tuple[PageAdvice, ...]:
        """What is made smaller by that method: of a file every page that is under the limit then; of an item the
        pages that save most, as few as get it below its target; all of them where that is not enough.
        """
        if not self.is_about_item:
            return tuple(page for page in self.pages if (offer := page.offer(method)) is not None and offer.fits)
        best = sorted(self.pages, key=lambda page: -page.saved_bytes(method))
        chosen: list[PageAdvice] = []
        for page in best:
            if page.saved_bytes(method) and sum(each.saved_bytes(method) for each in chosen) < self.excess_bytes:
                chosen.append(page)
        return tuple(chosen)

    def saved_bytes(self, method: Method) -> int:
        """By all that is chosen."""
        return sum(page.saved_bytes(method) for page in self.chosen(method))

    def suffices(self, method: Method) -> bool:
        """Whether nothing is too large any more then."""
        if self.is_about_item:
            return self.saved_bytes(method) >= self.over_bytes
        return bool(self.pages) and len(self.chosen(method)) == len(self.pages)


def page_target(limit_bytes: int) -> int:
    """What a page is aimed at."""
    return min(PAGE_TARGET_BYTES, limit_bytes)


def reasons_of(pictures: Sequence[PictureFacts], other_bytes: int) -> tuple[Reason, ...]:
    """Why a page is so large, by what weighs in it."""
    whole = other_bytes + sum(picture.size_bytes for picture in pictures)
    heavy = [picture for picture in pictures if picture.size_bytes > _HEAVY_PART * whole]
    found = [reason for picture in heavy for reason in _reasons(picture)]
    found += [Reason.SEVERAL_PICTURES] if len(heavy) > 1 else []
    found += [Reason.OTHER] if other_bytes > _HEAVY_PART * whole else []
    return tuple(reason for reason in Reason if reason in found)


def _reasons(picture: PictureFacts) -> Sequence[Reason]:
    found = [Reason.RESOLUTION] if picture.dpi > USEFUL_DPI else []
    if picture.kind in ("lossless", "bilevel", "special"):
        found.append(Reason(picture.kind))
    elif picture.quality > USEFUL_QUALITY:
        found.append(Reason.QUALITY)
    return found


def to_json(advice: Advice) -> dict[str, Json]:
    """Plain data for a database column."""
    return {
        "advice_id": advice.advice_id,
        "pages": [page_to_json(page) for page in advice.pages],
        "refusal": advice.refusal,
        "recipe_sha256": advice.recipe_sha256,
        "excess_bytes": advice.excess_bytes,
        "over_bytes": advice.over_bytes,
        "tools": dict(advice.tools),
    }


def from_json(data: Mapping[str, Any]) -> Advice:
    """What `to_json` wrote. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
    pages = tuple(page_from_json(page) for page in data["pages"])
    return Advice(**{**data, "pages": pages, "refusal": _refusal(data["refusal"])})


def page_to_json(page: PageAdvice) -> dict[str, Json]:
    """As `to_json`."""
    return asdict(page)


def page_from_json(data: Mapping[str, Any]) -> PageAdvice:
    """As `from_json`; also what the sandbox hands back, which has just read a hostile file."""
    return PageAdvice(
        file_id=str(data["file_id"]),
        page=int(data["page"]),
        size_bytes=int(data["size_bytes"]),
        pictures=tuple(PictureFacts(**picture) for picture in data["pictures"]),
        other_bytes=int(data["other_bytes"]),
        reasons=tuple(Reason(reason) for reason in data["reasons"]),
        offers=tuple(_offer(offer) for offer in data["offers"]),
        refusal=_refusal(data["refusal"]),
        keys=dict(data["keys"]),
    )


def _offer(data: Mapping[str, Any]) -> Offer:
    paths = tuple(tuple(tuple(str(key) for key in path) for path in picture) for picture in data["paths"])
    return Offer(**{**data, "method": Method(data["method"]), "paths": paths})


def _refusal(said: object) -> Refusal | None:
    return None if said is None else Refusal(str(said))


@dataclass(frozen=True, kw_only=True, slots=True)
class Derivation:
    """How a file came out of another one on somebody's word; `file_id` is the new one's.

    Sizes in bytes. `pages` are those that changed, each with its `Offer`. Until `adopted_at` it is being made;
    `problem` is the code of the error that kept it from being made; since `taken_back_at` the original stands in its
    own place again.
    """

    file_id: str
    from_file_id: str
    advice_id: str
    method: Method
    pages: tuple[PageAdvice, ...]
    asked_by: str
    asked_at: datetime
    tools: Mapping[str, str] = field(default_factory=dict)
    from_sha256: str = ""
    sha256: str = ""
    size_bytes: int = 0
    from_size_bytes: int = 0
    adopted_at: datetime | None = None
    problem: str = ""
    taken_back_at: datetime | None = None

    @property
    def least_ssim(self) -> float:
        """Of the page that differs most."""
        return min((offer.ssim for page in self.pages if (offer := page.offer(self.method)) is not None), default=1)
