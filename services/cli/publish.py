"""Results appear whole under their name or not at all."""

import os
from collections.abc import Sequence
from pathlib import Path

from services.catalogue.wording import Lang
from services.cli.local import shown
from services.cli.options import refuse


def refuse_unwritable(output: Path, inputs: Sequence[Path], lang: Lang) -> None:
    """Refuse (exit code 2) an output that could not be written whole, or that is one of the inputs."""
    if output.is_dir() or not output.parent.is_dir() or not os.access(output.parent, os.W_OK):
        refuse({"zh": f"无法写到：{shown(output)}", "en": f"Cannot be written: {shown(output)}"}[lang])
    if output.exists() and any(output.samefile(path) for path in inputs):
        refuse(
            {
                "zh": f"输出文件就是输入文件：{shown(output)}。请换一个名字，原件应保持不变。",
                "en": f"The output is an input: {shown(output)}. Choose another name.",
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
