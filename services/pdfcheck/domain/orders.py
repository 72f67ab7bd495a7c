"""How a child that draws pages is told which: a page for each order, of a few bytes. Pure."""

#: Of one order.
BYTES = 4
#: There is nothing more to draw.
END = bytes(BYTES)


def order_of(page: int) -> bytes:
    """The order for page `page`, from 1."""
    return page.to_bytes(BYTES, "big")


def page_of(order: bytes) -> int:
    """The page, 0 for none."""
    return int.from_bytes(order, "big")


def name_of(page: int, width_px: int) -> str:
    """What the picture is called in the scratch folder."""
    return f"{page}-{width_px}.jpg"
