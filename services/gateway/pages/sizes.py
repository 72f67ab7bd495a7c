"""What pages and API ask of the size coach: why something is too large, what it would be, and to put that there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from services.catalogue.error_texts import explain
from services.catalogue.wording import Lang
from services.gateway.guard import Gateway
from services.gateway.languages import language
from services.gateway.pages import asking
from services.gateway.pages.words import N_
from services.gateway.plain import Data, plain
from services.gen.pdfcheck.v1 import pdfcheck_pb2 as pb
from services.gen.upload.v1 import upload_pb2
from services.kernel.errors import AppError, Kind, not_found
from services.kernel.grpc_client import call

_ACTIVE = frozenset({"queued", "leased"})
METHODS: Mapping[str, str] = {"lossless": N_("无损压缩"), "visual": N_("看不出差别的压缩")}
REASONS: Mapping[str, str] = {
    "resolution": N_("分辨率过高：扫描件 200–300 dpi 就够清楚"),
    "lossless": N_("图片以无损格式（PNG 一类）保存；扫描件用 JPEG 只需几分之一"),
    "quality": N_("JPEG 质量设得过高，多出来的字节看不出来"),
    "several-pictures": N_("这一页上有几幅大图"),
    "bilevel": N_("黑白二值图，只能重新打包，不能转成 JPEG"),
    "special": N_("特殊的图像（专色、透明或蒙版），只能重新打包"),
    "other": N_("大部分不是图片，而是字体、矢量图形等"),
}
REFUSALS: Mapping[str, str] = {
    "signed": N_("文件带有电子签名，缩小会破坏签名。请签名者重新导出较小的文件后再签。"),
    "no-pictures": N_("这一页大的不是图片，缩小图片没有用。请把这一页打印出来，以 200–300 dpi 重新扫描。"),
    "not-enough": N_("降到 200 dpi 仍然放不下，或者会看不清。请以 200–300 dpi、JPEG 格式重新扫描这一页。"),
    "damaged": N_("这一页的图片解不开，请重新扫描。"),
    "too-complex": N_("这一页过于复杂，在允许的时间和内存内算不完。请以 200–300 dpi 重新扫描。"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What is too large: one file, or a whole material. Exactly one of the ids is there."""

    dossier_id: str
    file_id: str = ""
    material_id: str = ""

    @property
    def subject(self) -> dict[str, str]:
        """As requests have it."""
        return {"file_id": self.file_id} if self.file_id else {"material_id": self.material_id}


def active(advice: Data) -> bool:
    """Whether anything waits or runs."""
    return advice["state"] in _ACTIVE or any(each["state"] in _ACTIVE for each in advice["shrinking"])


def offers(advice: Data) -> Sequence[tuple[Data, str]]:
    """(plan, method's name in Chinese) of each that may be chosen."""
    return [(plan, METHODS[plan["method"]]) for plan in advice["plans"]]


def problem(code: str, lang: Lang) -> str:
    """What kept a smaller file from being made, and what to do."""
    said = explain(code, {}, lang)
    return f"{said.title}。{said.fix}" if lang == "zh" else f"{said.title}. {said.fix}"


def is_due(material: Data, file: Data | None = None) -> bool:
    """Whether a file's pages, or the whole material, were found too large."""
    if file is not None:
        return any(finding["code"] == "pdf.page-too-large" for finding in file["findings"])
    return any(finding["code"] == "pdf.item-too-large" for finding in material["findings"])


async def advice(request: Request, gateway: Gateway, account_id: str, about: About) -> Data:
    """The last one, and how far the work is. Raises `AppError` request.not-found."""
    grant = await gateway.peers.authorise(account_id, about.dossier_id, "view")
    asked = pb.GetSizeAdviceRequest(dossier_id=about.dossier_id, **about.subject)
    found = await call(gateway.peers.pdfcheck.GetSizeAdvice, asked, token=grant.pdfcheck, idempotent=True)
    return plain(found.advice, language(request))


async def of_material(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, material: Data
) -> Mapping[str, Data]:
    """Subject (a file's id, or the material's) → advice, of those that are too large and of which there is any."""
    subjects = {file["file_id"]: About(dossier_id=dossier_id, file_id=file["file_id"]) for file in material["files"]
                if is_due(material, file)}  # fmt: skip
    if is_due(material):
        material_id = material["material_id"]
        subjects[material_id] = About(dossier_id=dossier_id, material_id=material_id)
    return await asking.per_file(
        list(subjects), lambda subject: advice(request, gateway, account_id, subjects[subject])
    )


async def request_advice(request: Request, gateway: Gateway, account_id: str, about: About) -> Data:
    """Measure it (once more). Raises `AppError` request.not-found, coach.not-too-large, and what keeps a dossier from
    being changed.
    """
    grant = await gateway.peers.authorise(account_id, about.dossier_id, "delete")
    asked = pb.RequestSizeAdviceRequest(dossier_id=about.dossier_id, **about.subject)
    found = await call(gateway.peers.pdfcheck.RequestSizeAdvice, asked, token=grant.pdfcheck)
    return plain(found.advice, language(request))


async def cancel(request: Request, gateway: Gateway, account_id: str, about: About) -> Data:
    """Stop whatever runs. Raises as `request_advice`."""
    grant = await gateway.peers.authorise(account_id, about.dossier_id, "delete")
    asked = pb.CancelSizeAdviceRequest(dossier_id=about.dossier_id, **about.subject)
    found = await call(gateway.peers.pdfcheck.CancelSizeAdvice, asked, token=grant.pdfcheck, idempotent=True)
    return plain(found.advice, language(request))


