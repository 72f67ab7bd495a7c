"""Reading and proving the audit chains."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from services.kernel.errors import AppError, Kind, not_found
from services.kernel.storage.port import ObjectExists, Storage
from services.review.domain.audit import AuditRow, Break, Head, verify
from services.review.ports import Scope, Work
from services.review.usecases.context import Context, opened

_EVERYTHING = Scope(organisation_path="/")


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """The outcome of a verification."""

    entries: int
    breaks: tuple[Break, ...]


async def list_audit(context: Context, account_id: str, dossier_id: str) -> Sequence[AuditRow]:
    """The lines of a dossier, oldest first, for those who may see it and for operators: ids, codes and hashes only.

    Raises `AppError` request.not-found.
    """
    await _may_read(context, account_id, dossier_id)
    rows, _ = await context.work.chain(_EVERYTHING, dossier_id)
    if not rows:
        raise not_found("dossier")
    return rows


async def _may_read(context: Context, account_id: str, dossier_id: str) -> None:
    if not (await context.work.actor(account_id)).is_operator:
        async with opened(context, account_id, dossier_id):
            pass


async def verify_one(context: Context, account_id: str, dossier_id: str) -> Verified:
    """Check one dossier's chain for somebody who may see it, or an operator."""
    await _may_read(context, account_id, dossier_id)
    return await _verify(context.work, context.audit_key, [dossier_id], {})


async def verify_all(context: Context, account_id: str, anchors: Sequence[Head] = ()) -> Verified:
    """Check every chain, against anchors if given. Raises `AppError` review.not-operator."""
    if not account_id.startswith("service:") and not (await context.work.actor(account_id)).is_operator:
        raise AppError("review.not-operator", Kind.FORBIDDEN)
    return await verify_chains(context.work, context.audit_key, anchors)


async def verify_chains(work: Work, audit_key: bytes, anchors: Sequence[Head] = ()) -> Verified:
    """Check every chain that there is, and every one that an anchor names. Needs no caller: it is also run offline."""
    by_dossier = {anchor.dossier_id: anchor for anchor in anchors}
    return await _verify(work, audit_key, sorted({*await work.chained(), *by_dossier}), by_dossier)


async def _verify(work: Work, audit_key: bytes, dossier_ids: Sequence[str], anchors: dict[str, Head]) -> Verified:
    breaks: list[Break] = []
    entries = 0
    for dossier_id in dossier_ids:
        rows, head = await work.chain(_EVERYTHING, dossier_id)
        entries += len(rows)
        breaks += verify(audit_key, dossier_id, rows, head, anchors.get(dossier_id))
    return Verified(entries=entries, breaks=tuple(breaks))


async def anchor(context: Context, storage: Storage) -> str:
    """Write the heads of all chains as one object, once a day; its key."""
    heads = []
    for dossier_id in await context.work.chained():
        _, head = await context.work.chain(_EVERYTHING, dossier_id)
        if head is not None:
            heads.append(asdict(head))
    now = context.clock.now()
    key = f"anchors/{now:%Y/%m/%d}.json"
    body = json.dumps({"at": now.isoformat(), "heads": heads}, sort_keys=True).encode()
    try:
        await storage.put(key, body)
    except ObjectExists:
        return key
    return key


def anchors_from(text: str) -> tuple[Head, ...]:
    """The heads of an anchor file. Raises `ValueError` when it is none."""
    try:
        return tuple(Head(**head) for head in json.loads(text)["heads"])
    except (TypeError, KeyError) as error:
        raise ValueError("this is no anchor file") from error
