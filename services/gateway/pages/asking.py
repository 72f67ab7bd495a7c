"""What pages ask of the other services, as plain data in the reader's language."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request

from services.gateway.guard import Gateway
from services.gateway.languages import language
from services.gateway.plain import Data, plain
from services.gen.pdfcheck.v1 import pdfcheck_pb2
from services.gen.review.v1 import review_pb2 as pb
from services.gen.video.v1 import video_pb2
from services.kernel.errors import AppError, Kind
from services.kernel.grpc_client import call

_DRAWING_DEADLINE_S = 30.0
_ABOUT_SIGNATURES = frozenset({"pdf.signed", "pdf.signature-broken", "pdf.changed-after-signing"})
_Told = TypeVar("_Told")


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A dossier and the number of the last change that it holds: where the page's event stream goes on."""

    dossier: Data
    seq: int


async def dossier(request: Request, gateway: Gateway, account_id: str, dossier_id: str) -> Seen:
    """A dossier. Raises `AppError` request.not-found."""
    asked = pb.GetDossierRequest(dossier_id=dossier_id)
    token = gateway.peers.as_actor(account_id)
    found = await call(gateway.peers.review.GetDossier, asked, token=token, idempotent=True)
    return Seen(dossier=plain(found.dossier, language(request)), seq=found.seq)


async def checklist(gateway: Gateway, account_id: str, dossier_id: str) -> Data:
    """What the applicant owes, and why."""
    asked = pb.GetChecklistRequest(dossier_id=dossier_id)
    token = gateway.peers.as_actor(account_id)
    found = await call(gateway.peers.review.GetChecklist, asked, token=token, idempotent=True)
    answer: Data = json.loads(found.checklist_json)
    return answer


async def profile(gateway: Gateway, account_id: str, dossier_id: str) -> tuple[dict[str, Any], int]:
    """The profile with a masked ID number, and the dossier's version."""
    asked = pb.GetProfileRequest(dossier_id=dossier_id)
    token = gateway.peers.as_actor(account_id)
    found = await call(gateway.peers.review.GetProfile, asked, token=token, idempotent=True)
    return json.loads(found.profile_json), found.version


async def merged(request: Request, gateway: Gateway, account_id: str, dossier_id: str, material: Data) -> Data | None:
    """The merged PDF with bookmarks and where each page comes from; None while there is none."""
    if not (material["merged"] and material["merged"]["sha256"]):
        return None
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")
    asked = pdfcheck_pb2.GetMergedRequest(dossier_id=dossier_id, material_id=material["material_id"])
    found = await call(gateway.peers.pdfcheck.GetMerged, asked, token=grant.pdfcheck, idempotent=True)
    return plain(found.merged, language(request))


async def per_file(file_ids: Sequence[str], ask: Callable[[str], Awaitable[_Told]]) -> Mapping[str, _Told]:
    """What is told of each file; nothing of one about which there is nothing yet, and of none while the service does
    not answer: the rest of the page does without. Raises what else `ask` raises.
    """

    async def told(file_id: str) -> list[tuple[str, _Told]]:
        try:
            return [(file_id, await ask(file_id))]
        except AppError as error:
            if error.kind in (Kind.NOT_FOUND, Kind.UNAVAILABLE):
                return []
            raise

    return dict(itertools.chain.from_iterable(await asyncio.gather(*map(told, file_ids))))


async def measured(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, material: Data
) -> Mapping[str, Data]:
    """What was measured on each video of a material that was checked, as `per_file`."""
    checked = [file["file_id"] for file in material["files"] if file["duration_s"]]
    if not checked:
        return {}
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")

    async def facts(file_id: str) -> Data:
        asked = video_pb2.GetReportRequest(dossier_id=dossier_id, file_id=file_id)
        found = await call(gateway.peers.video.GetReport, asked, token=grant.video, idempotent=True)
        return plain(found.report.facts, language(request))

    return await per_file(checked, facts)


async def weighed(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, material: Data
) -> Mapping[str, Data]:
    """The report on each document of a material that was checked, as `per_file`."""
    checked = [file["file_id"] for file in material["files"] if file["pages"]]
    if not checked:
        return {}
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")

    async def report(file_id: str) -> Data:
        asked = pdfcheck_pb2.GetReportRequest(dossier_id=dossier_id, file_id=file_id)
        found = await call(gateway.peers.pdfcheck.GetReport, asked, token=grant.pdfcheck, idempotent=True)
        return plain(found.report, language(request))

    return await per_file(checked, report)


