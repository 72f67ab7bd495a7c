"""What pages and API ask of a video's stages, its copy for browsers, and the opening that is put in front of it."""

from collections.abc import Mapping, Sequence

from fastapi import Request

from services.catalogue import load
from services.gateway.guard import Gateway
from services.gateway.languages import language
from services.gateway.pages import asking
from services.gateway.pages.words import N_
from services.gateway.plain import Data, plain
from services.gen.common.v1 import common_pb2
from services.gen.upload.v1 import upload_pb2
from services.gen.video.v1 import video_pb2 as pb
from services.kernel.errors import AppError, Kind, not_found
from services.kernel.grpc_client import call

#: Stage → what it is called.
STAGES: Mapping[str, str] = {
    "verdict": N_("机检"),
    "opening": N_("片头识别"),
    "look": N_("画面浏览"),
    "proxy": N_("网页播放版"),
    "titlecard": N_("添加片头"),
    "disc": N_("光盘映像"),
}
_ACTIVE = frozenset({"queued", "leased"})
_DRAWING_DEADLINE_S, _COPYING_DEADLINE_S = 30.0, 300.0


def name_of(stage: Data) -> str:
    """What it is called, in Chinese: for the page's own translation."""
    return STAGES.get(stage["stage"], stage["stage"])


def active(stages: Sequence[Data]) -> bool:
    """Whether any waits or runs."""
    return any(stage["state"] in _ACTIVE for stage in stages)


async def stages(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, file_id: str
) -> Sequence[Data]:  # fmt: skip
    """Of a file, in order. Raises `AppError` request.not-found."""
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")
    asked = pb.ListStagesRequest(dossier_id=dossier_id, file_id=file_id)
    found = await call(gateway.peers.video.ListStages, asked, token=grant.video, idempotent=True)
    return [plain(each, language(request)) for each in found.stages]


async def retry_stage(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, file_id: str, stage: str
) -> Data:  # fmt: skip
    """Put it back. Raises `AppError` request.not-found, and what keeps a dossier from being changed."""
    grant = await gateway.peers.authorise(account_id, dossier_id, "delete")
    asked = pb.RetryStageRequest(dossier_id=dossier_id, file_id=file_id, stage=stage)
    found = await call(gateway.peers.video.RetryStage, asked, token=grant.video, idempotent=True)
    return plain(found.stage, language(request))


async def cancel_stage(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, file_id: str, stage: str
) -> Data:  # fmt: skip
    """Stop it, where nothing hangs on it. Raises as `retry_stage`."""
    grant = await gateway.peers.authorise(account_id, dossier_id, "delete")
    asked = pb.CancelStageRequest(dossier_id=dossier_id, file_id=file_id, stage=stage)
    found = await call(gateway.peers.video.CancelStage, asked, token=grant.video, idempotent=True)
    return plain(found.stage, language(request))


async def proxy_link(gateway: Gateway, account_id: str, dossier_id: str, file_id: str) -> common_pb2.PresignedRequest:
    """The copy for browsers. Raises `AppError` request.not-found when there is none."""
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")
    asked = pb.PresignProxyRequest(dossier_id=dossier_id, file_id=file_id)
    return (await call(gateway.peers.video.PresignProxy, asked, token=grant.video, idempotent=True)).request


async def playing(gateway: Gateway, account_id: str, dossier_id: str, file_id: str) -> str:
    """The address from which a browser plays a video: its copy where there is one, else the original."""
    try:
        return (await proxy_link(gateway, account_id, dossier_id, file_id)).url
    except AppError as error:
        if error.kind not in (Kind.NOT_FOUND, Kind.UNAVAILABLE):
            raise
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")
    asked = upload_pb2.PresignDownloadRequest(dossier_id=dossier_id, file_id=file_id, replaced_too=True)
    link = await call(gateway.peers.upload.PresignDownload, asked, token=grant.upload, idempotent=True)
    return link.request.url


