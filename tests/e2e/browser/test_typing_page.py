"""An introduction is typed by hand: counted while one types, refused in words, merged (M15-2h)."""

import json

import pytest
from playwright.sync_api import Dialog, expect

from services.cli.demo import sample
from services.pdfcheck.domain.lengths import counted
from services.pdfcheck.domain.typed import tidy
from tests.e2e.browser.conftest import Person, enrol
from tests.e2e.conftest import Platform
from tests.small_dossier import materials

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]
#: What a browser and the service could count in different ways.
TYPED = (
    "患者 张三，\n56 岁。",
    "e\u0301\u1112\u1161\u11ab",
    "\ufb01\ufb03",
    "😀𠮷👨\u200d👩\u200d👧 1",
    "\u3000\u00a0\u2028\ufeff\u200b\u00ad一\u202e",
    "\u0e01\u0e33\u2f3f\ue000",
)


def test_it_counts_while_one_types_and_says_what_is_too_much(person: Person, platform: Platform) -> None:
    enrol(platform, "typist", "李川明", "applicant", "jc-h1")
    profile = json.loads(sample.profile().model_dump_json(exclude_defaults=True))
    made = platform.client("typist").send("POST", "/api/v1/dossiers", json={"profile": profile})
    material = materials(made)["surgery_video_docs"]["material_id"]
    person.sign_in("typist")
    page = person.page
    page.goto(f"/dossiers/{made['dossier_id']}/materials/{material}")
    page.get_by_role("link", name="在线填写或修改（最多 2000 字）").click()
    field, told = page.get_by_label("手术简介"), page.locator("#count")
    expect(told).to_have_text("已填 0 / 2000 字")
    for typed in TYPED:
        field.fill(typed)
        expect(told).to_have_text(f"已填 {counted(tidy(typed))} / 2000 字")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.get_by_role("link", name="我的材料").click(no_wait_after=True)
    expect(told).to_be_visible()
    assert asked == ["beforeunload"]
    assert field.input_value() == TYPED[-1]
    save = page.get_by_role("button", name="保存并生成页面")
    person.watch.expected.append("ERR_INTERNET_DISCONNECTED")
    person.context.set_offline(True)
    for _ in range(2):
        save.click()
        expect(page.get_by_role("alert")).to_contain_text("没有连上服务器，还没有保存")
    assert field.input_value() == TYPED[-1]
    person.context.set_offline(False)
    field.fill("字" * 2001)
    expect(told).to_have_text("已填 2001 / 2000 字，超出 1 字，请删减后再保存。")
    expect(field).to_have_attribute("aria-invalid", "true")
    person.watch.expected.append("400")
    save.click()
    expect(page.get_by_role("alert")).to_contain_text("共 2001 字，最多 2000 字，超出 1 字")
    assert page.get_by_label("手术简介").input_value() == "字" * 2001
    page.get_by_label("手术简介").fill("患者张三。")
    expect(told).to_have_text("已填 5 / 2000 字")
    save.click()
    expect(page.locator("#component-intro").get_by_role("link", name="手术简介.pdf")).to_be_visible()
