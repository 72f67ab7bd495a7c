"""The example policies of `deploy/s3`, read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[3] / "deploy" / "s3"
#: The bucket that the examples name.
BUCKET = "arn:aws:s3:::shenbao"


def policies() -> Mapping[str, Any]:
    """Service → policy."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def prefixes(policy: Mapping[str, Any], action: str) -> set[str]:
    """Where the action is allowed: prefixes of keys, "" for the bucket itself."""
    allowed = [each for each in policy["Statement"] if f"s3:{action}" in each["Action"]]
    return {
        resource.removeprefix(BUCKET).removeprefix("/").removesuffix("*") for s in allowed for resource in s["Resource"]
    }
