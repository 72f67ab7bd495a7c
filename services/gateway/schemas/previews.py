"""The text of documents."""

from pydantic import Field

from services.gateway.schemas.common import Answer

_PLACE = "in ten-thousandths of the page as it is seen, from the upper left"


class Box(Answer):
    """A rectangle on a page."""

    left: int = Field(examples=[1000], description=_PLACE)
    top: int = Field(examples=[950], description=_PLACE)
    right: int = Field(examples=[3400], description=_PLACE)
    bottom: int = Field(examples=[1180], description=_PLACE)


class TextLine(Answer):
    """A line of text, or a part of one."""

    text: str = Field(examples=["学历证书"])
    box: Box | None


class PageText(Answer):
    """One page."""

    lines: list[TextLine]
    pages: int = Field(examples=[12], description="of the whole document")
    pages_with_text: int = Field(examples=[3], description="how many of them are more than a picture")
    cut: bool = Field(examples=[False], description="whether there is more text than is kept")


class TextHit(Answer):
    """One place where it is written."""

    page: int = Field(examples=[2], description="from 1")
    before: str = Field(examples=["毕业学校："], description="what stands before it on its line")
    text: str = Field(examples=["四川大学"])
    behind: str = Field(examples=["，临床医学"])
    boxes: list[Box] = Field(description="one for each line that it runs over")


class SearchResult(Answer):
    """The first 200 places."""

    hits: list[TextHit]
    found: int = Field(examples=[1], description="how many there are in all")
    pages: int = Field(examples=[12])
    pages_with_text: int = Field(examples=[3], description="0: a scan, in which nothing can be found")
    cut: bool = Field(examples=[False], description="whether there is more text than was searched")