async def signed(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, material: Data
) -> Mapping[str, Data]:
    """As `weighed`, of the documents alone in which a signature was found."""
    about = [file for file in material["files"] if any(each["code"] in _ABOUT_SIGNATURES for each in file["findings"])]
    return await weighed(request, gateway, account_id, dossier_id, {**material, "files": about})


async def twins(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, material_id: str
) -> Sequence[Data]:
    """Pages of a material that are in other dossiers as well; none for who is not to be told, and none while a service
    does not answer: the rest of the page does without.
    """
    asked = pb.ListTwinsRequest(dossier_id=dossier_id, material_id=material_id)
    token = gateway.peers.as_actor(account_id)
    try:
        found = await call(gateway.peers.review.ListTwins, asked, token=token, idempotent=True)
    except AppError as error:
        if error.kind in (Kind.FORBIDDEN, Kind.UNAVAILABLE):
            return []
        raise
    return [plain(each, language(request)) for each in found.twins]


async def looks(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, material: Data
) -> Mapping[str, Data]:
    """What a look through each video of a material told, as `per_file`."""
    checked = [file["file_id"] for file in material["files"] if file["duration_s"]]
    if not checked:
        return {}
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")

    async def look(file_id: str) -> Data:
        asked = video_pb2.GetLookRequest(dossier_id=dossier_id, file_id=file_id)
        found = await call(gateway.peers.video.GetLook, asked, token=grant.video, idempotent=True)
        return plain(found.look, language(request))

    return await per_file(checked, look)


async def look(request: Request, gateway: Gateway, account_id: str, dossier_id: str, file_id: str) -> Data:
    """One of them. Raises `AppError` request.not-found."""
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")
    asked = video_pb2.GetLookRequest(dossier_id=dossier_id, file_id=file_id)
    found = await call(gateway.peers.video.GetLook, asked, token=grant.video, idempotent=True)
    return plain(found.look, language(request))


async def technical_sheet(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, file_id: str
) -> Sequence[Data]:
    """What a video says of itself. Raises `AppError` request.not-found, sheet.not-possible."""
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")
    asked = video_pb2.GetTechnicalSheetRequest(dossier_id=dossier_id, file_id=file_id)
    asking_for = gateway.peers.video.GetTechnicalSheet
    found = await call(asking_for, asked, token=grant.video, idempotent=True, timeout_s=_DRAWING_DEADLINE_S)
    return [plain(each, language(request)) for each in found.sections]


async def storyboard(gateway: Gateway, account_id: str, dossier_id: str, file_id: str) -> bytes:
    """All samples of a look in one JPEG. Raises `AppError` request.not-found."""
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")
    asked = video_pb2.GetStoryboardRequest(dossier_id=dossier_id, file_id=file_id)
    return (await call(gateway.peers.video.GetStoryboard, asked, token=grant.video, idempotent=True)).jpeg


async def opening_picture(gateway: Gateway, account_id: str, dossier_id: str, file_id: str, shot: int) -> bytes:
    """One of the pictures from which a video's opening was read, a JPEG. Raises `AppError` request.not-found."""
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")
    asked = video_pb2.GetOpeningPictureRequest(dossier_id=dossier_id, file_id=file_id, shot=shot)
    return (await call(gateway.peers.video.GetOpeningPicture, asked, token=grant.video, idempotent=True)).jpeg


async def disc_face(request: Request, gateway: Gateway, account_id: str, dossier_id: str, file_id: str) -> bytes:
    """The face of a video's disc, a PDF. Raises `AppError` request.not-found."""
    found = (await dossier(request, gateway, account_id, dossier_id)).dossier
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")
    asked = video_pb2.DrawDiscFaceRequest(
        dossier_id=dossier_id, file_id=file_id, name=found["applicant_name"], notes=[found["organisation_name"]]
    )
    drawing = gateway.peers.video.DrawDiscFace
    return (await call(drawing, asked, token=grant.video, idempotent=True, timeout_s=_DRAWING_DEADLINE_S)).pdf


async def newest_dossier_id(gateway: Gateway, account_id: str) -> str:
    """The applicant's newest dossier, "" when there is none."""
    asked = pb.ListDossiersRequest(page_size=1)
    token = gateway.peers.as_actor(account_id)
    found = await call(gateway.peers.review.ListDossiers, asked, token=token, idempotent=True)
    return found.dossiers[0].dossier_id if found.dossiers else ""
