"""Who signed a document, as the document itself says it. Pure.

Shown, not trusted: whether a signature's certificate is to be believed, and whether the bytes under it are still the
signed ones, is for a verifier with the authority's roots to say. Every text here was written by a stranger.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum

#: Longest text of a signature that is kept, in characters.
MOST_CHARACTERS = 120
#: Signatures of one file that are kept; a file with more is still signed.
MOST_SIGNATURES = 20


class SignatureKind(StrEnum):
    """What a signature is for."""

    APPROVAL = "approval"
    #: It also says what may be changed afterwards (DocMDP).
    CERTIFICATION = "certification"
    #: An authority says when; nobody's consent.
    TIMESTAMP = "timestamp"
    #: Adobe lets its free reader save the form; nobody's consent.
    USAGE_RIGHTS = "usage-rights"


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """`name`, `reason` and `signed_at` are the dictionary's, `subject` to `valid_until` the certificate's; "" where
    nothing is said. Moments and days are ISO 8601. `fits` tells that the bytes that it covers lie within the file,
    `whole` that they reach to its end.
    """

    kind: SignatureKind
    name: str = ""
    reason: str = ""
    signed_at: str = ""
    subject: str = ""
    issuer: str = ""
    valid_from: str = ""
    valid_until: str = ""
    fits: bool = True
    whole: bool = True

    @property
    def signer(self) -> str:
        """Whom the certificate names, else whom the signature does; "" for nobody."""
        return self.subject or self.name

    @property
    def is_of_a_person(self) -> bool:
        """Whether somebody (or an office) consents with it."""
        return self.kind in (SignatureKind.APPROVAL, SignatureKind.CERTIFICATION)

    def to_json(self) -> dict[str, str | bool]:
        """Plain data."""
        return {**asdict(self), "kind": self.kind.value}


def from_json(data: Mapping[str, object]) -> Signature:
    """What `data` says. Raises `ValueError` or `KeyError` where it does not have the promised shape."""
    truths = ("fits", "whole")
    texts = {each.name: plain(str(data[each.name])) for each in fields(Signature) if each.name not in (*truths, "kind")}
    return Signature(kind=SignatureKind(str(data["kind"])), fits=bool(data["fits"]), whole=bool(data["whole"]), **texts)


def plain(text: str, most: int = MOST_CHARACTERS) -> str:
    """A stranger's text in one line of at most `most` characters: nothing that controls, hides or turns writing."""
    head = text[: 16 * most]
    kept = "".join(" " if each.isspace() else each for each in head if each.isspace() or _is_seen(each))
    short = " ".join(kept.split())
    return short if len(short) <= most else short[: most - 1] + "…"


def _is_seen(character: str) -> bool:
    """Neither a control or format character (U+202E turns what follows), nor one without a meaning of its own."""
    return not unicodedata.category(character).startswith("C")


def signers(signatures: Sequence[Signature]) -> tuple[str, ...]:
    """Everybody who signed and is named, each once, in order."""
    return tuple(dict.fromkeys(each.signer for each in signatures if each.is_of_a_person and each.signer))
