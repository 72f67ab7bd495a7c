"""Texts that are typed instead of sent as a file (M15-2h, M15-10): what is kept of them, and what is refused. Pure."""

import re
import unicodedata
from collections.abc import Iterable

from services.kernel.errors import AppError, Kind
from services.pdfcheck.domain.lengths import counted

#: What counts so many times the limit is not tidied first: composing characters makes no text that much shorter.
_FAR_BEYOND = 4
#: So many characters are named in a refusal.
_NAMED = 10
_ENDS = re.compile(r"\r\n?|[\v\f\x85\u2028\u2029]")
_BLANK, _GAP = re.compile(r"\n{3,}"), re.compile(r"([ \u3000])[ \u3000]+")
#: Radicals that look like characters, ligatures of Latin letters: one glyph that readers of a page take for others.
_IN_PLAIN = re.compile("[\u2f00-\u2fd5\ufb00-\ufb06]")
#: Joiners and marks of byte order that come along when text is copied; nobody sees them, and nothing is lost.
_UNSEEN = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff")
_SPACES = frozenset("\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f")


def tidy(text: str) -> str:
    """The text as it is kept: composed, with single spaces, one kind of line end, single empty lines, nothing unseen.

    Radicals and ligatures, as programs put them when text is copied out of a PDF, become the characters that are meant.
    """
    plain = (_tidied(each) for each in unicodedata.normalize("NFC", _ENDS.sub("\n", text)) if each not in _UNSEEN)
    lines = (_GAP.sub(r"\1", line).strip(" \u3000") for line in "".join(plain).split("\n"))
    return _BLANK.sub("\n\n", "\n".join(lines)).strip("\n")


def _tidied(character: str) -> str:
    if character in _SPACES:
        return " "
    return unicodedata.normalize("NFKC", character) if _IN_PLAIN.match(character) else character


def taken(text: str, limit: int) -> str:
    """The tidy text, provided that it may be kept with at most `limit` characters.

    Raises `AppError` text.nothing, text.over-limit, text.not-shown (control characters and marks that turn the order of
    what is read).
    """
    sent = counted(text)
    if sent > _FAR_BEYOND * limit:
        raise _over_limit(sent, limit)
    kept = tidy(text)
    found = counted(kept)
    if not found:
        raise AppError("text.nothing", Kind.INVALID, limit=limit)
    if found > limit:
        raise _over_limit(found, limit)
    unseen = [each for each in kept if not each.isprintable() and each not in "\n\u3000"]
    if unseen:
        raise not_shown(unseen)
    return kept


def _over_limit(found: int, limit: int) -> AppError:
    return AppError("text.over-limit", Kind.INVALID, measured=found, limit=limit, over=found - limit)


def not_shown(characters: Iterable[str]) -> AppError:
    """Characters that no page can be made with, each named once."""
    several = sorted(set(characters))
    named = [f"{each} (U+{ord(each):04X})" if each.isprintable() else f"U+{ord(each):04X}" for each in several[:_NAMED]]
    more = "…" if len(several) > _NAMED else ""
    return AppError("text.not-shown", Kind.INVALID, characters="、".join(named) + more, count=len(several))
