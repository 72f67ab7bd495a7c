"""What is told of an opening while it is being made."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from services.gen.video.v1 import video_pb2 as pb
from services.kernel.jobs.queue import Job
from services.kernel.tokens import Claims
from services.video.grpc_api import title_cards
from services.video.grpc_api.calls import Ports
from services.video.grpc_api.title_cards import STAGE, TitleCardCalls
from services.video.ports import TitleCard

AT = datetime(2026, 11, 28, tzinfo=UTC)
ASKED = TitleCard(card_id="card", declared={}, seconds=3, requested_at=AT)
MADE = replace(ASKED, object_key="derived/titled.mp4", size_bytes=7, card_s=3, duration_s=7)
CLAIMS = Claims(actor="zhang", audience="video", organisation_path="/sc/", dossier_id="dossier", action="upload")
LEASED = Job(
    job_id="job", stage=STAGE, organisation_path="/sc/", dossier_id="dossier", subject_id="file", argument="card",
    state="leased", attempts=1, max_attempts=5, progress=0.5, last_error="", created_at=AT, updated_at=AT,
    run_after=AT,
)  # fmt: skip


@dataclass
class Finishing:
    """A worker that ends the job and writes the card in one transaction, after `looks` looks at either of them."""

    looks: int
    seen: list[str] = field(default_factory=list)

    def _ended(self, what: str) -> bool:
        self.seen.append(what)
        return len(self.seen) > self.looks

    async def latest_of(self, dossier_id: str, subject_id: str) -> list[Job]:
        return [replace(LEASED, state="done", progress=1) if self._ended("job") else LEASED]

    async def find(self, dossier_id: str, organisation_path: str, file_id: str) -> TitleCard | None:
        return MADE if self._ended("card") else ASKED


def calls(worker: Finishing) -> TitleCardCalls:
    found = TitleCardCalls()
    anything = cast("Any", None)
    found._ports = Ports(
        reports=anything, cards=cast("Any", worker), store=anything, queue=cast("Any", worker), files=anything,
        sandbox=anything, clock=anything, ids=anything, expires_s=60,
    )  # fmt: skip
    return found


@pytest.mark.parametrize("looks", [0, 1, 2])
async def test_one_that_is_done_says_what_came_of_it(looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(title_cards, "dossier_of_caller", lambda _: CLAIMS)
    request, worker = pb.GetTitleCardRequest(dossier_id="dossier", file_id="file"), Finishing(looks)
    card = (await calls(worker).GetTitleCard(request, cast("Any", None))).card
    assert sorted(worker.seen) == ["card", "job"]
    assert card.state == ("done" if looks == 0 else "leased")
    assert card.state != "done" or (card.duration_s, card.size_bytes) == (7, 7)
