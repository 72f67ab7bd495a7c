"""Who looked, as it is drawn into the pictures that a reviewer is given. Pure.

Names come from people and may hold anything; what is drawn is one short line that only says what it should.
"""

import unicodedata
from datetime import datetime

from services.kernel.clock import CHINA

#: Characters of who it is; the account and the minute stand behind it, whatever it says.
LONGEST_VIEWER = 48
_OF_ACCOUNT = 6


def mark_of(viewer: str, account_id: str, at: datetime) -> str:
    """One line: "王审核 · 青山县卫生健康局 · 2023-08-31 17:40 · 4f2a9c"."""
    moment = at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")
    told = [_line(viewer), moment, _line(account_id)[-_OF_ACCOUNT:]]
    return " · ".join(each for each in told if each)


def _line(text: str) -> str:
    """On one line and bounded: no controls, nothing that turns the direction of others, no heaps of accents."""
    kept: list[str] = []
    for each in unicodedata.normalize("NFC", text[: 16 * LONGEST_VIEWER]):
        kind = unicodedata.category(each)
        if kind[0] == "M" or kind in ("Cf", "Cn", "Co", "Cs"):
            continue
        kept.append(" " if kind in ("Cc", "Zs", "Zl", "Zp") else each)
    line = " ".join("".join(kept).split())
    return line if len(line) <= LONGEST_VIEWER else f"{line[: LONGEST_VIEWER - 1]}…"