async def apply(
    request: Request, gateway: Gateway, account_id: str, about: About, advice_id: str, method: str
) -> Data:  # fmt: skip
    """Put smaller files in the place of those that are too large; those are kept. Raises `AppError`
    request.not-found, coach.changed, coach.no-such-offer, coach.already-asked, and what keeps a dossier from being
    changed.
    """
    grant = await gateway.peers.authorise(account_id, about.dossier_id, "delete")
    asked = pb.ApplySizeAdviceRequest(dossier_id=about.dossier_id, advice_id=advice_id, method=method, **about.subject)
    found = await call(gateway.peers.pdfcheck.ApplySizeAdvice, asked, token=grant.pdfcheck, idempotent=True)
    return plain(found.advice, language(request))


async def picture(
    gateway: Gateway, account_id: str, about: About, page: tuple[str, int], method: str, *, crop: bool
) -> bytes:
    """A page (file, number) as it is ("") or would be, a JPEG. Raises `AppError` request.not-found."""
    grant = await gateway.peers.authorise(account_id, about.dossier_id, "view")
    asked = pb.GetAdvicePictureRequest(
        dossier_id=about.dossier_id, page_file_id=page[0], page=page[1], method=method, crop=crop, **about.subject
    )
    return (await call(gateway.peers.pdfcheck.GetAdvicePicture, asked, token=grant.pdfcheck, idempotent=True)).jpeg


async def derivation(request: Request, gateway: Gateway, account_id: str, dossier_id: str, file_id: str) -> Data:
    """How a file came out of another one. Raises `AppError` request.not-found."""
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")
    asked = pb.GetDerivationRequest(dossier_id=dossier_id, file_id=file_id)
    found = await call(gateway.peers.pdfcheck.GetDerivation, asked, token=grant.pdfcheck, idempotent=True)
    return plain(found.derivation, language(request))


async def derivations(request: Request, gateway: Gateway, account_id: str, dossier_id: str) -> Sequence[Data]:
    """Of every file of a dossier that took its original's place, also where that was put back since."""
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")
    asked = pb.ListDerivationsRequest(dossier_id=dossier_id)
    found = await call(gateway.peers.pdfcheck.ListDerivations, asked, token=grant.pdfcheck, idempotent=True)
    return [plain(each, language(request)) for each in found.derivations]


async def derived(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, material: Data
) -> Mapping[str, Data]:
    """File → how it came about, of those of a material; nothing while the service does not answer."""
    documents = {file["file_id"] for file in material["files"] if file["pages"]}
    try:
        found = await derivations(request, gateway, account_id, dossier_id) if documents else []
    except AppError as error:
        if error.kind is not Kind.UNAVAILABLE:
            raise
        return {}
    return {each["file_id"]: each for each in found if each["file_id"] in documents}


async def restore(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, file_id: str
) -> upload_pb2.File:
    """Put the original back in the place of what was made from it; the original. Raises `AppError` request.not-found,
    also of a file of which the dossier has not heard yet, and what keeps a dossier from being changed.
    """
    found = (await asking.dossier(request, gateway, account_id, dossier_id)).dossier
    grant = await gateway.peers.authorise(account_id, dossier_id, "delete")
    if not any(file["file_id"] == file_id for material in found["materials"] for file in material["files"]):
        await _gone(gateway, grant.upload, dossier_id, file_id)
    asked = upload_pb2.RestoreOriginalRequest(dossier_id=dossier_id, file_id=file_id)
    return (await call(gateway.peers.upload.RestoreOriginal, asked, token=grant.upload, idempotent=True)).file


async def _gone(gateway: Gateway, token: str, dossier_id: str, file_id: str) -> None:
    """Raises `AppError` request.not-found for a file that is in use."""
    asked = upload_pb2.DescribeFileRequest(dossier_id=dossier_id, file_id=file_id)
    try:
        await call(gateway.peers.upload.DescribeFile, asked, token=token, idempotent=True)
    except AppError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        return
    raise not_found("file")


async def place_of(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, subject_id: str
) -> tuple[Data, Data, About]:
    """(dossier, material, what is too large) of a file's id or a material's. Raises `AppError` request.not-found."""
    found = (await asking.dossier(request, gateway, account_id, dossier_id)).dossier
    if (place := within(found, subject_id)) is None:
        raise not_found("file")
    return found, *place


def within(dossier: Data, subject_id: str) -> tuple[Data, About] | None:
    """(material, what is too large) of a file's id or a material's; none where the dossier has it no more."""
    dossier_id = dossier["dossier_id"]
    for material in dossier["materials"]:
        if material["material_id"] == subject_id:
            return material, About(dossier_id=dossier_id, material_id=subject_id)
        if any(file["file_id"] == subject_id for file in material["files"]):
            return material, About(dossier_id=dossier_id, file_id=subject_id)
    return None


def names(material: Data) -> Mapping[str, str]:
    """File → what it is called."""
    return {file["file_id"]: file["file_name"] for file in material["files"]}


def shown(material: Data, told: Data | None, *, editable: bool) -> dict[str, Any]:
    """What the part of the page needs."""
    return {"advice": told, "names": names(material), "editable": editable, "material_id": material["material_id"]}
