"""Texts whose length the notice limits (M15-2h, M15-10): how long they are, page by page. Pure."""

from collections.abc import Sequence

from services.catalogue.model import Item

#: For a page without text that could be counted.
NOT_COUNTABLE = -1


def counted(text: str) -> int:
    """What a reader would count by hand: every character but white space and what is not seen."""
    return sum(not character.isspace() and character.isprintable() for character in text)


def has_limited_text(item: Item) -> bool:
    """Whether some component's text has a limit; pages can be moved to it from any file of the item."""
    return any(component.text_max_chars is not None for component in item.components)


def counts_from_json(told: object, pages: int) -> tuple[int, ...]:
    """What the sandbox counted on so many pages. Raises `ValueError` for another shape."""
    if not isinstance(told, list) or len(told) != pages:
        raise ValueError("one count per page was expected")
    counts = [each for each in told if isinstance(each, int) and not isinstance(each, bool) and each >= NOT_COUNTABLE]
    if len(counts) != pages:
        raise ValueError("a count is a whole number")
    return tuple(counts)


def nothing_counted(pages: int) -> Sequence[int]:
    """For a file that could not be read for its text."""
    return (NOT_COUNTABLE,) * pages
