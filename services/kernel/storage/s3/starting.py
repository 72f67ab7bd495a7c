"""Before a service begins: the store is tried out once, and one that would break the port's promises is refused."""

import asyncio

import structlog

from services.kernel.errors import AppError, Kind
from services.kernel.storage.port import ObjectMissing, StoreUnavailable
from services.kernel.storage.s3.adapter import S3Store
from services.kernel.storage.s3.probing import Capabilities

_PAUSE_S = 1.0
log = structlog.get_logger()


async def check(store: S3Store, *, deadline_s: float) -> Capabilities:
    """What the store can do; waits up to `deadline_s` for a store that does not answer.

    Raises `AppError` storage.no-bucket, storage.not-capable, storage.unavailable.
    """
    found = await _answer(store, deadline_s)
    if found.lacking:
        raise AppError("storage.not-capable", Kind.PRECONDITION, lacking=", ".join(found.lacking))
    log.info("the object store was tried out", action="storage.tried", missed=",".join(found.missed))
    return found


async def _answer(store: S3Store, deadline_s: float) -> Capabilities:
    loop = asyncio.get_running_loop()
    until = loop.time() + deadline_s
    while True:
        try:
            return await store.capabilities()
        except ObjectMissing as error:
            raise AppError("storage.no-bucket", Kind.PRECONDITION, bucket=store.address.bucket) from error
        except StoreUnavailable as error:
            if loop.time() >= until:
                raise AppError("storage.unavailable", Kind.UNAVAILABLE, retryable=True, reason=str(error)) from error
        await asyncio.sleep(_PAUSE_S)
