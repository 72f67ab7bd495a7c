"""Pages as pictures for the screen, as the sandbox calls it: one (`render`), or many of a document (`render_many`)."""

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from services.pdfcheck.domain import orders
from services.pdfcheck.domain.facts import Json
from services.pdfcheck.tools import fonts
from services.pdfcheck.tools.drawing import Drawable, NoSuchPage, jpeg, opened, smaller

#: The picture that was asked for, in the scratch folder.
RESULT = "page.jpg"
__all__ = ["RESULT", "NoSuchPage", "prepare", "render", "render_many"]


def prepare() -> None:
    """What every child starts with."""
    fonts.install()


def render(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, Json], _progress: Callable[[float], None]
) -> dict[str, Json]:
    """Writes `scratch / RESULT`: page `page` (from 1) of `sources[0]`, upright, `width_px` wide, as a JPEG; and for
    each of `also_px` the same so wide, `scratch / "240.jpg"`.

    Returns its width and height in pixels. Raises `NoSuchPage`, and whatever the libraries raise on a broken file.
    """
    page, width, scratch = arguments["page"], arguments["width_px"], arguments["scratch"]
    if not isinstance(page, int) or not isinstance(width, int) or not isinstance(scratch, str):
        raise TypeError("page and width_px are whole numbers, scratch is a folder")
    with opened(sources[0]) as document:
        image = document.draw(page, width)
    Path(scratch, RESULT).write_bytes(jpeg(image))
    for also in _widths(arguments.get("also_px", [])):
        Path(scratch, f"{also}.jpg").write_bytes(jpeg(smaller(image, also)))
    return {"width_px": image.width, "height_px": image.height}


def render_many(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, Json], _progress: Callable[[float], None]
) -> dict[str, Json]:
    """Draws one page of `sources[0]` after the other, each `widths_px` wide, as `sources[1]` orders them: asked for
    order n, it tells a page, and by being asked it learns that the pages before are drawn.

    Writes `scratch / "7-1200.jpg"`. A page that cannot be drawn is left out. Returns nothing; raises as `render`.
    """
    scratch, widths = arguments["scratch"], sorted(_widths(arguments["widths_px"]), reverse=True)
    if not isinstance(scratch, str):
        raise TypeError("scratch is a folder")
    with opened(sources[0]) as document:
        place = 0
        while page := orders.page_of(_order(sources[1], place)):
            _draw(document, page, widths, Path(scratch))
            place += 1
    return {}


def _draw(document: Drawable, page: int, widths: Sequence[int], scratch: Path) -> None:
    try:
        image = document.draw(page, widths[0])
    except (MemoryError, NoSuchPage):
        raise
    except Exception:  # noqa: BLE001 - whatever a library says of one page, the next one may be sound
        return
    Path(scratch, orders.name_of(page, widths[0])).write_bytes(jpeg(image))
    for width in widths[1:]:
        Path(scratch, orders.name_of(page, width)).write_bytes(jpeg(smaller(image, width)))


def _order(source: io.RawIOBase, place: int) -> bytes:
    source.seek(place * orders.BYTES)
    return source.read(orders.BYTES) or b""


def _widths(told: Json) -> list[int]:
    if isinstance(told, str) or not isinstance(told, Sequence):
        raise TypeError("widths are whole numbers")
    return [int(each) for each in told if isinstance(each, int)]
