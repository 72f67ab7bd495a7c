"""Takes personal data out of what is about to be logged, whoever wrote it.

The last line of defence, not the first: code logs ids only. A field whose key names personal data loses its value;
a text loses every word that holds an ID number (with it a file name such as 张三510….mp4), the query string of every
address (presigned URLs carry names there) and the values that a database puts into its errors. A name alone cannot be
told from other words, so nothing here replaces the rule not to log one.
"""

import re
from collections.abc import Mapping, Sequence

REDACTED = "[redacted]"
#: Keys of fields that never reach a log; compared without case, as a whole or as the last words of a key.
PERSONAL_KEYS = frozenset(
    {
        *("name", "full_name", "person_name", "applicant_name", "profile", "phone"),
        *("id_number", "file_name", "filename", "text", "detail", "query", "body", "headers"),
        *("password", "secret", "token", "cookie", "authorization", "signature"),
    }
)
_ENDINGS = ("_id_number", "_file_name", "_filename", "_password", "_secret", "_token", "_cookie")
#: 18 digits (the last may be X) standing alone, or the same with a plausible birth date inside a word.
_ID_NUMBER = re.compile(
    r"(?<![0-9A-Za-z])\d{17}[\dXx](?![0-9A-Za-z])"
    r"|(?<!\d)\d{6}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)"
)
_WORDS = re.compile(r"""([\s"'`=/\\,;:()\[\]{}<>|&?]+)""")
_QUERY = re.compile(r"\?[^\s\"'<>]*=[^\s\"'<>]*")
#: PostgreSQL's detail quotes the row ("Key (name)=(…) already exists"), SQLAlchemy appends the values it sent.
_ROWS = re.compile(r"(?:DETAIL|CONTEXT):.*|\[parameters: .*")
_NO_QUERY, _NO_ROWS = "?…", REDACTED

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


def is_personal(key: str) -> bool:
    """Whether a field of this key is never logged."""
    lower = key.lower()
    return lower in PERSONAL_KEYS or lower.endswith(_ENDINGS)


def clean_text(text: str) -> tuple[str, int]:
    """The text without personal data, and how many pieces were taken out (query strings not counted)."""
    text, rows = _ROWS.subn(_NO_ROWS, _QUERY.sub(_NO_QUERY, text))
    if _ID_NUMBER.search(text) is None:
        return text, rows
    words = _WORDS.split(text)
    kept = [REDACTED if _ID_NUMBER.search(word) else word for word in words]
    return "".join(kept), rows + sum(one != other for one, other in zip(words, kept, strict=True))


def clean(value: object) -> tuple[Json, int]:
    """A value of any kind as JSON without personal data, and how many pieces were taken out."""
    if value is None or isinstance(value, bool | float):
        return value, 0
    if isinstance(value, int):
        hidden = _ID_NUMBER.search(str(value)) is not None
        return (REDACTED, 1) if hidden else (value, 0)
    if isinstance(value, str):
        return clean_text(str(value))
    if isinstance(value, Mapping):
        return clean_fields(value)
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray | memoryview):
        cleaned = [clean(item) for item in value]
        return [item for item, _ in cleaned], sum(count for _, count in cleaned)
    return clean_text(value.decode(errors="replace") if isinstance(value, bytes) else str(value))


def clean_fields(fields: Mapping[str, object]) -> tuple[dict[str, Json], int]:
    """Fields without personal data, and how many pieces were taken out; None and "" stay what they are."""
    result: dict[str, Json] = {}
    total = 0
    for key, value in fields.items():
        cleaned, count = (REDACTED, 1) if is_personal(str(key)) and value not in (None, "") else clean(value)
        result[clean_text(str(key))[0]] = cleaned
        total += count
    return result, total