def longest_opening_s(duration_s: float) -> float:
    """How long an opening may stand in front of a video before the whole is too long (M15-2d); at most 30 s, and at
    least 0.
    """
    catalogue = load.default()
    limit_s = catalogue.duration_limit_s(catalogue.item("surgery_video")) or 0
    return max(0.0, min(30.0, float(int(2 * (float(limit_s) - duration_s)) / 2)))


async def place_of(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, file_id: str
) -> tuple[Data, Data, Data]:  # fmt: skip
    """(dossier, material, file). Raises `AppError` request.not-found."""
    found = (await asking.dossier(request, gateway, account_id, dossier_id)).dossier
    for material in found["materials"]:
        for file in material["files"]:
            if file["file_id"] == file_id and load.default().item(material["item_id"]).is_video:
                return found, material, file
    raise not_found("file")


async def card_picture(request: Request, gateway: Gateway, account_id: str, dossier_id: str, file_id: str) -> bytes:
    """The opening as it would look, a JPEG. Raises `AppError` request.not-found, titlecard.incomplete."""
    _, material, _ = await place_of(request, gateway, account_id, dossier_id, file_id)
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")
    asked = pb.DrawTitleCardRequest(dossier_id=dossier_id, file_id=file_id, declared=material["declared_opening"])
    drawing = gateway.peers.video.DrawTitleCard
    return (await call(drawing, asked, token=grant.video, idempotent=True, timeout_s=_DRAWING_DEADLINE_S)).jpeg


async def title_card(request: Request, gateway: Gateway, account_id: str, dossier_id: str, file_id: str) -> Data:
    """What was asked for last. Raises `AppError` request.not-found."""
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")
    asked = pb.GetTitleCardRequest(dossier_id=dossier_id, file_id=file_id)
    found = await call(gateway.peers.video.GetTitleCard, asked, token=grant.video, idempotent=True)
    return plain(found.card, language(request))


async def request_title_card(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, file_id: str, seconds: float
) -> Data:  # fmt: skip
    """Begin to make one. Raises `AppError` request.not-found, titlecard.incomplete, titlecard.seconds, and what keeps
    a dossier from being changed.
    """
    grant = await gateway.peers.authorise(account_id, dossier_id, "delete")
    _, material, _ = await place_of(request, gateway, account_id, dossier_id, file_id)
    asked = pb.RequestTitleCardRequest(
        dossier_id=dossier_id, file_id=file_id, declared=material["declared_opening"], seconds=seconds
    )
    made = await call(gateway.peers.video.RequestTitleCard, asked, token=grant.video)
    return plain(made.card, language(request))


async def titled_link(gateway: Gateway, account_id: str, dossier_id: str, file_id: str) -> common_pb2.PresignedRequest:
    """The video with its opening. Raises `AppError` request.not-found."""
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")
    asked = pb.PresignTitleCardRequest(dossier_id=dossier_id, file_id=file_id)
    return (await call(gateway.peers.video.PresignTitleCard, asked, token=grant.video, idempotent=True)).request


async def adopt_titled(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, file_id: str, new_id: str
) -> upload_pb2.File:  # fmt: skip
    """The video with its opening becomes a file of the same component, beside the original. The same `new_id` again
    changes nothing. Raises `AppError` request.not-found, and what keeps a file from being sent.
    """
    _, material, file = await place_of(request, gateway, account_id, dossier_id, file_id)
    card = await title_card(request, gateway, account_id, dossier_id, file_id)
    if not card["object_key"]:
        raise not_found("title card")
    component_id = file["component_id"]
    grant = await gateway.peers.authorise(
        account_id, dossier_id, "upload", material_id=material["material_id"], component_id=component_id
    )
    asked = upload_pb2.AdoptFileRequest(
        dossier_id=dossier_id,
        file_id=new_id,
        material_id=material["material_id"],
        item_id=grant.item_id,
        component_id=component_id,
        file_name=material["right_file_name"] or file["file_name"],
        source_key=card["object_key"],
        source_etag=card["etag"],
        size_bytes=card["size_bytes"],
    )
    adopting = gateway.peers.upload.AdoptFile
    done = await call(adopting, asked, token=grant.upload, idempotent=True, timeout_s=_COPYING_DEADLINE_S)
    return done.file
