"""Answers of the size coach."""

from typing import Literal

from pydantic import Field

from services.gateway.schemas.common import Answer, Bytes, Id, Moment, Sha256
from services.gateway.schemas.files import PageOrigin

_METHOD = Field(examples=["visual"], description="lossless: no pixel changes; visual: looks the same")
_STATE = Field(examples=["done"], description="queued, leased, done, dead or cancelled")


class AdvisedPicture(Answer):
    """A picture on a page that is too large."""

    width_px: int = Field(examples=[2480])
    height_px: int = Field(examples=[3508])
    size_bytes: Bytes
    kind: Literal["jpeg", "lossless", "jpeg2000", "bilevel", "special"] = Field(examples=["jpeg"])
    dpi: float = Field(examples=[300.0], description="as it is printed; 0 when unknown")
    quality: int = Field(examples=[98], description="of a JPEG; 0 when unknown")


class SizeOffer(Answer):
    """One way to make a page smaller."""

    method: Literal["lossless", "visual"] = _METHOD
    page_bytes: Bytes = Field(description="judged as every page is (G-07)")
    ssim: float = Field(examples=[0.9931], description="of the picture that differs most; 1 is the same")
    dpi: float = Field(examples=[300.0], description="of the coarsest picture that changes; 0 when unknown")
    quality: int = Field(examples=[94], description="the lowest JPEG quality used; 0 where none was made")
    pictures: int = Field(examples=[1], description="how many change")
    fits: bool = Field(examples=[True], description="whether the page is within its limit then")


class PageAdvice(Answer):
    """Why a page is so large, and what it would be otherwise."""

    file_id: Id
    page: int = Field(examples=[2], description="from 1")
    size_bytes: Bytes
    pictures: list[AdvisedPicture]
    other_bytes: Bytes = Field(description="what is neither picture nor mask")
    reasons: list[str] = Field(
        examples=[["quality"]],
        description="resolution, lossless, quality, several-pictures, bilevel, special, other",
    )
    offers: list[SizeOffer]
    refusal: str = Field(examples=[""], description="no-pictures, not-enough, damaged or too-complex")


class SizePlan(Answer):
    """What one application does."""

    method: Literal["lossless", "visual"] = _METHOD
    pages: list[PageOrigin]
    saved_bytes: Bytes
    suffices: bool = Field(examples=[True], description="whether nothing is too large any more then")


class Shrinking(Answer):
    """A smaller file that is being made, was made, or could not be."""

    file_id: Id = Field(description="the new file's")
    from_file_id: Id
    method: Literal["lossless", "visual"] = _METHOD
    state: str = _STATE
    progress: float = Field(examples=[1.0], description="0 to 1")
    problem: str = Field(examples=[""], description="a code of docs/errors.md when it cannot be made")


class SizeAdvice(Answer):
    """On one file, or on a material (G-07, G-08)."""

    advice_id: str = Field(examples=["01a20ae9-c721-7579-a030-9881d174f058"], description="empty until measured")
    state: str = _STATE
    progress: float = Field(examples=[1.0], description="0 to 1")
    pages: list[PageAdvice]
    refusal: str = Field(examples=[""], description="signed: nothing is changed; else empty")
    over_bytes: Bytes = Field(description="of a material: how far above its limit")
    plans: list[SizePlan]
    shrinking: list[Shrinking]


class Derivation(Answer):
    """How a file came out of another one on somebody's word."""

    file_id: Id
    from_file_id: Id
    from_sha256: Sha256
    from_size_bytes: Bytes
    sha256: Sha256
    size_bytes: Bytes
    method: Literal["lossless", "visual"] = _METHOD
    pages: list[PageAdvice] = Field(description="those that changed, with the offer that was taken")
    tools: dict[str, str] = Field(examples=[{"pikepdf": "10.0.2"}])
    ssim: float = Field(examples=[0.9931], description="the lowest of all pages")
    asked_by: Id
    asked_at: Moment | None
    adopted_at: Moment | None
    taken_back_at: Moment | None = Field(description="since then the original stands in its own place again")


class Derivations(Answer):
    """Of a dossier."""

    derivations: list[Derivation]
