"""A request is named for its route; what stands in its address is nowhere; a stranger's trace is not believed."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import Request
from opentelemetry.trace import StatusCode
from starlette.requests import ClientDisconnect
from starlette.types import Message

import services.gateway
from services.gateway import problems
from services.gateway.app import Application, Static
from services.kernel.errors import AppError, Kind
from services.kernel.tracing import Attribute
from tests.samples import sample
from tests.spans import Recorded, parent_of, recorded, trace_of

FOREIGN = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def kept() -> Iterator[Recorded]:
    with recorded() as found:
        yield found


async def thing(thing_id: str) -> dict[str, str]:
    if thing_id == "bug":
        raise LookupError(thing_id)
    if thing_id == "refused":
        raise AppError("request.not-found", Kind.NOT_FOUND, what=thing_id)
    return {"thing": thing_id}


async def alive() -> None:
    return


async def ask(method: str, path: str, **headers: str) -> httpx.Response:
    app = Application()
    app.add_api_route("/things/{thing_id}", thing, methods=["GET"])
    app.add_api_route("/healthz", alive, methods=["GET"])
    app.mount("/static", Static(directory=Path(services.gateway.__file__).parent / "static"))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.request(method, path, headers=headers)


def requests(method: str, route: str, status: str) -> float:
    return sample("shenbao_http_request_duration_seconds_count", method=method, route=route, status=status)


async def test_a_request_is_its_route(kept: Recorded) -> None:
    before = requests("GET", "/things/{thing_id}", "2xx")
    answer = await ask("GET", "/things/zhang-san?name=li-si", cookie="shenbao=secret")
    span = kept.named("GET /things/{thing_id}")
    assert dict(span.attributes or {}) == {
        Attribute.HTTP_METHOD: "GET", Attribute.HTTP_ROUTE: "/things/{thing_id}", Attribute.HTTP_STATUS: 200,
        Attribute.REQUEST_ID: answer.headers["x-request-id"],
    }  # fmt: skip
    for word in ("zhang", "li-si", "secret"):
        assert word not in span.to_json()
    assert requests("GET", "/things/{thing_id}", "2xx") == before + 1


async def test_a_stranger_joins_no_trace(kept: Recorded) -> None:
    await ask("GET", "/things/a", traceparent=f"00-{FOREIGN}-b7ad6b7169203331-01", tracestate="x=y", baggage="a=b")
    [span] = kept.spans
    assert parent_of(span) == 0
    assert f"{trace_of(span):032x}" != FOREIGN


@pytest.mark.parametrize(
    ("method", "path", "name", "status"),
    [
        ("GET", "/nowhere/zhang-san", "GET none", "4xx"),
        ("BREW", "/things/a", "other /things/{thing_id}", "4xx"),
        ("GET", "/things/bug", "GET /things/{thing_id}", "5xx"),
    ],
)
async def test_whatever_is_asked_few_names_come_of_it(
    kept: Recorded, method: str, path: str, name: str, status: str
) -> None:
    method_label, route = name.split(" ")
    before = requests(method_label, route, status)
    await ask(method, path)
    assert (kept.named(name).status.status_code is StatusCode.ERROR) == (status == "5xx")
    assert requests(method_label, route, status) == before + 1


async def test_who_goes_away_in_the_middle_is_no_fault_of_ours(kept: Recorded) -> None:
    app = Application()

    async def take(request: Request) -> int:
        return len(await request.body())

    app.add_api_route("/taken", take, methods=["PUT"])
    app.add_exception_handler(Exception, problems.on_bug)
    scope = {
        "type": "http", "method": "PUT", "path": "/taken", "headers": [], "query_string": b"", "http_version": "1.1",
    }  # fmt: skip
    sent: list[Message] = [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return sent.pop(0)

    async def send(_message: Message) -> None:
        return

    before = requests("PUT", "/taken", "4xx")
    with pytest.raises(ClientDisconnect):
        await app(scope, receive, send)
    assert requests("PUT", "/taken", "4xx") == before + 1


@pytest.mark.parametrize("path", ["/healthz", "/static/shenbao.css?v=1"])
async def test_probes_and_static_files_make_no_traces(kept: Recorded, path: str) -> None:
    assert (await ask("GET", path)).status_code == 200
    assert kept.spans == ()
