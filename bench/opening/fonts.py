"""The fonts that cards are drawn with: the wheel's two, and Debian's where `make bench-tools` has fetched them."""

from collections.abc import Sequence
from pathlib import Path

import pylopdf_fonts_zh_cn
from PIL import ImageFont

_WHEEL = Path(pylopdf_fonts_zh_cn.__file__).parent
#: Those at hand everywhere; then those of Debian's packages: hei, a handwriting-like kai, song, and one more kai.
PLAIN = (str(_WHEEL / "NotoSansSC-Regular.otf"), str(_WHEEL / "NotoSerifSC-Regular.otf"))
DEBIAN = (
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "ukai.ttc",
    "uming.ttc",
    "LXGWWenKai-Regular.ttf",
    "LXGWWenKai-Bold.ttf",
)


def fonts(folder: Path | None) -> Sequence[str]:
    """Paths of the fonts; `folder` is where Debian's packages are unpacked. Raises `FileNotFoundError`."""
    if folder is None:
        return PLAIN
    found = {path.name: str(path) for path in sorted(folder.rglob("*.tt[cf]"))}
    lacking = [name for name in DEBIAN if name not in found]
    if lacking:
        raise FileNotFoundError(f"fonts {lacking} below {folder}; run `make bench-tools`")
    return (*PLAIN, *(found[name] for name in DEBIAN))


def font(path: str, size_px: int) -> ImageFont.FreeTypeFont:
    """One of them at a size."""
    return ImageFont.truetype(path, size_px)
