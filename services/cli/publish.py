"""Results appear whole under their name or not at all."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from services.catalogue.wording import Lang
from services.cli.local import shown
from services.cli.options import refuse


def refuse_unwritable(output: Path, inputs: Sequence[Path], lang: Lang) -> None:
    """Refuse (exit code 2) an output that could not be written whole, or that is one of the inputs."""
    if output.is_dir() or not output.parent.is_dir() or not os.access(output.parent, os.W_OK):
        refuse({"zh": f"无法写到：{shown(output)}", "en": f"Cannot be written: {shown(output)}"}[lang])
    if output.exists() and any(path.exists() and output.samefile(path) for path in inputs):
        refuse_same(output, lang)


def refuse_same(output: Path, lang: Lang) -> NoReturn:
    """Refuse (exit code 2) an output that is another file of the same call."""
    refuse(
        {
            "zh": f"输出文件就是另一个文件：{shown(output)}。请换一个名字，原件应保持不变。",
            "en": f"The output is another file of this call: {shown(output)}. Choose another name.",
        }[lang]
    )


def publish(result: Path, output: Path) -> None:
    """Make `result` durable, then visible as `output`; both are on one file system."""
    with result.open("rb") as file:
        os.fsync(file.fileno())
    result.replace(output)
    folder = os.open(output.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
