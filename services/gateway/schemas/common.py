"""What several answers share."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

#: Sizes and positions are whole numbers of bytes, durations seconds, moments ISO 8601 in UTC.
Id = Annotated[str, Field(examples=["01a20ae9-c721-7579-a030-9881d174f058"])]
Sha256 = Annotated[
    str,
    Field(pattern=r"^([0-9a-f]{64})?$", examples=["8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"]),
]
Moment = Annotated[str, Field(examples=["2023-08-31T09:30:00.123456Z"], json_schema_extra={"format": "date-time"})]
Bytes = Annotated[int, Field(ge=0, examples=[1_843_200])]
Version = Annotated[int, Field(ge=0, examples=[3], description="grows with every change")]
Level = Annotated[str, Field(examples=["county"], description="unit, county, city or province; empty where none is")]
Verdict = Annotated[str, Field(pattern="^(pass|fail)?$", examples=["pass"], description="empty before the check")]


class Answer(BaseModel):
    """Exactly these fields, always all of them."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class Place(Answer):
    """Where on a page something was seen: a box in shares of the page, from its upper left."""

    page: int = Field(examples=[3], description="from 1, in the file")
    left: float = Field(examples=[0.55])
    top: float = Field(examples=[0.7])
    width: float = Field(examples=[0.2])
    height: float = Field(examples=[0.14])
    confidence: float = Field(examples=[0.82], description="0 to 1")
    other_file_id: str = Field(examples=[""], description="of a page that is there twice: where it is as well")
    other_page: int = Field(examples=[0], description="from 1, 0 for none")


class Finding(Answer):
    """One observation about a file or a material, in the reader's language."""

    code: str = Field(examples=["pdf.page-too-large"], description="explained in docs/errors.md")
    level: Literal["block", "warn", "checklist", "info"] = Field(examples=["block"])
    measured: str | int | float | None = Field(examples=[5_400_000])
    limit: str | int | float | None = Field(examples=[5_242_880])
    unit: str | None = Field(examples=["bytes"], description="s, bytes, pages, characters or none")
    where: str | None = Field(examples=["page 3"], description="none for the whole file")
    rule: str = Field(examples=["G-07"], description="the requirement it comes from")
    message: str = Field(
        examples=["第 3 页 5.15 MB，每页不超过 5.00 MB。"], description="what was found, what is allowed"
    )
    fix: str = Field(examples=["请以 200 dpi 灰度重新扫描这一页。"], description="what to do")
    place: Place | None = Field(description="of a hint about a page; none for everything else")


class Presigned(Answer):
    """A request that anyone holding it may make until it expires, exactly as given."""

    method: str = Field(examples=["PUT"])
    url: str = Field(examples=["/objects/parts/cycles/2023/dossiers/…?expires=1693474200&signature=…"])
    headers: dict[str, str] = Field(
        examples=[{"x-amz-checksum-sha256": "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="}]
    )
    expires_at: Moment | None


class Problem(BaseModel):
    """RFC 9457: what went wrong, in the reader's language."""

    type: str = Field(examples=["/docs/errors#request.not-found"])
    title: str = Field(examples=["没有找到"])
    status: int = Field(examples=[404])
    detail: str = Field(
        examples=["没有这项内容（dossier），或者您无权查看。"], description="what was found and what is allowed"
    )
    fix: str = Field(examples=["请检查地址；需要查看时联系所在单位。"], description="what to do")
    code: str = Field(examples=["request.not-found"], description="stable; explained in docs/errors.md")
    params: dict[str, str | int | float | bool | None] = Field(examples=[{"what": "dossier"}])
    request_id: str = Field(examples=["51855be320459b3a"], description="what an operator searches the logs for")
    retryable: bool = Field(examples=[False], description="the same request may succeed later")
