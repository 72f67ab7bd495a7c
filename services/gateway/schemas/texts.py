"""Answers about typed texts."""

from pydantic import Field

from services.gateway.schemas.common import Answer, Id, Moment


class TypedText(Answer):
    """A text that is a component's file (M15-2h, M15-10)."""

    file_id: Id = Field(description="of the PDF that was made of it")
    text: str = Field(examples=["患者取仰卧位，全身麻醉……"], description="as it stands on its pages")
    characters: int = Field(examples=[1876], description="without white space, as they are limited")
    typed_at: Moment | None
