"""A surgeon's two videos: one that browsers cannot play and its copy, one that gets an opening; and their stages."""

import json
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import av
import httpx
import pytest
from fastapi.routing import APIRoute

from services.cli.demo import sample
from services.cli.demo.client import Client, Data
from services.gateway.routes import filming
from tests.assets.cards import card_picture, film
from tests.assets.video_fixtures import ffmpeg
from tests.e2e.browser.conftest import enrol
from tests.e2e.checked_demo import CONFORMANCE, Checked
from tests.e2e.conformance import method_of
from tests.e2e.conftest import Platform
from tests.small_dossier import materials

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(240)]
DEADLINE_S = 90
_Seen = TypeVar("_Seen")
CARD = ("主刀医生：李川明", "手术名称：腹腔镜胆囊切除术")


@pytest.fixture(scope="module")
def surgeon(platform: Platform) -> Iterator[Checked]:
    enrol(platform, "surgeon-filming", "李川明", "applicant", "jc-h1")
    client = Checked(platform.url, "surgeon-filming", platform.passwords["surgeon-filming"])
    yield client
    client.close()


@pytest.fixture(scope="module")
def dossier(surgeon: Client, tmp_path_factory: pytest.TempPathFactory) -> Data:
    """With two videos of a few seconds, both measured: HEVC and H.264."""
    folder = tmp_path_factory.mktemp("v")
    profile = json.loads(sample.profile().model_dump_json(exclude_defaults=True))
    made = surgeon.send("POST", "/api/v1/dossiers", json={"profile": profile})
    recorded = film(folder / "录像.mp4", [(card_picture(CARD), 2), (None, 2)], size=(640, 360))
    converted = folder / f"{profile['name']}{profile['id_number']}.mp4"
    ffmpeg("-i", str(recorded), "-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", str(converted))
    for path in (converted, recorded):
        surgeon.upload(made["dossier_id"], materials(made)["surgery_video"]["material_id"], "video", path)
    return surgeon.wait(made["dossier_id"], lambda d: len(measured(d)) == 2, deadline_s=DEADLINE_S)


def measured(dossier: Data) -> list[Data]:
    """The files whose verdict is there."""
    return [file for file in materials(dossier)["surgery_video"]["files"] if file["duration_s"]]


def named_third(dossier: Data) -> bool:
    """Whether the third of them is there, and its name was asked for: events hold none."""
    return [bool(file["file_name"]) for file in measured(dossier)] == [True, True, True]


def base_of(dossier: Data, number: int) -> str:
    return f"/api/v1/dossiers/{dossier['dossier_id']}/files/{measured(dossier)[number]['file_id']}"


def until(ask: Callable[[], _Seen], done: Callable[[_Seen], bool]) -> _Seen:
    ends = time.monotonic() + DEADLINE_S
    while not done(answer := ask()):
        assert time.monotonic() < ends, answer
    return answer


def states(client: Client, base: str) -> dict[str, str]:
    return {each["stage"]: each["state"] for each in client.send("GET", f"{base}/stages")["stages"]}


def stored(platform: Platform, file_id: str) -> list[str]:
    """What is in the store of a file; folders may go while this looks."""
    found = os.walk(platform.folder.root / "objects")
    return [name for folder, _, names in found for name in names if file_id in folder]


def fetched(client: Client, link: Data, path: Path) -> Path:
    client.download(link, path)
    return path


def refused(platform: Platform, *paths: str) -> None:
    """To somebody with another dossier."""
    stranger = platform.client("applicant-city")
    for path in paths:
        assert stranger._http.get(path).status_code == 404, path
    stranger.close()


