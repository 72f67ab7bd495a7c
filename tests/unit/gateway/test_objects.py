"""Where pages may send parts and play videos from, and what the gateway itself answers for."""

from types import SimpleNamespace

import httpx
import pytest

from services.gateway.app import Application
from services.gateway.routes import objects
from services.kernel import wiring
from services.kernel.config import ServiceSettings
from services.kernel.errors import AppError

S3 = "s3://evidence?endpoint=http://store:9000&public_endpoint=https://files.example.org"


def gateway(origin: str | None) -> Application:
    app = Application()
    app.objects_origin = origin
    app.state.gateway = SimpleNamespace(objects=None, objects_origin=origin)
    app.include_router(objects.router)

    async def refused(_request: object, error: Exception) -> httpx.Response:
        raise error

    return app


async def policy(origin: str | None) -> dict[str, str]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway(origin)), base_url="http://gateway") as client:
        answer = await client.get("/nowhere")
    parts = answer.headers["content-security-policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


async def test_pages_reach_the_object_store_and_nothing_else() -> None:
    own, wider = await policy(None), await policy(wiring.objects_origin(ServiceSettings(objects=S3)))
    assert own["connect-src"] == own["media-src"] == "'self'"
    changed = {name: value for name, value in wider.items() if own[name] != value}
    assert changed == dict.fromkeys(("connect-src", "media-src"), "'self' https://files.example.org")
    assert set(wider) == set(own)


@pytest.mark.parametrize(("method", "path"), [("PUT", "parts/staging/a?uploadId=u"), ("GET", "files/staging/a?x=1")])
async def test_with_a_store_that_answers_itself_the_gateway_answers_no_presigned_request(
    method: str, path: str
) -> None:
    transport = httpx.ASGITransport(gateway("https://files.example.org"))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        with pytest.raises(AppError, match=r"request\.not-found"):
            await client.request(method, f"/objects/{path}", content=b"x")


def test_half_an_account_is_refused() -> None:
    for half in ({"objects_access_key": "a"}, {"objects_secret_key": "a"}):
        with pytest.raises(ValueError, match="SHENBAO_OBJECTS_ACCESS_KEY") as refused:
            ServiceSettings(objects=S3, **half)  # type: ignore[arg-type]  # a test's own words
        assert "'a'" not in str(refused.value)


def test_a_wrong_address_is_refused_before_anything_starts() -> None:
    with pytest.raises(AppError, match=r"settings\.bad-objects-url"):
        wiring.objects_origin(ServiceSettings(objects="s3://key:secret@evidence"))
