"""A document's pages: pictures before anybody asks, who looked in a reviewer's, words found on their page."""

import io
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from fastapi.routing import APIRoute
from PIL import Image, ImageChops, ImageStat

from services.cli.demo.client import Client, Data
from services.gateway.routes import previews
from tests.assets import pdf_fixtures
from tests.e2e.browser.conftest import enrol
from tests.e2e.checked_demo import CONFORMANCE, Checked
from tests.e2e.conformance import method_of
from tests.e2e.conftest import Platform
from tests.small_dossier import COMPONENTS, another, fill, materials, owed, submit

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(240)]
DEADLINE_S = 60
_Seen = TypeVar("_Seen")


@pytest.fixture(scope="module")
def person(platform: Platform) -> Iterator[Checked]:
    enrol(platform, "reader", "林读者", "applicant", "jc-h1")
    client = Checked(platform.url, "reader", platform.passwords["reader"])
    yield client
    client.close()


@pytest.fixture(scope="module")
def dossier(person: Client, tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Handed in; one document has text on two of its pages, the others are scans."""
    folder = tmp_path_factory.mktemp("previews")
    made = person.send("POST", "/api/v1/dossiers", json={"profile": another("林读者", "51010619870707222")})
    files = owed(folder)
    written = folder / "学历.pdf"
    written.write_bytes(pdf_fixtures.written_pdf([["学历证书"], ["毕业学校：四川大", "学华西医学中心"]]))
    fill(person, made, {**files, "education": written})
    return submit(person, made["dossier_id"])


def education(dossier: Data) -> Data:
    return materials(dossier)["education"]


def base(dossier: Data, item: str = "education") -> str:
    return f"/api/v1/dossiers/{dossier['dossier_id']}/materials/{materials(dossier)[item]['material_id']}"


def ask(client: Client, path: str) -> httpx.Response:
    return client._http.get(path)


def until(seen: Callable[[], _Seen], wanted: Callable[[_Seen], bool]) -> _Seen:
    ends = time.monotonic() + DEADLINE_S
    while not wanted(found := seen()):
        assert time.monotonic() < ends, found
        time.sleep(0.1)
    return found


def kept(platform: Platform, *owners: str) -> Sequence[str]:
    """What is kept of these files and materials, in the store itself: the end of each key."""
    found = []
    for folder, _, _ in os.walk(platform.folder.root / "objects"):
        key, is_object, _ = folder.partition("%")
        if is_object and any(f"/{owner}/" in key for owner in owners):
            found.append("/".join(key.split("/")[-2:]))
    return sorted(found)


def test_all_pages_have_pictures_in_both_sizes_before_anybody_asks(platform: Platform, dossier: Data) -> None:
    [file] = education(dossier)["files"]
    wanted = {f"{width}/{page}.jpg" for width in (240, 1200) for page in (1, 2)}

    def both() -> list[int]:
        owners = (file["file_id"], education(dossier)["material_id"])
        return [len(wanted & {*kept(platform, owner)}) for owner in owners]

    until(both, lambda found: found == [4, 4])


def test_an_applicants_picture_is_the_page_and_a_reviewers_says_who_looked(
    platform: Platform, person: Client, dossier: Data
) -> None:
    clerk = platform.client("unit")
    for path in (
        f"{base(dossier)}/pages/1/picture?width=1200",
        f"{base(dossier, 'recommendation')}/pages/1/picture?width=240",
        f"{base(dossier).replace('/api/v1', '')}/page.jpg?page=1&width=1200",
    ):
        own, theirs = ask(person, path), ask(clerk, path)
        for answer in (own, theirs):
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
            assert answer.headers["cache-control"].startswith("private,")
            assert answer.headers["vary"] == "Cookie"
        one, two = (Image.open(io.BytesIO(answer.content)).convert("L") for answer in (own, theirs))
        assert one.size == two.size
        change = ImageChops.difference(one, two)
        assert ImageStat.Stat(change).mean[0] > 0.3
        # On every part of the page, for a part of it may be cut out.
        halves = [change.crop((0, top, one.width, top + one.height // 2)) for top in (0, one.height // 2)]
        assert all(ImageStat.Stat(half).extrema[0][1] > 15 for half in halves)
        assert ask(person, path).content == own.content  # what is kept is nobody's in particular


def test_a_word_is_found_on_its_page_over_the_end_of_a_line(person: Client, dossier: Data) -> None:
    [file] = education(dossier)["files"]
    for path in (base(dossier), f"/api/v1/dossiers/{dossier['dossier_id']}/files/{file['file_id']}"):
        found = person.send("GET", f"{path}/search?q=四川 大学华西")
        [hit] = found["hits"]
        assert (hit["page"], hit["before"], hit["text"], hit["behind"]) == (2, "毕业学校：", "四川大学华西", "医学中心")
        assert len(hit["boxes"]) == 2
        assert (found["found"], found["pages"], found["pages_with_text"]) == (1, 2, 2)
        lines = person.send("GET", f"{path}/pages/2/text")["lines"]
        assert [line["text"] for line in lines] == ["毕业学校：四川大", "学华西医学中心"]
    scan = person.send("GET", f"{base(dossier, 'recommendation')}/search?q=学历")
    assert (scan["found"], scan["pages_with_text"]) == (0, 0)


def test_pages_say_what_was_found_and_where_without_a_script(platform: Platform, person: Client, dossier: Data) -> None:
    clerk = platform.client("unit")
    for client, start in ((person, "/dossiers"), (clerk, "/review")):
        end = "/pages" if client is person else ""

        def shown(item: str, q: str, *, client: Client = client, start: str = start, end: str = end) -> str:
            material = materials(dossier)[item]["material_id"]
            return ask(client, f"{start}/{dossier['dossier_id']}/materials/{material}{end}?q={q}").text

        text = shown("education", "华西医学")
        assert "找到 1 处" in text
        assert "<mark>华西医学</mark>" in text
        assert text.partition('id="page-2"')[2].count("<rect") == 1
        assert "<rect" not in text.partition('id="page-1"')[2].partition('id="page-2"')[0]
        assert "没有找到“&lt;b&gt;”" in shown("education", "<b>")
        assert "扫描件，没有可以查找的文字" in shown("recommendation", "华西")
        assert 'id="found"' not in shown("education", "%20")
        layer = ask(client, f"{base(dossier).replace('/api/v1', '')}/layer?page=2").text
        assert "毕业学校：四川大</text>" in layer


def test_each_page_is_told_when_its_pictures_are_there(person: Client, dossier: Data) -> None:
    answer = ask(person, f"{base(dossier)}/pictures")
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [each.splitlines() for each in answer.text.strip().split("\n\n")]
    pages = [json.loads(data.removeprefix("data: ")) for name, data in events if name == "event: page"]
    assert sorted(each["page"] for each in pages) == [1, 2]
    assert all((each["pages"], each["drawn"]) == (2, True) for each in pages)
    assert events[-1][0] == "event: end"


@pytest.mark.parametrize(("path", "status", "code"), [
    ("/pages/3/picture", 404, "request.not-found"), ("/pages/3/text", 404, "request.not-found"),
    ("/pages/1/picture?width=241", 400, "picture.bad-width"), ("/pages/0/picture", 400, "request.invalid"),
    ("/search?q=%20", 400, "search.bad-query"), ("/search?q=" + "x" * 101, 400, "search.bad-query"),
])  # fmt: skip
def test_what_there_is_not_is_refused(person: Client, dossier: Data, path: str, status: int, code: str) -> None:
    answer = ask(person, f"{base(dossier)}{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_nobody_else_sees_any_of_it(platform: Platform, dossier: Data) -> None:
    stranger = platform.client("applicant-city")
    for path in ("/pages/1/picture", "/pages/1/text", "/search?q=a", "/pictures"):
        assert ask(stranger, f"{base(dossier)}{path}").status_code == 404
    for path in ("/page.jpg", "/layer"):
        assert ask(stranger, f"{base(dossier).replace('/api/v1', '')}{path}").status_code == 404


def test_a_deleted_files_pictures_and_text_go_and_so_do_those_of_its_merge(platform: Platform, tmp_path: Path) -> None:
    enrol(platform, "forgetter", "林读者", "applicant", "jc-h1")
    person = platform.client("forgetter")
    made = person.send("POST", "/api/v1/dossiers", json={"profile": another("林读者", "51010619870707222")})
    written = tmp_path / "a.pdf"
    written.write_bytes(pdf_fixtures.written_pdf([["学历证书"]]))
    material = education(made)["material_id"]
    person.upload(made["dossier_id"], material, COMPONENTS["education"], written)
    done = person.wait(made["dossier_id"], lambda d: education(d)["status"] == "passed", deadline_s=DEADLINE_S)
    [file] = education(done)["files"]
    until(lambda: kept(platform, file["file_id"], material), lambda found: len(found) >= 7)
    person.send("DELETE", f"/api/v1/dossiers/{made['dossier_id']}/files/{file['file_id']}")
    until(lambda: kept(platform, file["file_id"], material), lambda found: not found)
    assert ask(person, f"{base(made)}/pages/1/picture").status_code == 404


def test_every_answer_was_held_against_the_document() -> None:
    wanted = {
        f"{method_of(route)} {route.path}"
        for route in previews.router.routes
        if isinstance(route, APIRoute) and route.path.endswith(("/text", "/search"))
    }
    assert wanted <= CONFORMANCE.seen
