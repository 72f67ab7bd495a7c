"""A video's opening as pages and evidence sheets show it: what was declared, what was read, and where."""

import math
from collections.abc import Mapping
from typing import Any

from fastapi import Request

from services.catalogue.wording import Lang
from services.gateway.guard import Gateway
from services.gateway.languages import language
from services.gateway.pages import asking
from services.gateway.pages.words import N_, translations
from services.gateway.plain import Data
from services.gen.video.v1 import video_pb2
from services.kernel.errors import not_found
from services.kernel.grpc_client import call

#: Field → what it is called.
NAMES: Mapping[str, str] = {
    "surgeon": N_("主刀医生"),
    "employer": N_("工作单位"),
    "department": N_("所在科室"),
    "title": N_("职称"),
    "operation": N_("手术名称"),
    "date": N_("手术日期"),
}
#: (status, whether anything was declared) → how it is worded and coloured.
_STATUSES: Mapping[str, tuple[str, str]] = {
    "found": (N_("一致"), "good"),
    "read": (N_("已识别"), "good"),
    "similar": (N_("相近，请核对"), "doubtful"),
    "different": (N_("不一致"), "bad"),
    "missing": (N_("未找到"), "bad"),
    "unreadable": (N_("看不清"), "doubtful"),
}
_DEADLINE_S = 30.0
#: How high a part of the picture stands on the page.
_CUT_HEIGHT_PX = 32
#: How much of the picture around a line is shown with it, in heights of the line.
_AROUND = 0.15


def state_of(field: Data) -> str:
    """The key of `_STATUSES` for a field of `review`."""
    if field["status"] == "missing" and field["value"]:
        return "different"
    if field["status"] == "found" and not field["declared"]:
        return "read"
    return str(field["status"])


def name_of(field: Data) -> str:
    """What the field is called, in Chinese: for the page's own translation."""
    return NAMES[field["name"]]


def word_of(field: Data) -> str:
    """How the field agrees, in Chinese: for the page's own translation."""
    return _STATUSES[state_of(field)][0]


def colour_of(field: Data) -> str:
    """ "good", "doubtful" or "bad"."""
    return _STATUSES[state_of(field)][1]


def cut_out(field: Data) -> dict[str, str] | None:
    """The part of the picture in which the value was read, upright, as an SVG's attributes; None for no part."""
    if field["shot"] < 0 or len(field["corners"]) < 8:
        return None
    x1, y1, x2, y2, x3, y3, x4, y4 = field["corners"][:8]
    width, height = math.hypot(x2 - x1, y2 - y1), math.hypot(x4 - x1, y4 - y1)
    x, y = (x1 + x2 + x3 + x4) / 4, (y1 + y2 + y3 + y4) / 4
    around = _AROUND * height
    angle = math.degrees(math.atan2(y2 - y1, x2 - x1))
    box = (x - width / 2 - around, y - height / 2 - around, width + 2 * around, height + 2 * around)
    return {
        "view_box": " ".join(f"{number:.1f}" for number in box),
        "transform": f"rotate({-angle:.2f} {x:.1f} {y:.1f})",
        "width": str(round(_CUT_HEIGHT_PX * box[2] / max(1.0, box[3]))),
    }


async def evidence(request: Request, gateway: Gateway, account_id: str, dossier_id: str, file_id: str) -> bytes:
    """The evidence sheet of a file, a JPEG. Raises `AppError` request.not-found, evidence.nothing-to-show."""
    dossier = (await asking.dossier(request, gateway, account_id, dossier_id)).dossier
    for material in dossier["materials"]:
        for file in material["files"]:
            if file["file_id"] == file_id and file["opening"]:
                grant = await gateway.peers.authorise(account_id, dossier_id, "view")
                asked = sheet(dossier, material, file, language(request))
                drawing = gateway.peers.video.DrawEvidence
                drawn = await call(drawing, asked, token=grant.video, idempotent=True, timeout_s=_DEADLINE_S)
                return drawn.jpeg
    raise not_found("opening")


def sheet(dossier: Data, material: Data, file: Data, lang: Lang) -> video_pb2.DrawEvidenceRequest:
    """What is to stand on the evidence sheet of a file."""
    _ = translations(lang).gettext
    title = material["title_zh"] if lang == "zh" else material["title_en"]
    return video_pb2.DrawEvidenceRequest(
        dossier_id=dossier["dossier_id"],
        file_id=file["file_id"],
        title=_("片头核对单") + f"  {material['item_number']} {title}",
        notes=[f"{dossier['applicant_name']}  {dossier['organisation_name']}", f"SHA-256 {file['sha256']}"],
        headings=[_("项目"), _("申报信息"), _("识别结果"), _("画面"), _("结论")],
        rows=[_row(field, _) for field in file["opening"]],
    )


def _row(field: Data, _: Any) -> video_pb2.EvidenceRow:
    return video_pb2.EvidenceRow(
        label=_(name_of(field)),
        declared=field["declared"] or "—",
        read=field["value"] or "—",
        verdict=_(word_of(field)),
        colour=colour_of(field),
        shot=field["shot"],
        corners=field["corners"],
    )
