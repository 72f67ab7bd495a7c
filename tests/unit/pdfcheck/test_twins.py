"""Pages in other dossiers: which candidates are laid on a page, and who may ask."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import grpc
import pytest

from services.gen.pdfcheck.v1 import pdfcheck_pb2 as pb
from services.gen.pdfcheck.v1 import pdfcheck_pb2_grpc
from services.kernel.clock import SystemClock
from services.kernel.errors import AppError, Kind, not_found
from services.kernel.grpc_client import call, open_channel
from services.kernel.grpc_server import GrpcServer
from services.kernel.sandbox.port import ByteSource, JsonObject, Outcome, Profile, Progress, SandboxCrashed
from services.kernel.tokens import Claims, TokenKey, Tokens
from services.pdfcheck.grpc_api import servicer
from services.pdfcheck.ports import NearElsewhere, PageElsewhere, Twin
from services.pdfcheck.usecases.repeats import SAME
from services.pdfcheck.usecases.twins import OF_A_FILE, OF_A_PAGE, twins

TOKENS = Tokens([TokenKey(key_id="a", secret="s" * 32)], SystemClock())


@dataclass(slots=True)
class Judge:
    """A sandbox that says how alike two pictures are: what stands in the second one."""

    asked: list[bytes] = field(default_factory=list)

    async def run(
        self, function: str, arguments: JsonObject, *, profile: Profile, sources: Sequence[ByteSource] = (),
        scratch: Path | None = None, progress: Progress | None = None,
    ) -> Outcome:  # fmt: skip
        said = await sources[1].read(0, 100)
        self.asked.append(said)
        if said == b"crash":
            raise SandboxCrashed("likeness")
        return Outcome(value=float(said), bytes_read=0, cpu_s=0, peak_memory_bytes=0)

    async def close(self) -> None:
        """Nothing to end."""


def elsewhere(dossier_id: str, file_id: str = "g", page: int = 1) -> PageElsewhere:
    return PageElsewhere(dossier_id=dossier_id, organisation_path="/sc/", file_id=file_id, page=page)


def near(page: int, other: PageElsewhere) -> NearElsewhere:
    return NearElsewhere(page=page, other=other, apart=0)


async def found_among(
    judge: Judge, candidates: Sequence[NearElsewhere], pictures: dict[str, bytes | AppError]
) -> Sequence[Twin]:
    """`pictures` are those of each other dossier."""

    async def own(page: int) -> bytes:
        return b"own"

    async def other(page: PageElsewhere) -> bytes:
        shown = pictures[page.dossier_id]
        if isinstance(shown, AppError):
            raise shown
        return shown

    return await twins(judge, "f", candidates, own, other, lambda done: None)


async def test_each_dossier_that_has_it_is_named_once() -> None:
    candidates = [near(1, elsewhere(each)) for each in ("d1", "d2")]
    candidates += [near(1, elsewhere("d1", "again")), near(2, elsewhere("d1"))]
    judge = Judge()
    found = await found_among(judge, candidates, {"d1": str(SAME).encode(), "d2": b"0.9876"})
    assert [(each.page, each.other.dossier_id, each.likeness) for each in found] == [
        (1, "d1", SAME), (1, "d2", 0.988), (2, "d1", SAME),
    ]  # fmt: skip
    assert len(judge.asked) == 3


@pytest.mark.parametrize("said", [b"0.6999", b"0", b"crash"])
async def test_what_is_less_alike_is_none(said: bytes) -> None:
    assert await found_among(Judge(), [near(1, elsewhere("d1"))], {"d1": said}) == ()


async def test_a_few_of_a_page_are_tried_and_what_has_no_picture_costs_no_try() -> None:
    last = OF_A_PAGE + 3
    candidates = [near(1, elsewhere(f"d{number}")) for number in range(1, last + 1)]
    pictures: dict[str, bytes | AppError] = {each.other.dossier_id: b"0.1" for each in candidates}
    pictures |= {"d1": not_found("file"), f"d{last}": b"0.9"}
    judge = Judge()
    assert await found_among(judge, candidates, pictures) == ()
    assert len(judge.asked) == OF_A_PAGE
    pictures |= {"d2": not_found("file"), "d3": not_found("file")}
    [found] = await found_among(judge, candidates, pictures)
    assert found.other.dossier_id == f"d{last}"


async def test_a_file_of_many_pages_is_not_compared_for_ever() -> None:
    candidates = [near(page, elsewhere("d1")) for page in range(1, OF_A_FILE + 3)]
    judge = Judge()
    await found_among(judge, candidates, {"d1": b"0.1"})
    assert len(judge.asked) == OF_A_FILE


async def test_while_a_service_is_away_nothing_is_concluded() -> None:
    away = AppError("peer.away", Kind.UNAVAILABLE, retryable=True)
    with pytest.raises(AppError, match=r"peer\.away"):
        await found_among(Judge(), [near(1, elsewhere("d1"))], {"d1": away})


class Kept:
    """Remembers for which office it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Sequence[str]]] = []

    async def below(self, dossier_id: str, office_path: str, file_ids: Sequence[str]) -> tuple[Twin, ...]:
        self.asked.append((dossier_id, office_path, file_ids))
        return (Twin(file_id="f", page=2, other=elsewhere("e", "g", 3), likeness=0.9),)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
async def channel(kept: Kept) -> AsyncIterator[grpc.aio.Channel]:
    other: Any = None  # this call asks nothing else
    asked = cast("Any", kept)
    made = servicer(other, other, other, other, other, other, other, asked, coach=other, desk=other, expires_s=60)
    server = GrpcServer(address="127.0.0.1:0", audience="pdfcheck", tokens=TOKENS, servicers=[made])
    await server.start()
    opened = open_channel(f"127.0.0.1:{server.port}")
    yield opened
    await opened.close()
    await server.stop(0)


async def ask(channel: grpc.aio.Channel, dossier_id: str = "d", **claims: str) -> pb.ListTwinsResponse:
    said = {"actor": "r", "audience": "pdfcheck", "organisation_path": "/sc/", "dossier_id": "d", **claims}
    stub = pdfcheck_pb2_grpc.PdfcheckServiceStub(channel)
    request = pb.ListTwinsRequest(dossier_id=dossier_id, file_ids=["f"])
    return await call(stub.ListTwins, request, token=TOKENS.mint(Claims(**said)))


async def test_a_token_for_comparing_is_answered_for_its_office(channel: grpc.aio.Channel, kept: Kept) -> None:
    [found] = (await ask(channel, action="compare")).twins
    assert (found.file_id, found.page, found.other_dossier_id, found.other_file_id, found.other_page) == (
        "f", 2, "e", "g", 3,
    )  # fmt: skip
    assert kept.asked == [("d", "/sc/", ["f"])]


@pytest.mark.parametrize("action", ["", "view", "read", "upload", "delete", "operate"])
async def test_every_other_token_is_refused(channel: grpc.aio.Channel, kept: Kept, action: str) -> None:
    with pytest.raises(AppError) as caught:
        await ask(channel, action=action)
    assert (caught.value.code, kept.asked) == ("token.wrong-action", [])


async def test_a_token_for_another_dossier_finds_nothing(channel: grpc.aio.Channel, kept: Kept) -> None:
    with pytest.raises(AppError) as caught:
        await ask(channel, "e", action="compare")
    assert (caught.value.code, kept.asked) == ("request.not-found", [])
