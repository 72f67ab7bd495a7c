"""The OperationService of `proto/operation/v1`: what operators see of a service and of the event log."""

from collections import defaultdict
from functools import partial

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from services.gen.operation.v1 import operation_pb2 as pb
from services.gen.operation.v1 import operation_pb2_grpc
from services.kernel.errors import not_found
from services.kernel.events.deadletters import DeadLetter, DeadLetters
from services.kernel.events.envelope import Undecodable, from_record, json_of
from services.kernel.events.port import Delivered
from services.kernel.events.tables import outbox
from services.kernel.events.topics import is_dead_letter_topic
from services.kernel.grpc_api import job_view
from services.kernel.grpc_server import Context, Servicer, caller
from services.kernel.platform import Platform
from services.kernel.storage.port import StorageError


class OperationApi(operation_pb2_grpc.OperationServiceServicer):
    """Every call is an operator's; the gateway has asked `review` whether the actor is one."""

    def __init__(self, platform: Platform) -> None:
        """Over the service's own ports."""
        self._platform = platform
        self._letters = DeadLetters(platform.events, platform.clock)

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        """See the contract."""
        job_view.check_operator()
        answer = pb.GetStatusResponse(service=self._platform.service)
        try:
            await self._ask_database(answer)
        except (SQLAlchemyError, OSError) as error:
            answer.database_error = type(error).__name__
        try:
            await self._platform.storage.probe()
            room = await self._platform.storage.room()
            if room is not None:
                answer.disk_free_bytes, answer.disk_total_bytes = room.free_bytes, room.total_bytes
        except (StorageError, OSError) as error:
            answer.storage_error = type(error).__name__
        return answer

    async def _ask_database(self, answer: pb.GetStatusResponse) -> None:
        unsent = sa.select(sa.func.count(), sa.func.min(outbox.c.added_at))
        async with self._platform.database.transaction() as connection:
            count, oldest = (await connection.execute(unsent)).one()
        answer.unsent_events = count
        if oldest is not None:
            answer.oldest_unsent.FromDatetime(oldest)
        for stage, state, jobs, since in await self._platform.queue.counts():
            answer.stages.add(stage=stage, state=state, jobs=jobs).oldest.FromDatetime(since)

    async def ListJobs(self, request: pb.ListJobsRequest, context: Context) -> pb.ListJobsResponse:
        """See the contract."""
        job_view.check_operator()
        jobs, following = await job_view.page(
            self._platform.queue,
            dossier_id=request.dossier_id,
            state=request.state,
            size=request.page_size,
            token=request.page_token,
            stage=request.stage,
        )
        return pb.ListJobsResponse(jobs=jobs, next_page_token=following)

    async def GetJob(self, request: pb.GetJobRequest, context: Context) -> pb.GetJobResponse:
        """See the contract."""
        job_view.check_operator()
        return pb.GetJobResponse(job=job_view.message(await self._platform.queue.get(request.job_id)))

    async def RetryJob(self, request: pb.RetryJobRequest, context: Context) -> pb.RetryJobResponse:
        """See the contract."""
        job_view.check_operator()
        return pb.RetryJobResponse(job=job_view.message(await self._platform.queue.retry(request.job_id)))

    async def CancelJob(self, request: pb.CancelJobRequest, context: Context) -> pb.CancelJobResponse:
        """See the contract."""
        job_view.check_operator()
        return pb.CancelJobResponse(job=job_view.message(await self._platform.queue.cancel(request.job_id)))

    async def ListLag(self, request: pb.ListLagRequest, context: Context) -> pb.ListLagResponse:
        """See the contract."""
        job_view.check_operator()
        behind: dict[tuple[str, str], list[int]] = defaultdict(list)
        for lag in await self._platform.events.lag():
            behind[lag.group, lag.topic].append(lag.records)
        answer = pb.ListLagResponse()
        for (group, topic), records in sorted(behind.items()):
            answer.lags.add(
                group=group, topic=topic, records=sum(records), partitions_behind=sum(each > 0 for each in records)
            )
        return answer

    async def ListDeadLetters(self, request: pb.ListDeadLettersRequest, context: Context) -> pb.ListDeadLettersResponse:
        """See the contract."""
        job_view.check_operator()
        after = _place(request.page_token) if request.page_token else ("", -1)
        found = [
            letter
            for letter in await self._letters.waiting()
            if _place(letter.letter_id) > after
            and request.group in ("", letter.group)
            and request.topic in ("", letter.topic)
        ]
        size = request.page_size or len(found)
        following = found[size - 1].letter_id if len(found) > size else ""
        return pb.ListDeadLettersResponse(letters=map(_message, found[:size]), next_page_token=following)

    async def GetDeadLetter(self, request: pb.GetDeadLetterRequest, context: Context) -> pb.GetDeadLetterResponse:
        """See the contract."""
        job_view.check_operator()
        _check_letter_id(request.letter_id)
        return pb.GetDeadLetterResponse(letter=_message(await self._letters.get(request.letter_id)))

    async def ReplayDeadLetter(
        self, request: pb.ReplayDeadLetterRequest, context: Context
    ) -> pb.ReplayDeadLetterResponse:
        """See the contract."""
        job_view.check_operator()
        _check_letter_id(request.letter_id)
        await self._letters.replay(request.letter_id, by=caller().actor)
        return pb.ReplayDeadLetterResponse()

    async def DismissDeadLetter(
        self, request: pb.DismissDeadLetterRequest, context: Context
    ) -> pb.DismissDeadLetterResponse:
        """See the contract."""
        job_view.check_operator()
        _check_letter_id(request.letter_id)
        await self._letters.dismiss(request.letter_id, by=caller().actor)
        return pb.DismissDeadLetterResponse()


def _check_letter_id(letter_id: str) -> None:
    """Raises `AppError` request.not-found for what names no topic of dead letters."""
    if not is_dead_letter_topic(letter_id.rpartition("/")[0]):
        raise not_found("dead letter")


def _place(letter_id: str) -> tuple[str, int]:
    """Topic and offset, in the order in which letters are listed. Raises `AppError` request.not-found."""
    topic, _, offset = letter_id.rpartition("/")
    if not offset.isdecimal():
        raise not_found("dead letter")
    return topic, int(offset)


def _message(letter: DeadLetter) -> pb.DeadLetter:
    told = pb.DeadLetter(
        letter_id=letter.letter_id,
        reason=letter.reason,
        group=letter.group,
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        event_id=letter.headers.get("ce_id", ""),
        event_type=letter.headers.get("ce_type", ""),
        payload_bytes=len(letter.payload),
    )
    told.at.FromDatetime(letter.at)
    record = Delivered(
        topic=letter.topic, partition=letter.partition, offset=letter.offset, key=letter.key, payload=letter.payload,
        headers=letter.headers, appended_at=letter.at,
    )  # fmt: skip
    try:
        told.payload_json = json_of(from_record(record))
    except Undecodable:
        told.payload_json = ""
    return told


def servicer(platform: Platform) -> Servicer:
    """The service, ready to be registered."""
    register = partial(operation_pb2_grpc.add_OperationServiceServicer_to_server, OperationApi(platform))
    return Servicer(name=pb.DESCRIPTOR.services_by_name["OperationService"].full_name, register=register)
