"""What a request may carry, exactly at the limit and one byte above, with and without an announced length."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from services.gateway import problems
from services.gateway.limits import MOST_BODY_BYTES, BodyLimit


@pytest.fixture
def app() -> FastAPI:
    made = FastAPI()

    async def size(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    for path in ("/api/v1/things", "/objects/parts/x"):
        made.add_api_route(path, size, methods=["POST"])

    async def json_body(body: dict[str, object]) -> int:
        return len(body)

    made.add_api_route("/api/v1/json", json_body, methods=["POST"])
    made.add_middleware(BodyLimit)
    made.add_exception_handler(HTTPException, problems.on_http_error)
    made.add_exception_handler(RequestValidationError, problems.on_invalid_request)
    return made


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as opened:
        yield opened


async def chunks(size: int) -> AsyncIterator[bytes]:
    """A body that does not announce its length."""
    for _ in range(0, size, 65_536):
        yield b"x" * min(size, 65_536)
        size -= 65_536


async def test_a_body_at_the_limit_is_read(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/things", content=b"x" * MOST_BODY_BYTES)
    assert answer.json() == {"bytes": MOST_BODY_BYTES}


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("size", [MOST_BODY_BYTES + 1, 5 * MOST_BODY_BYTES])
async def test_one_byte_more_is_refused_with_both_numbers(
    client: httpx.AsyncClient, size: int, *, announced: bool
) -> None:
    answer = await client.post("/api/v1/things", content=b"x" * size if announced else chunks(size))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "request.too-large"
    assert "1.00 MB" in answer.json()["detail"]


async def test_parts_of_files_have_their_own_limits(client: httpx.AsyncClient) -> None:
    answer = await client.post("/objects/parts/x", content=b"x" * (MOST_BODY_BYTES + 1))
    assert answer.json() == {"bytes": MOST_BODY_BYTES + 1}


@pytest.mark.parametrize("content", [b"[" * 200_000, b"\xff\xfe", b"{", b""], ids=["deep", "no-text", "half", "none"])
async def test_a_body_that_cannot_be_read_says_so(client: httpx.AsyncClient, content: bytes) -> None:
    answer = await client.post("/api/v1/json", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "request.invalid"
    assert answer.json()["detail"]


async def test_a_wrong_method_says_which_are_allowed(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/api/v1/things")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["code"] == "request.refused"
