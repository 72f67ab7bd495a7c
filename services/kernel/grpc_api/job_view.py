"""Jobs for operators over gRPC, the same for every service that has workers."""

from collections.abc import Sequence

from services.gen.common.v1 import common_pb2
from services.kernel.errors import AppError, Kind
from services.kernel.grpc_server import caller
from services.kernel.jobs.queue import Job, Queue

_PAGE = 50
_MOST = 200


def check_operator() -> None:
    """Raises `AppError` review.not-operator unless the token names the action "operate"."""
    if caller().action != "operate":
        raise AppError("review.not-operator", Kind.FORBIDDEN)


def message(job: Job) -> common_pb2.Job:
    """The job as a message."""
    told = common_pb2.Job(
        job_id=job.job_id,
        stage=job.stage,
        state=job.state,
        attempts=job.attempts,
        max_attempts=job.max_attempts,
        progress=job.progress,
        last_error=job.last_error,
        dossier_id=job.dossier_id,
        file_id=job.subject_id,
    )
    told.created_at.FromDatetime(job.created_at)
    told.updated_at.FromDatetime(job.updated_at)
    told.run_after.FromDatetime(job.run_after)
    return told


async def page(
    queue: Queue, *, dossier_id: str, state: str, size: int, token: str, stage: str = ""
) -> tuple[Sequence[common_pb2.Job], str]:
    """One page of jobs, newest first, and the token of the next one."""
    size = min(size or _PAGE, _MOST)
    found = await queue.page(dossier_id=dossier_id, state=state, after=token, size=size + 1, stage=stage)
    following = found[size - 1].job_id if len(found) > size else ""
    return [message(job) for job in found[:size]], following
