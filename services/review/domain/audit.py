"""The audit chain of a dossier: append-only, keyed, and every way of tampering with it located.

`mac(n) = HMAC(key, mac(n-1) ‖ n ‖ body(n))` over the stored bytes of the body. A sealed head says how long the chain
is, so a cut tail is seen; a daily anchor, kept elsewhere, shows when chain and head were set back together.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

GENESIS = "0" * 64


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditRow:
    """One stored row; `body` is canonical JSON."""

    sequence: int
    body: str
    mac: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """Length and last mac of a chain, sealed with the key."""

    dossier_id: str
    length: int
    mac: str
    seal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Break:
    """Where a chain is broken: "changed", "removed", "inserted" or "cut" at `sequence`."""

    dossier_id: str
    sequence: int
    kind: str


def canonical(body: Mapping[str, str | int | bool | None]) -> str:
    """The body's only form: sorted keys, no spaces, ASCII."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def chain_mac(key: bytes, previous: str, sequence: int, body: str) -> str:
    """The mac of a row."""
    return hmac.new(key, f"{previous}\n{sequence}\n{body}".encode(), hashlib.sha256).hexdigest()


def sealed_head(key: bytes, dossier_id: str, length: int, mac: str) -> Head:
    """The head of a chain."""
    seal = hmac.new(key, f"head\n{dossier_id}\n{length}\n{mac}".encode(), hashlib.sha256).hexdigest()
    return Head(dossier_id=dossier_id, length=length, mac=mac, seal=seal)


def extend(key: bytes, head: Head, body: str) -> tuple[AuditRow, Head]:
    """The next row and the head after it."""
    sequence = head.length + 1
    mac = chain_mac(key, head.mac, sequence, body)
    return AuditRow(sequence=sequence, body=body, mac=mac), sealed_head(key, head.dossier_id, sequence, mac)


def verify(
    key: bytes, dossier_id: str, rows: Sequence[AuditRow], head: Head | None, anchor: Head | None = None
) -> tuple[Break, ...]:
    """Every break of a chain, in order; none when it is whole. `rows` in stored order."""
    breaks = [*_walk(key, dossier_id, rows), *_check_head(key, dossier_id, rows, head)]
    if anchor is not None:
        breaks += _check_anchor(key, dossier_id, rows, anchor)
    unique = {(b.sequence, b.kind): b for b in breaks}
    return tuple(unique[place] for place in sorted(unique))


def _walk(key: bytes, dossier_id: str, rows: Sequence[AuditRow]) -> list[Break]:
    breaks: list[Break] = []
    previous, expected = GENESIS, 1
    shift = 0  # how far genuine rows have been renumbered by an insertion (+1) or a removal (-1)
    for index, row in enumerate(rows):
        while row.sequence > expected:
            breaks.append(Break(dossier_id=dossier_id, sequence=expected, kind="removed"))
            expected, previous = expected + 1, ""
        if row.sequence < expected:
            breaks.append(Break(dossier_id=dossier_id, sequence=row.sequence, kind="inserted"))
            continue
        genuine = row.sequence - shift
        if previous and not _fits(key, previous, genuine, row):
            kind, shift_by = _diagnose(key, previous, genuine, row, rows[index + 1 : index + 2])
            breaks.append(Break(dossier_id=dossier_id, sequence=row.sequence, kind=kind))
            shift += shift_by
            if kind == "inserted":
                expected += 1
                continue
        previous, expected = row.mac, row.sequence + 1
    return breaks


def _fits(key: bytes, previous: str, sequence: int, row: AuditRow) -> bool:
    return hmac.compare_digest(chain_mac(key, previous, sequence, row.body), row.mac)


def _diagnose(
    key: bytes, previous: str, sequence: int, row: AuditRow, following: Sequence[AuditRow]
) -> tuple[str, int]:
    """What happened at a row that does not fit: the row after it tells."""
    if following:
        after = following[0]
        if _fits(key, previous, sequence, after):
            return "inserted", 1
        if _fits(key, row.mac, sequence + 2, after):
            return "removed", -1
    return "changed", 0


def _check_head(key: bytes, dossier_id: str, rows: Sequence[AuditRow], head: Head | None) -> list[Break]:
    last = rows[-1].sequence if rows else 0
    if head is None:
        return [Break(dossier_id=dossier_id, sequence=last + 1, kind="cut")] if rows else []
    if not hmac.compare_digest(sealed_head(key, dossier_id, head.length, head.mac).seal, head.seal):
        return [Break(dossier_id=dossier_id, sequence=head.length, kind="changed")]
    if last < head.length:
        return [Break(dossier_id=dossier_id, sequence=last + 1, kind="cut")]
    if last > head.length:
        return [Break(dossier_id=dossier_id, sequence=head.length + 1, kind="inserted")]
    return []


def _check_anchor(key: bytes, dossier_id: str, rows: Sequence[AuditRow], anchor: Head) -> list[Break]:
    if not hmac.compare_digest(sealed_head(key, dossier_id, anchor.length, anchor.mac).seal, anchor.seal):
        return [Break(dossier_id=dossier_id, sequence=anchor.length, kind="changed")]
    there = {row.sequence: row.mac for row in rows}
    if anchor.length and anchor.length not in there:
        return [Break(dossier_id=dossier_id, sequence=max(there, default=0) + 1, kind="cut")]
    if anchor.length and there[anchor.length] != anchor.mac:
        return [Break(dossier_id=dossier_id, sequence=anchor.length, kind="changed")]
    return []
