"""Those that read the same pictures: lines of text, with nothing made of them."""

import os
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from tools.stack.servers import cached

#: A picture → its lines.
Peer = Callable[[Image.Image], Sequence[str]]
#: Who takes longer for one picture has read nothing in it.
PATIENCE_S = 30


@cache
def _engine() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(params={"Global.log_level": "critical"})


def rapidocr(picture: Image.Image) -> Sequence[str]:
    """As its wheel comes."""
    return list(_engine()(np.asarray(picture.convert("RGB"))[:, :, ::-1]).txts or ())


def tesseract(picture: Image.Image) -> Sequence[str]:
    """Debian's, with simplified Chinese, looking for text anywhere."""
    data = cached("tesseract-data") / "usr" / "share" / "tesseract-ocr" / "5" / "tessdata"
    command = [str(cached("tesseract")), "stdin", "stdout", "-l", "chi_sim", "--psm", "11"]
    out = BytesIO()
    picture.convert("RGB").save(out, "PNG", compress_level=1)
    environment = {**os.environ, "TESSDATA_PREFIX": str(data), "OMP_THREAD_LIMIT": "2"}
    try:
        done = subprocess.run(
            command, input=out.getvalue(), capture_output=True, check=True, env=environment, timeout=PATIENCE_S
        )
    except subprocess.TimeoutExpired:  # it looks for letters in noise
        return ()
    return done.stdout.decode("utf-8", "replace").splitlines()
