"""`deploy/compose/compose.yaml`, read with YAML's own rules only: names of variables stay where values will be."""

import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[3] / "deploy" / "compose"
FILE = FOLDER / "compose.yaml"
#: What is made from this repository; the others come from elsewhere.
OWN = "shenbao-"


@cache
def services() -> Mapping[str, Mapping[str, Any]]:
    """Name → what the file says of it, anchors followed."""
    content: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
    found: dict[str, Mapping[str, Any]] = content["services"]
    return found


def running() -> Mapping[str, Mapping[str, Any]]:
    """The long-running ones: what is not started once."""
    return {name: service for name, service in services().items() if service["restart"] != "no"}


def environments() -> Mapping[str, Mapping[str, str]]:
    """Name → environment, where there is one."""
    return {name: service["environment"] for name, service in services().items() if "environment" in service}


def drawn(folder: Path) -> Mapping[str, str]:
    """A copy of `make-env.sh` run in `folder`, and what it drew there."""
    shutil.copy(FOLDER / "make-env.sh", folder)
    subprocess.run(["sh", folder / "make-env.sh"], check=True, capture_output=True)
    lines = (folder / ".env").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))
