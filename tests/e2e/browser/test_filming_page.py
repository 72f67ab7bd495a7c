"""What a surgeon sees of the work on a video: its stages, a copy that plays, an opening made and adopted."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from services.cli.demo import sample
from services.cli.demo.client import Client, Data
from tests.assets.cards import card_picture, film
from tests.assets.video_fixtures import ffmpeg
from tests.e2e.browser.conftest import Person, enrol
from tests.e2e.conftest import Platform
from tests.small_dossier import materials

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]
WORK_MS = 90_000


def uploaded(surgeon: Client, folder: Path) -> Data:
    """A dossier with a video in HEVC, and one in H.264 that says nothing."""
    profile = json.loads(sample.profile().model_dump_json(exclude_defaults=True))
    made = surgeon.send("POST", "/api/v1/dossiers", json={"profile": profile})
    recorded = film(folder / "手术.mp4", [(card_picture(("主刀医生：李川明",)), 1), (None, 2)], size=(640, 360))
    converted = folder / "手机录像.mp4"
    ffmpeg("-i", str(recorded), "-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", str(converted))
    for path in (converted, recorded):
        surgeon.upload(made["dossier_id"], materials(made)["surgery_video"]["material_id"], "video", path)
    return made


def row(page: Page, number: int) -> str:
    return f"ol.files > li:nth-child({number})"


def test_stages_a_copy_and_an_opening(person: Person, platform: Platform, tmp_path: Path) -> None:
    enrol(platform, "surgeon-films", "李川明", "applicant", "jc-h1")
    surgeon = platform.client("surgeon-films")
    made = uploaded(surgeon, tmp_path)
    person.sign_in("surgeon-films")
    page = person.page
    page.goto(
        f"{platform.url}/dossiers/{made['dossier_id']}/materials/{materials(made)['surgery_video']['material_id']}"
    )
    hevc, plain = page.locator(row(page, 1)), page.locator(row(page, 2))
    expect(hevc.locator("ul.stages li.done", has_text="网页播放版")).to_be_visible(timeout=WORK_MS)
    expect(hevc.get_by_text("多数浏览器不能直接播放这种编码")).to_be_visible()
    expect(plain.locator("ul.stages li.done", has_text="画面浏览")).to_be_visible(timeout=WORK_MS)
    expect(plain.get_by_text("多数浏览器不能直接播放这种编码")).to_have_count(0)
    assert plays(hevc.locator("video").element_handle()) == pytest.approx(3, abs=0.2)

    assert what_is_held_stays(page) == []
    plain.get_by_role("link", name="按申报信息添加片头").click()
    expect(page.locator("figure.card img")).to_be_visible()
    page.get_by_label("停留秒数").fill("3")
    page.get_by_role("button", name="生成").click()
    expect(page.get_by_role("heading", name="已生成")).to_be_visible(timeout=WORK_MS)
    page.get_by_role("button", name="作为新文件放进本项材料").click()
    titled = page.locator(row(page, 3))
    expect(titled.locator("ul.stages li.done", has_text="片头识别")).to_be_visible(timeout=WORK_MS)
    expect(titled.locator("table.opening").get_by_text("一致")).to_have_count(6, timeout=WORK_MS)


def what_is_held_stays(page: Page) -> list[str]:
    """Texts of the buttons and links that are others once the page is renewed with much more in front of each."""
    lost: list[str] = page.evaluate(
        """() => {
          const part = document.querySelector("[data-live]");
          const held = [...part.querySelectorAll("form button, a, summary, video")];
          const renewed = document.createElement("div");
          renewed.innerHTML = part.innerHTML;
          const more = "<p>1</p><div class='finding'>2</div><ul><li>3</li></ul><form><button>4</button></form>";
          for (const each of renewed.querySelectorAll(".files > li > *")) each.insertAdjacentHTML("beforebegin", more);
          window.Idiomorph.morph(part, renewed.innerHTML, { morphStyle: "innerHTML" });
          return held.filter((each) => !each.isConnected).map((each) => each.outerHTML.slice(0, 120));
        }"""
    )
    page.reload()
    return lost


def plays(video: object) -> float:
    """How long the browser takes it to be, once it has shown some of it."""
    length = video.evaluate(  # type: ignore[attr-defined]
        """async (video) => {
          video.muted = true;
          await video.play();
          while (video.currentTime < 0.5) await new Promise((next) => requestAnimationFrame(next));
          video.pause();
          return video.duration;
        }"""
    )
    return float(length)
