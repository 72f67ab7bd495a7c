"""What a backup consists of: a few members under fixed names, in a folder or in one tar file.

No name comes from outside: objects are numbered, and their keys stand in a list.
"""

import re

from services.kernel.errors import AppError, Kind

MANIFEST = "manifest.json"
OBJECTS = "objects.jsonl"
SECRETS = "secrets.json"
#: Every name that a backup may hold.
NAME = re.compile(r"manifest\.json|objects\.jsonl|secrets\.json|database-[1-9]\.dump|objects/\d{4}/\d{8}")
FOLDER = re.compile(r"objects(/\d{4})?")
_PER_FOLDER = 10_000


def object_name(number: int) -> str:
    """The member of the object `number`, from 0."""
    return f"objects/{number // _PER_FOLDER:04d}/{number:08d}"


def damaged(place: str, *, measured: str, allowed: str) -> AppError:
    """A backup that is not as it was written, and where."""
    return AppError("backup.damaged", Kind.UNPROCESSABLE, place=place, measured=measured, allowed=allowed)
