"""Every page there is, with who looks at it: for judging their accessibility and for taking their pictures."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from services.cli.demo import sample
from services.cli.demo.client import Client, Data
from tests.assets import large_pages, pdf_fixtures
from tests.assets.cards import card_picture, film
from tests.e2e import coached
from tests.e2e.conftest import Platform
from tests.small_dossier import COMPONENTS, another, confirm, fill, materials, owed, page, submit

#: The item whose file has a page that is too large.
LARGE = "appointment"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """One page: a short name, its address, who is signed in ("" for nobody), what is unfolded on it."""

    name: str
    path: str
    login: str = ""
    unfolds: str = ""


def visit(page: Page, stop: Stop) -> None:
    """Go there, and unfold what is to be seen unfolded."""
    page.goto(stop.path)
    if stop.unfolds:
        page.eval_on_selector_all(stop.unfolds, "found => found.forEach((each) => { each.open = true; })")


def prepare(platform: Platform, folder: Path, people: tuple[str, str, str]) -> tuple[Data, Data, Data]:
    """A draft with a file that fails and one that is too large, a dossier that is reviewed again after a return and in
    which a file was made smaller, and a draft with a video.
    """
    draft_login, reviewed_login, surgeon_login = people
    drafting, applying = platform.client(draft_login), platform.client(reviewed_login)
    draft = drafting.send("POST", "/api/v1/dossiers", json={"profile": another("林护师", "51010619830303555")})
    files = owed(folder)
    cut = folder / "扫描不完整.pdf"
    cut.write_bytes(files["education"].read_bytes()[:3000])
    own = materials(draft)
    drafting.upload(draft["dossier_id"], own["education"]["material_id"], "chsi_report", cut)
    component = "assessment_proof"
    written = folder / "年度考核.pdf"
    written.write_bytes(pdf_fixtures.written_pdf([["二〇二二年度考核登记表"], ["考核结果：优秀"]]))
    drafting.upload(draft["dossier_id"], own["annual_assessment"]["material_id"], component, written)
    large = folder / "聘任书.pdf"
    large.write_bytes(large_pages.too_large_scan())
    drafting.upload(draft["dossier_id"], own[LARGE]["material_id"], COMPONENTS[LARGE], large)
    made = applying.send("POST", "/api/v1/dossiers", json={"profile": another("何药师", "51010619820202666")})
    bloated = folder / "聘任文件.pdf"
    bloated.write_bytes(large_pages.bloated_scan())
    fill(applying, made, {**files, LARGE: bloated})
    sent = applying.wait(made["dossier_id"], lambda d: bool(materials(d)[LARGE]["files"]), deadline_s=60)
    coached.make_smaller(applying, sent, LARGE)
    submit(applying, made["dossier_id"])
    _return_and_come_back(platform, applying, made["dossier_id"], folder)
    drafting.wait(draft["dossier_id"], lambda d: materials(d)["education"]["status"] == "failed", deadline_s=60)
    drafting.wait(draft["dossier_id"], lambda d: materials(d)["annual_assessment"]["status"] == "passed", deadline_s=60)
    coached.measured(drafting, coached.of_first_file(drafting.dossier(draft["dossier_id"]), LARGE))
    return draft, applying.dossier(made["dossier_id"]), _with_video(platform.client(surgeon_login), folder)


def _with_video(surgeon: Client, folder: Path) -> Data:
    """Its opening says five of six things, and one of them differs."""
    profile = json.loads(sample.profile().model_dump_json(exclude_defaults=True))
    made = surgeon.send("POST", "/api/v1/dossiers", json={"profile": profile})
    card = ("主刀医生：李川明", "单位：锦川县人民医院", "科室：普外科", "职称：主任医师", "手术名称：腹腔镜胆囊切除术")
    video = film(folder / f"{profile['name']}{profile['id_number']}.mp4", [(card_picture(card), 3), (None, 3)])
    surgeon.upload(made["dossier_id"], materials(made)["surgery_video"]["material_id"], "video", video)
    return surgeon.wait(
        made["dossier_id"], lambda d: any(f["opening"] for f in materials(d)["surgery_video"]["files"]), deadline_s=90
    )


def _return_and_come_back(platform: Platform, applicant: Client, dossier_id: str, folder: Path) -> None:
    unit = platform.client("unit")
    seen = materials(unit.dossier(dossier_id))
    for item, material in seen.items():
        if item != "education":
            confirm(unit, dossier_id, material)
    unit.dossier(dossier_id)
    defects = [{"material_id": seen["education"]["material_id"], "reason": "扫描件不清晰，请重新扫描原件后上传。"}]
    path = f"/api/v1/dossiers/{dossier_id}/return"
    unit.send("POST", path, version=True, json={"defects": defects, "comment": "请一次补正。"})
    [file] = seen["education"]["files"]
    applicant.send("DELETE", f"/api/v1/dossiers/{dossier_id}/files/{file['file_id']}")
    applicant.upload(dossier_id, seen["education"]["material_id"], "chsi_report", page(folder, "education", seed=41))
    submit(applicant, dossier_id)


def stops(dossiers: tuple[Data, Data, Data], people: tuple[str, str, str]) -> Iterator[Stop]:
    """Every page, in the order in which one meets them."""
    (draft, reviewed, filmed), (drafting, applying, surgeon) = dossiers, people
    own = f"/dossiers/{draft['dossier_id']}"
    theirs = f"/dossiers/{reviewed['dossier_id']}"
    review = f"/review/{reviewed['dossier_id']}"
    education = materials(draft)["education"]["material_id"]
    assessment = materials(draft)["annual_assessment"]["material_id"]
    changed = materials(reviewed)["education"]["material_id"]
    yield Stop(name="front", path="/")
    yield Stop(name="sign-in", path="/sign-in")
    yield Stop(name="not-found", path="/nowhere")
    yield Stop(name="dossier", path=own, login=drafting)
    yield Stop(name="profile", path=f"{own}/profile", login=drafting)
    yield Stop(name="material-failed", path=f"{own}/materials/{education}", login=drafting)
    yield Stop(name="material", path=f"{own}/materials/{assessment}", login=drafting)
    video = materials(filmed)["surgery_video"]["material_id"]
    too_large = f"{own}/materials/{materials(draft)[LARGE]['material_id']}"
    yield Stop(name="material-too-large", path=too_large, login=drafting, unfolds=".coach details")
    yield Stop(name="material-video", path=f"/dossiers/{filmed['dossier_id']}/materials/{video}", login=surgeon)
    filmed_file = materials(filmed)["surgery_video"]["files"][0]["file_id"]
    title_card = f"/dossiers/{filmed['dossier_id']}/files/{filmed_file}/title-card"
    yield Stop(name="title-card", path=title_card, login=surgeon)
    documents = materials(filmed)["surgery_video_docs"]["material_id"]
    typed_text = f"/dossiers/{filmed['dossier_id']}/materials/{documents}/components/intro/text"
    yield Stop(name="typed-text", path=typed_text, login=surgeon)
    yield Stop(name="arrangement", path=f"{own}/materials/{assessment}/arrangement", login=drafting)
    yield Stop(name="merged", path=f"{own}/materials/{assessment}/pages", login=drafting)
    yield Stop(name="merged-found", path=f"{own}/materials/{assessment}/pages?q=优秀", login=drafting)
    yield Stop(name="submission", path=f"{own}/submission", login=drafting)
    yield Stop(name="password", path="/password", login=drafting)
    yield Stop(name="new-profile", path="/profile", login="applicant-province")
    yield Stop(name="dossier-in-review", path=theirs, login=applying)
    yield Stop(name="queue", path="/review", login="unit")
    yield Stop(name="queue-all", path="/review?show=all", login="unit")
    yield Stop(name="queue-empty", path="/review", login="unit-province")
    yield Stop(name="review", path=f"{review}/materials/{changed}", login="unit")
    yield Stop(name="review-not-found", path=f"{review}/materials/{changed}?q=优秀", login="unit")
    smaller = materials(reviewed)[LARGE]["material_id"]
    yield Stop(name="review-smaller", path=f"{review}/materials/{smaller}", login="unit", unfolds=".side details")
    yield Stop(name="decision", path=f"{review}/decision", login="unit")
    for name in (
        "",
        "/jobs",
        "/events",
        "/accounts",
        "/organisations",
        "/import/accounts",
        "/import/organisations",
        "/audit?verify=yes",
    ):
        word = name.split("?")[0].strip("/").replace("/", "-") or "health"
        yield Stop(name=f"operation-{word}", path=f"/operation{name}", login="operator")
    yield Stop(name="operation-audit-lines", path=f"/operation/audit?dossier={draft['dossier_id']}", login="operator")
