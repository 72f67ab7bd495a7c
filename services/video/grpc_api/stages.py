"""Stages of a file as its people see them: how far each is, and what may be done about it."""

from services.gen.video.v1 import video_pb2 as pb
from services.kernel.errors import not_found
from services.kernel.grpc_server import Context, dossier_of_caller, owner_of_dossier
from services.kernel.jobs.queue import Job
from services.kernel.tokens import Claims
from services.video.grpc_api.calls import Ports

#: In the order in which they are worked off.
STAGES = ("verdict", "opening", "look", "proxy", "titlecard", "disc")
#: A verdict and a disc must come before a dossier can be handed in: those are not stopped.
CANCELLABLE = frozenset({"opening", "look", "proxy", "titlecard"})


def message(job: Job) -> pb.Stage:
    """A stage by its last job."""
    return pb.Stage(
        stage=job.stage,
        state=job.state,
        progress=job.progress,
        last_error=job.last_error,
        can_retry=job.state in ("dead", "cancelled"),
        can_cancel=job.state in ("queued", "leased") and job.stage in CANCELLABLE,
    )


class StageCalls:
    """The calls about stages."""

    _ports: Ports

    async def ListStages(self, request: pb.ListStagesRequest, context: Context) -> pb.ListStagesResponse:
        """See the contract."""
        claims = dossier_of_caller(request.dossier_id)
        await self._ports.file(claims, request.file_id)
        found = {job.stage: job for job in await self._ports.queue.latest_of(claims.dossier_id, request.file_id)}
        return pb.ListStagesResponse(stages=[message(found[stage]) for stage in STAGES if stage in found])

    async def RetryStage(self, request: pb.RetryStageRequest, context: Context) -> pb.RetryStageResponse:
        """See the contract."""
        job = await self._job(owner_of_dossier(request.dossier_id), request.file_id, request.stage)
        return pb.RetryStageResponse(stage=message(await self._ports.queue.retry(job.job_id)))

    async def CancelStage(self, request: pb.CancelStageRequest, context: Context) -> pb.CancelStageResponse:
        """See the contract."""
        job = await self._job(owner_of_dossier(request.dossier_id), request.file_id, request.stage)
        if message(job).can_cancel:
            job = await self._ports.queue.cancel(job.job_id)
        return pb.CancelStageResponse(stage=message(job))

    async def _job(self, claims: Claims, file_id: str, stage: str) -> Job:
        for job in await self._ports.queue.latest_of(claims.dossier_id, file_id):
            if job.stage == stage and stage in STAGES:
                return job
        raise not_found("stage")
