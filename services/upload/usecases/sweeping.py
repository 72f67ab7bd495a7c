"""Ending what nobody ended: expired sessions, completions whose caller went away, and what is left in the store."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from services.kernel.errors import AppError
from services.kernel.storage.port import ObjectInfo
from services.upload.domain.records import Area, Upload, UploadState
from services.upload.ports import Scope
from services.upload.usecases.completion import complete_upload
from services.upload.usecases.context import Context, upload_of
from services.upload.usecases.sessions import abort_upload

_BATCH = 100
_T = TypeVar("_T")
log = structlog.get_logger()


async def sweep(context: Context) -> int:
    """Abort expired sessions and finish those that began to complete; of the latter, those whose parts the store does
    not have any more (it was restored from a backup, say) end as aborted. Returns how many were ended.
    """
    ended = 0
    for scope, upload_id in await context.work.overdue(context.clock.now(), _BATCH):
        async with context.work.begin(scope) as unit:
            upload = await upload_of(unit, upload_id)
        try:
            if upload.state is UploadState.COMPLETING:
                await _complete(context, scope, upload)
            else:
                await abort_upload(context, scope, upload_id)
            ended += 1
        except AppError as error:
            log.warning("session cannot be ended", action="upload.sweep", upload_id=upload_id, code=error.code)
    return ended


async def _complete(context: Context, scope: Scope, upload: Upload) -> None:
    try:
        await complete_upload(context, scope, upload.upload_id)
    except AppError as error:
        if error.code != "upload.lost":
            raise
        async with context.work.begin(scope) as unit:
            present = await upload_of(unit, upload.upload_id)
            if present.state is UploadState.COMPLETING:
                await unit.save_upload(replace(present, state=UploadState.ABORTED))


async def sweep_store(context: Context) -> tuple[int, int]:
    """Throw away uploads and drafts that no row names (a crash between the store and its row); how many of each.

    Only what is older than the settings' age is looked at: a row may follow its object, never by that long.
    """
    before = context.clock.now() - timedelta(seconds=context.settings.orphan_age_s)
    swept = await _sweep_uploads(context, before), await _sweep_drafts(context, before)
    if any(swept):
        log.info("the store was swept", action="upload.store-swept", uploads=swept[0], objects=swept[1])
    return swept


async def _sweep_uploads(context: Context, before: datetime) -> int:
    """Of every service: one that puts a long object and is killed leaves its parts, too."""
    swept = 0
    async for batch in _batches(context.storage.stale_uploads(before)):
        awaited = await context.work.awaited(batch)
        for found in batch:
            if found not in awaited:
                await context.storage.abort_upload(*found)
                swept += 1
    return swept


async def _sweep_drafts(context: Context, before: datetime) -> int:
    """Evidence is never swept. While a backup is made nothing is: it may name what no row names any more."""
    swept = 0
    async for batch in _batches(_older(context.storage.list(f"{Area.STAGING}/"), before)):
        async with context.work.removal() as allowed:
            if not allowed:
                break
            named = await context.work.named([info.key for info in batch])
            for info in batch:
                if info.key not in named:
                    await context.storage.delete(info.key)
                    swept += 1
    return swept


async def _older(found: AsyncIterator[ObjectInfo], before: datetime) -> AsyncIterator[ObjectInfo]:
    async for info in found:
        if info.modified_at < before:
            yield info


async def _batches(items: AsyncIterator[_T]) -> AsyncIterator[list[_T]]:
    batch: list[_T] = []
    async for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
