"""What every answer carries, whoever gives it."""

import httpx
import pytest

from services.gateway import problems
from services.gateway.app import Application


@pytest.mark.parametrize("accepted", ["application/json", "text/html"])
async def test_the_answer_to_a_bug_has_the_policy_and_the_id_to_search_for(accepted: str) -> None:
    app = Application()

    async def broken() -> None:
        raise LookupError("a bug")

    app.add_api_route("/broken", broken)
    app.add_exception_handler(Exception, problems.on_bug)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        answer = await client.get("/broken", headers={"Accept": accepted})
    assert answer.status_code == 500
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert len(answer.headers["x-request-id"]) == 16
    assert answer.headers["x-request-id"] in answer.text