def test_a_copy_is_made_of_what_browsers_cannot_play(
    platform: Platform, surgeon: Client, dossier: Data, tmp_path: Path
) -> None:
    hevc, plain = base_of(dossier, 0), base_of(dossier, 1)
    assert not surgeon.send("GET", f"{hevc}/report")["facts"]["playable"]
    assert surgeon.send("GET", f"{plain}/report")["facts"]["playable"]
    until(lambda: states(surgeon, hevc), lambda found: found.get("proxy") == "done")
    assert "proxy" not in states(surgeon, plain)
    copy = fetched(surgeon, surgeon.send("GET", f"{hevc}/proxy"), tmp_path / "copy.mp4")
    with av.open(str(copy)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert len(list(container.decode(video=0))) == 40
    assert surgeon._http.get(f"{plain}/proxy").status_code == 404
    refused(platform, f"{hevc}/proxy", f"{hevc}/stages", f"{hevc.removeprefix('/api/v1')}/play")


def test_the_page_plays_the_copy_or_the_original(surgeon: Client, dossier: Data) -> None:
    until(lambda: states(surgeon, base_of(dossier, 0)), lambda found: found.get("proxy") == "done")
    for number, of in ((0, "/derived/"), (1, "/staging/")):
        answer = surgeon._http.get(f"{base_of(dossier, number).removeprefix('/api/v1')}/play", follow_redirects=False)
        assert answer.status_code == 303
        assert of in answer.headers["location"]


def test_stages_are_stopped_and_tried_again(surgeon: Client, dossier: Data) -> None:
    base = base_of(dossier, 1)
    until(lambda: states(surgeon, base), lambda found: {found.get("look"), found.get("opening")} == {"done"})
    stopped = surgeon.send("POST", f"{base}/stages/look/cancellation")
    assert (stopped["stage"], stopped["state"], stopped["can_cancel"]) == ("look", "done", False), "nothing to stop"
    assert surgeon.send("POST", f"{base}/stages/look/retry")["state"] == "done"
    assert surgeon._http.post(f"{base}/stages/forget/retry").status_code == 404, "no stage of a file's people"


def test_an_opening_is_put_in_front_and_adopted(
    platform: Platform, surgeon: Client, dossier: Data, tmp_path: Path
) -> None:
    base, page = base_of(dossier, 1), base_of(dossier, 1).removeprefix("/api/v1")
    shown = surgeon._http.get(f"{base}/title-card/picture")
    assert (shown.status_code, shown.content[:2]) == (200, b"\xff\xd8")
    assert surgeon._http.get(f"{base}/title-card").status_code == 404, "none was asked for"
    asked = surgeon.send("POST", f"{base}/title-card", json={"seconds": 3}, key="card")
    assert asked["state"] in ("queued", "leased"), "a worker may have begun"
    assert surgeon.send("POST", f"{base}/title-card", json={"seconds": 3}, key="card")["card_id"] == asked["card_id"]
    made = until(
        lambda: surgeon.send("GET", f"{base}/title-card"), lambda card: card["state"] not in ("queued", "leased")
    )
    assert (made["state"], made["problem"]) == ("done", "")
    assert made["duration_s"] == pytest.approx(7, abs=0.2)
    link = surgeon.send("GET", f"{base}/title-card/download")
    digest = surgeon.download(link, tmp_path / "titled.mp4")
    refused(platform, f"{base}/title-card", f"{base}/title-card/download", f"{base}/title-card/picture",
            f"{page}/title-card", f"{page}/title-card.jpg", f"{page}/titled.mp4")  # fmt: skip
    adopted = surgeon.send("POST", f"{base}/title-card/adoption", key="adopt")
    assert surgeon.send("POST", f"{base}/title-card/adoption", key="adopt") == adopted
    now = surgeon.wait(dossier["dossier_id"], named_third, deadline_s=DEADLINE_S)
    assert [file["file_id"] for file in measured(now)][2] == adopted["file_id"]
    assert measured(now)[2]["duration_s"] == pytest.approx(7, abs=0.2)
    assert measured(now)[2]["file_name"] == materials(now)["surgery_video"]["right_file_name"]
    read = surgeon.wait(dossier["dossier_id"], lambda d: bool(measured(d)[2]["opening"]), deadline_s=DEADLINE_S)
    assert {field["status"] for field in measured(read)[2]["opening"]} == {"found"}
    verified = surgeon.wait(dossier["dossier_id"], lambda d: bool(measured(d)[2]["sha256"]), deadline_s=DEADLINE_S)
    assert measured(verified)[2]["sha256"] == digest


@pytest.mark.parametrize("seconds", [1.9, 30.1, -1, 1e308])
def test_an_opening_of_another_length_is_refused(surgeon: Client, dossier: Data, seconds: float) -> None:
    answer = surgeon._http.post(f"{base_of(dossier, 1)}/title-card", json={"seconds": seconds})
    assert (answer.status_code, answer.json()["code"]) == (400, "titlecard.seconds")


@pytest.mark.parametrize("seconds", ["", "abc", "nan", "inf", "1e400", "0", "<script>alert(1)</script>", "٣\x00"])
def test_the_page_says_what_is_wrong_with_a_length(surgeon: Client, dossier: Data, seconds: str) -> None:
    page = f"{base_of(dossier, 1).removeprefix('/api/v1')}/title-card"
    form = {"csrf": surgeon._http.headers["X-CSRF-Token"], "seconds": seconds}
    answer = surgeon._http.post(page, data=form, headers={"Accept": "text/html"})
    assert answer.status_code in (400, 422)
    assert "<script>alert" not in answer.text
    assert "2 到 30" in answer.text or len(seconds) > 20, "a form that no page sends is refused as a whole"


def test_what_cannot_be_put_in_front_is_said(surgeon: Client, dossier: Data) -> None:
    """The first video is HEVC: an opening would have to be coded as that is."""
    base = base_of(dossier, 0)
    surgeon.send("POST", f"{base}/title-card", json={})
    card = until(
        lambda: surgeon.send("GET", f"{base}/title-card"), lambda card: card["state"] not in ("queued", "leased")
    )
    assert card["problem"] == "titlecard.not-possible"
    page: httpx.Response = surgeon._http.get(f"{base.removeprefix('/api/v1')}/title-card")
    assert "H.264" in page.text
    assert surgeon._http.get(f"{base}/title-card/download").status_code == 404


def test_every_route_was_seen() -> None:
    """What has a body that the OpenAPI document describes."""
    wanted = {f"{method_of(r)} {r.path}" for r in filming.router.routes if isinstance(r, APIRoute) and r.response_model}
    assert wanted <= CONFORMANCE.seen


def test_copies_and_openings_go_with_their_videos(platform: Platform, surgeon: Client, dossier: Data) -> None:
    for number in (0, 1):
        file_id = measured(dossier)[number]["file_id"]
        assert stored(platform, file_id), "its original and what was made of it"
        surgeon.send("DELETE", f"/api/v1/dossiers/{dossier['dossier_id']}/files/{file_id}")
        until(partial(stored, platform, file_id), lambda found: not found)
