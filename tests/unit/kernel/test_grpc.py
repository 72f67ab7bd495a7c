"""A real server and real calls on loopback: tokens, errors, deadlines, health, reflection."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from opentelemetry.trace import SpanKind

from services.gen.review.v1 import review_pb2 as pb
from services.kernel import grpc_errors, telemetry, tracing
from services.kernel.clock import SystemClock
from services.kernel.errors import KINDS, AppError, Kind
from services.kernel.grpc_client import DEFAULT_TIMEOUT_S, call, open_channel, stream
from services.kernel.grpc_server import (
    MAX_MESSAGE_BYTES,
    Context,
    GrpcServer,
    Servicer,
    caller,
    dossier_of_caller,
    time_left_s,
)
from services.kernel.storage.port import StoreFull, StoreUnavailable
from services.kernel.tokens import Claims, TokenKey, Tokens
from services.kernel.tracing import Attribute
from tests.samples import sample
from tests.spans import id_of, parent_of, recorded, trace_of

NAME = "review.v1.ReviewService"
TOKENS = Tokens([TokenKey(key_id="a", secret="s" * 32)], SystemClock())
STRANGER = Tokens([TokenKey(key_id="a", secret="t" * 32)], SystemClock())
CLAIMS = Claims(actor="a-person", audience="review", dossier_id="d1")
DEADLINE_S = 20.0


class Api:
    """Answers as each test needs it; `dossier_id` says how."""

    def __init__(self) -> None:
        self.calls = 0
        self.left: float | None = None

    async def get_dossier(self, request: pb.GetDossierRequest, context: Context) -> pb.GetDossierResponse:
        self.calls += 1
        self.left = time_left_s()
        how = request.dossier_id
        if how.startswith("kind:"):
            raise AppError("some.code", Kind(how.removeprefix("kind:")), retryable=True, found=3, what="张三")
        if how == "bug":
            raise LookupError("510106198001011239 stands in this text")
        if how == "outage":
            raise ConnectionRefusedError
        if how == "store-outage":
            raise StoreUnavailable("SlowDown")
        if how == "store-full":
            raise StoreFull("QuotaExceeded")
        if how == "slow":
            await asyncio.get_running_loop().create_future()
        if how == "large":
            return pb.GetDossierResponse(dossier=pb.Dossier(applicant_name="x" * (MAX_MESSAGE_BYTES + 1)))
        dossier_of_caller(how)
        return pb.GetDossierResponse(dossier=pb.Dossier(applicant_id=caller().actor))

    async def watch(self, request: pb.WatchRequest, context: Context) -> AsyncIterator[pb.WatchResponse]:
        yield pb.WatchResponse(seq=1)
        if request.dossier_id == "bug":
            raise LookupError("secret")
        if request.dossier_id == "refused":
            raise AppError("some.code", Kind.GONE)
        await asyncio.get_running_loop().create_future()

    def register(self, server: grpc.aio.Server) -> None:
        handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "GetDossier": grpc.unary_unary_rpc_method_handler(
                self.get_dossier, pb.GetDossierRequest.FromString, pb.GetDossierResponse.SerializeToString
            ),
            "Watch": grpc.unary_stream_rpc_method_handler(
                self.watch, pb.WatchRequest.FromString, pb.WatchResponse.SerializeToString
            ),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
async def server(api: Api) -> AsyncIterator[GrpcServer]:
    servicers = [Servicer(name=NAME, register=api.register)]
    made = GrpcServer(address="127.0.0.1:0", audience="review", tokens=TOKENS, servicers=servicers)
    await made.start()
    yield made
    await made.stop(0)


@pytest.fixture
async def channel(server: GrpcServer) -> AsyncIterator[grpc.aio.Channel]:
    opened = open_channel(f"127.0.0.1:{server.port}")
    yield opened
    await opened.close()


def unary(channel: grpc.aio.Channel) -> Any:
    return channel.unary_unary(
        f"/{NAME}/GetDossier", pb.GetDossierRequest.SerializeToString, pb.GetDossierResponse.FromString
    )


async def ask(channel: grpc.aio.Channel, how: str, *, token: str | None = None, **rest: Any) -> pb.GetDossierResponse:
    given = TOKENS.mint(CLAIMS) if token is None else token
    answer: pb.GetDossierResponse = await call(
        unary(channel), pb.GetDossierRequest(dossier_id=how), token=given, **rest
    )
    return answer


async def refused(channel: grpc.aio.Channel, how: str, **rest: Any) -> AppError:
    with pytest.raises(AppError) as caught:
        await ask(channel, how, **rest)
    return caught.value


async def test_the_caller_is_who_the_token_says(channel: grpc.aio.Channel) -> None:
    assert (await ask(channel, "d1")).dossier.applicant_id == "a-person"


async def test_a_dossier_that_the_token_does_not_name_is_not_there(channel: grpc.aio.Channel) -> None:
    assert (await refused(channel, "d2")).code == "request.not-found"
    assert (await refused(channel, "")).code == "request.not-found"


@pytest.mark.parametrize(
    ("minter", "audience"), [(None, ""), (STRANGER, "review"), (TOKENS, "upload")], ids=["none", "stranger", "other"]
)
async def test_a_token_that_no_colleague_signed(
    api: Api, channel: grpc.aio.Channel, minter: Tokens | None, audience: str
) -> None:
    token = minter.mint(Claims(actor="a", audience=audience)) if minter else "x"
    error = await refused(channel, "d1", token=token)
    assert (error.code, error.kind) == ("token.invalid", Kind.UNAUTHENTICATED)
    assert api.calls == 0


async def test_without_a_token(api: Api, channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await unary(channel)(pb.GetDossierRequest(dossier_id="d1"))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert grpc_errors.decode(caught.value).code == "token.missing"
    assert api.calls == 0


@pytest.mark.parametrize("kind", Kind)
async def test_an_error_arrives_as_it_was_raised(channel: grpc.aio.Channel, kind: Kind) -> None:
    error = await refused(channel, f"kind:{kind}")
    assert (error.code, error.kind, error.retryable) == ("some.code", kind, True)
    assert dict(error.params) == {"found": 3, "what": "张三"}
    assert isinstance(error.__cause__, grpc.aio.AioRpcError)
    assert error.__cause__.code().name == KINDS[kind].grpc


async def test_a_bug_keeps_its_text_to_itself(channel: grpc.aio.Channel) -> None:
    error = await refused(channel, "bug")
    assert (error.code, error.kind, error.retryable) == ("service.failed", Kind.INTERNAL, False)
    assert "510106198001011239" not in repr(error.__cause__)


async def test_an_outage_behind_it_may_be_waited_for(channel: grpc.aio.Channel) -> None:
    for how in ("outage", "store-outage"):
        error = await refused(channel, how)
        assert (error.code, error.kind, error.retryable) == ("service.unavailable", Kind.UNAVAILABLE, True)


async def test_a_full_store_is_no_bug(channel: grpc.aio.Channel) -> None:
    error = await refused(channel, "store-full")
    assert (error.code, error.kind, error.retryable) == ("upload.store-full", Kind.UNAVAILABLE, True)


async def test_what_is_harmless_is_asked_again(api: Api, channel: grpc.aio.Channel) -> None:
    await refused(channel, "outage")
    assert api.calls == 1
    await refused(channel, "outage", idempotent=True)
    assert api.calls == 6


async def test_a_deadline_ends_the_call_and_is_known_inside(api: Api, channel: grpc.aio.Channel) -> None:
    error = await refused(channel, "slow", timeout_s=0.2)
    assert (error.code, error.kind) == ("service.deadline", Kind.TIMEOUT)
    assert api.left is not None
    assert 0 < api.left < DEFAULT_TIMEOUT_S


async def test_a_message_that_is_too_large(channel: grpc.aio.Channel) -> None:
    assert (await refused(channel, "large")).code == "service.too-large-message"
    assert (await refused(channel, "x" * (MAX_MESSAGE_BYTES + 1))).code == "service.too-large-message"


async def test_nobody_there(channel: grpc.aio.Channel, server: GrpcServer) -> None:
    await server.stop(0)
    error = await refused(channel, "d1", timeout_s=2.0)
    assert (error.code, error.retryable) == ("service.unavailable", True)


async def watched(channel: grpc.aio.Channel, how: str, timeout_s: float = DEADLINE_S) -> list[int]:
    method: Any = channel.unary_stream(f"/{NAME}/Watch", pb.WatchRequest.SerializeToString, pb.WatchResponse.FromString)
    asked = pb.WatchRequest(dossier_id=how)
    return [answer.seq async for answer in stream(method, asked, token=TOKENS.mint(CLAIMS), timeout_s=timeout_s)]


async def test_a_stream_ends_quietly_at_its_deadline(channel: grpc.aio.Channel) -> None:
    assert await watched(channel, "d1", 0.3) == [1]


@pytest.mark.parametrize(("how", "code"), [("bug", "service.failed"), ("refused", "some.code")])
async def test_a_stream_that_breaks_says_how(channel: grpc.aio.Channel, how: str, code: str) -> None:
    with pytest.raises(AppError) as caught:
        await watched(channel, how)
    assert caught.value.code == code


async def state(channel: grpc.aio.Channel, service: str) -> int:
    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
    return int(answer.status)


async def test_health_needs_no_token_and_says_when_it_is_ready(server: GrpcServer, channel: grpc.aio.Channel) -> None:
    for service in ("", NAME):
        assert await state(channel, service) == health_pb2.HealthCheckResponse.NOT_SERVING
    await server.ready()
    for service in ("", NAME):
        assert await state(channel, service) == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await state(channel, "no.such.Service")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_lists_what_is_served(channel: grpc.aio.Channel) -> None:
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    answers = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([asked]))
    listed = [service.name async for answer in answers for service in answer.list_services_response.service]
    assert sorted(listed) == ["grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection", NAME]


def test_outside_a_call_nobody_asks_and_nothing_ends() -> None:
    with pytest.raises(LookupError):
        caller()
    assert time_left_s() is None


def test_now_is_now() -> None:
    assert abs((SystemClock().now() - datetime.now(UTC)).total_seconds()) < 5


async def test_a_call_and_its_answer_are_one_trace(channel: grpc.aio.Channel) -> None:
    with recorded() as kept, tracing.span("asking", parent=""):
        await ask(channel, "d1")
        asking = telemetry.traceparent()
    client, server = (next(s for s in kept.spans if s.kind is kind) for kind in (SpanKind.CLIENT, SpanKind.SERVER))
    assert {client.name, server.name} == {f"{NAME}/GetDossier"}
    assert parent_of(server) == id_of(client)
    assert f"{trace_of(server):032x}" == asking.split("-")[1]


async def test_a_stream_and_its_answers_are_one_trace(channel: grpc.aio.Channel) -> None:
    with recorded() as kept, tracing.span("asking", parent=""), pytest.raises(AppError):
        await watched(channel, "refused")
    client, server = (next(s for s in kept.spans if s.kind is kind) for kind in (SpanKind.CLIENT, SpanKind.SERVER))
    assert parent_of(server) == id_of(client)
    for span in (client, server):
        assert (span.attributes or {})[Attribute.ERROR_TYPE] == "some.code"


async def test_without_a_token_nobody_joins_a_trace(channel: grpc.aio.Channel) -> None:
    metadata = (("traceparent", f"00-{'1' * 32}-{'2' * 16}-01"),)
    with recorded() as kept, pytest.raises(grpc.aio.AioRpcError):
        await unary(channel)(pb.GetDossierRequest(dossier_id="d1"), metadata=metadata)
    assert kept.spans == ()


@pytest.mark.parametrize(
    ("how", "code"), [("d1", "OK"), (f"kind:{Kind.NOT_FOUND}", "NOT_FOUND"), ("bug", "INTERNAL"), ("slow", "CANCELLED")]
)
async def test_calls_are_measured_on_both_sides(channel: grpc.aio.Channel, how: str, code: str) -> None:
    def count(side: str, code: str) -> float:
        return sample(f"shenbao_grpc_{side}_duration_seconds_count", method=f"{NAME}/GetDossier", code=code)

    heard = "DEADLINE_EXCEEDED" if how == "slow" else code
    before = count("server", code), count("client", heard)
    with contextlib.suppress(AppError):
        await ask(channel, how, timeout_s=0.2 if how == "slow" else DEADLINE_S)
    async with asyncio.timeout(DEADLINE_S):
        while count("server", code) == before[0]:
            await asyncio.sleep(0)
    assert count("client", heard) == before[1] + 1
