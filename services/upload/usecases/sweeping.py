"""Ending what nobody ended: expired sessions, and completions whose caller went away."""

import structlog

from services.kernel.errors import AppError
from services.upload.domain.records import UploadState
from services.upload.usecases.completion import complete_upload
from services.upload.usecases.context import Context, upload_of
from services.upload.usecases.sessions import abort_upload

_BATCH = 100
log = structlog.get_logger()


async def sweep(context: Context) -> int:
    """Abort expired sessions and finish those that began to complete. Returns how many were ended."""
    ended = 0
    for scope, upload_id in await context.work.overdue(context.clock.now(), _BATCH):
        async with context.work.begin(scope) as unit:
            upload = await upload_of(unit, upload_id)
        try:
            if upload.state is UploadState.COMPLETING:
                await complete_upload(context, scope, upload_id)
            else:
                await abort_upload(context, scope, upload_id)
            ended += 1
        except AppError as error:
            log.warning("session cannot be ended", action="upload.sweep", upload_id=upload_id, code=error.code)
    return ended
